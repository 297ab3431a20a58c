"""The benchmark suite OpenML-CC18, which openml cannot list without a network.

It is OpenML's study 99 (Bischl et al., "OpenML Benchmarking Suites", NeurIPS 2021
Datasets and Benchmarks). The ID of a task is not the ID of its data set.
"""

#: ID of each task -> ID and name of its data set.
DATA_SETS = {
    3: (3, "kr-vs-kp"), 6: (6, "letter"), 11: (11, "balance-scale"),
    12: (12, "mfeat-factors"), 14: (14, "mfeat-fourier"), 15: (15, "breast-w"),
    16: (16, "mfeat-karhunen"), 18: (18, "mfeat-morphological"),
    22: (22, "mfeat-zernike"), 23: (23, "cmc"), 28: (28, "optdigits"),
    29: (29, "credit-approval"), 31: (31, "credit-g"), 32: (32, "pendigits"),
    37: (37, "diabetes"), 43: (44, "spambase"), 45: (46, "splice"),
    49: (50, "tic-tac-toe"), 53: (54, "vehicle"), 219: (151, "electricity"),
    2074: (182, "satimage"), 2079: (188, "eucalyptus"), 3021: (38, "sick"),
    3022: (307, "vowel"), 3481: (300, "isolet"), 3549: (458, "analcatdata_authorship"),
    3560: (469, "analcatdata_dmft"), 3573: (554, "mnist_784"), 3902: (1049, "pc4"),
    3903: (1050, "pc3"), 3904: (1053, "jm1"), 3913: (1063, "kc2"), 3917: (1067, "kc1"),
    3918: (1068, "pc1"), 7592: (1590, "adult"), 9910: (4134, "Bioresponse"),
    9946: (1510, "wdbc"), 9952: (1489, "phoneme"), 9957: (1494, "qsar-biodeg"),
    9960: (1497, "wall-robot-navigation"), 9964: (1501, "semeion"),
    9971: (1480, "ilpd"), 9976: (1485, "madelon"), 9977: (1486, "nomao"),
    9978: (1487, "ozone-level-8hr"), 9981: (1468, "cnae-9"),
    9985: (1475, "first-order-theorem-proving"),
    10093: (1462, "banknote-authentication"),
    10101: (1464, "blood-transfusion-service-center"),
    14952: (4534, "PhishingWebsites"), 14954: (6332, "cylinder-bands"),
    14965: (1461, "bank-marketing"), 14969: (4538, "GesturePhaseSegmentationProcessed"),
    14970: (1478, "har"), 125920: (23381, "dresses-sales"), 125922: (40499, "texture"),
    146195: (40668, "connect-4"), 146800: (40966, "MiceProtein"),
    146817: (40982, "steel-plates-fault"),
    146819: (40994, "climate-model-simulation-crashes"), 146820: (40983, "wilt"),
    146821: (40975, "car"), 146822: (40984, "segment"), 146824: (40979, "mfeat-pixel"),
    146825: (40996, "Fashion-MNIST"),
    167119: (41027, "jungle_chess_2pcs_raw_endgame_complete"),
    167120: (23517, "numerai28.6"), 167121: (40923, "Devnagari-Script"),
    167124: (40927, "CIFAR_10"), 167125: (40978, "Internet-Advertisements"),
    167140: (40670, "dna"), 167141: (40701, "churn"),
}  # fmt: skip

#: IDs of the 72 tasks.
CC18 = tuple(DATA_SETS)
