"""OpenML-CC18, suite 99: its 72 tasks, and the settings that ORCA had for some of them.

A task is a data set with a target and ten official folds; it has a number of its own.
"""

from typing import NamedTuple


class Orca(NamedTuple):
    """Settings of ORCA for one data set, with RoBERTa and a source of text.

    Attributes
    ----------
    epochs : int
    optimiser : str
    lr, weight_decay : float
    batch : int
    dropout : float
    clip : float or None
        Bound on the norm of the gradient.
    """

    epochs: int
    optimiser: str
    lr: float
    weight_decay: float
    batch: int
    dropout: float = 0.0
    clip: float | None = None


#: Number of the task -> number and name of its data set.
DATA_SETS = {
    3: (3, "kr-vs-kp"),
    6: (6, "letter"),
    11: (11, "balance-scale"),
    12: (12, "mfeat-factors"),
    14: (14, "mfeat-fourier"),
    15: (15, "breast-w"),
    16: (16, "mfeat-karhunen"),
    18: (18, "mfeat-morphological"),
    22: (22, "mfeat-zernike"),
    23: (23, "cmc"),
    28: (28, "optdigits"),
    29: (29, "credit-approval"),
    31: (31, "credit-g"),
    32: (32, "pendigits"),
    37: (37, "diabetes"),
    43: (44, "spambase"),
    45: (46, "splice"),
    49: (50, "tic-tac-toe"),
    53: (54, "vehicle"),
    219: (151, "electricity"),
    2074: (182, "satimage"),
    2079: (188, "eucalyptus"),
    3021: (38, "sick"),
    3022: (307, "vowel"),
    3481: (300, "isolet"),
    3549: (458, "analcatdata_authorship"),
    3560: (469, "analcatdata_dmft"),
    3573: (554, "mnist_784"),
    3902: (1049, "pc4"),
    3903: (1050, "pc3"),
    3904: (1053, "jm1"),
    3913: (1063, "kc2"),
    3917: (1067, "kc1"),
    3918: (1068, "pc1"),
    7592: (1590, "adult"),
    9910: (4134, "Bioresponse"),
    9946: (1510, "wdbc"),
    9952: (1489, "phoneme"),
    9957: (1494, "qsar-biodeg"),
    9960: (1497, "wall-robot-navigation"),
    9964: (1501, "semeion"),
    9971: (1480, "ilpd"),
    9976: (1485, "madelon"),
    9977: (1486, "nomao"),
    9978: (1487, "ozone-level-8hr"),
    9981: (1468, "cnae-9"),
    9985: (1475, "first-order-theorem-proving"),
    10093: (1462, "banknote-authentication"),
    10101: (1464, "blood-transfusion-service-center"),
    14952: (4534, "PhishingWebsites"),
    14954: (6332, "cylinder-bands"),
    14965: (1461, "bank-marketing"),
    14969: (4538, "GesturePhaseSegmentationProcessed"),
    14970: (1478, "har"),
    125920: (23381, "dresses-sales"),
    125922: (40499, "texture"),
    146195: (40668, "connect-4"),
    146800: (40966, "MiceProtein"),
    146817: (40982, "steel-plates-fault"),
    146819: (40994, "climate-model-simulation-crashes"),
    146820: (40983, "wilt"),
    146821: (40975, "car"),
    146822: (40984, "segment"),
    146824: (40979, "mfeat-pixel"),
    146825: (40996, "Fashion-MNIST"),
    167119: (41027, "jungle_chess_2pcs_raw_endgame_complete"),
    167120: (23517, "numerai28.6"),
    167121: (40923, "Devnagari-Script"),
    167124: (40927, "CIFAR_10"),
    167125: (40978, "Internet-Advertisements"),
    167140: (40670, "dna"),
    167141: (40701, "churn"),
}

#: Number of a data set -> settings, for those of the suite that ORCA reports on.
ORCA = {
    11: Orca(60, "AdamW", 1e-6, 1e-5, 4, 0.0, 1.0),
    12: Orca(60, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0),
    14: Orca(25, "Adam", 1e-5, 1e-5, 4, 0.05),
    15: Orca(20, "SGD", 1e-4, 0.1, 4, 0.05, 1.0),
    16: Orca(60, "AdamW", 1e-5, 1e-5, 64, 0.05),
    18: Orca(60, "Adam", 1e-5, 1e-3, 4, 0.05),
    22: Orca(60, "SGD", 1e-4, 0.1, 32),
    23: Orca(25, "Adam", 1e-5, 0.0, 64, 0.1, 1.0),
    28: Orca(60, "SGD", 1e-4, 0.0, 4, 0.0, 1.0),
    29: Orca(12, "AdamW", 1e-5, 1e-5, 64, 0.05, 1.0),
    31: Orca(20, "Adam", 1e-5, 1e-3, 64, 0.05, 1.0),
    37: Orca(20, "Adam", 1e-5, 0.0, 64, 0.1, 1.0),
    44: Orca(40, "AdamW", 1e-6, 1e-5, 4, 0.05, 1.0),
    50: Orca(30, "Adam", 1e-6, 0.0, 64, 0.05, 1.0),
    54: Orca(60, "Adam", 1e-3, 1e-3, 4, 0.05, 1.0),
    188: Orca(60, "Adam", 1e-4, 0.1, 64, 0.05, 1.0),
    458: Orca(60, "SGD", 1e-4, 1e-5, 32),
    469: Orca(10, "Adam", 1e-6, 0.0, 64, 0.05, 1.0),
    1049: Orca(60, "SGD", 1e-4, 0.1, 32),
    1050: Orca(60, "Adam", 1e-5, 0.0, 64, 0.05, 1.0),
    1063: Orca(40, "Adam", 1e-4, 0.1, 64, 0.1, 1.0),
    1068: Orca(44, "SGD", 1e-4, 1e-5, 32),
    1462: Orca(60, "SGD", 1e-4, 1e-5, 32),
    1464: Orca(60, "AdamW", 1e-5, 1e-3, 64, 0.05, 0.1),
    1480: Orca(60, "AdamW", 1e-6, 1e-5, 64, 0.05, 1.0),
    1494: Orca(60, "Adam", 1e-6, 1e-3, 4, 0.05),
    1510: Orca(60, "AdamW", 1e-5, 1e-5, 64, 0.0, 0.1),
    6332: Orca(60, "AdamW", 1e-5, 1e-3, 64, 0.05, 1.0),
    23381: Orca(25, "SGD", 1e-5, 1e-3, 32, 0.05, 1.0),
    40966: Orca(60, "AdamW", 1e-4, 0.0, 64, 0.05, 1.0),
    40975: Orca(60, "AdamW", 1e-4, 0.0, 64, 0.05, 1.0),
    40982: Orca(60, "SGD", 1e-4, 1e-5, 16, 0.05, 1.0),
    40994: Orca(60, "SGD", 1e-4, 0.1, 32),
}
