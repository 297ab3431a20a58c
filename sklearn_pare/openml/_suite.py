"""The benchmark suite OpenML-CC18, which openml itself cannot list offline."""

#: The 72 tasks of OpenML's study 99 (Bischl et al., "OpenML Benchmarking Suites",
#: NeurIPS 2021 Datasets and Benchmarks): numbers of tasks, not of data sets.
CC18 = (
    3, 6, 11, 12, 14, 15, 16, 18, 22, 23, 28, 29, 31, 32, 37, 43, 45, 49, 53, 219, 2074,
    2079, 3021, 3022, 3481, 3549, 3560, 3573, 3902, 3903, 3904, 3913, 3917, 3918, 7592,
    9910, 9946, 9952, 9957, 9960, 9964, 9971, 9976, 9977, 9978, 9981, 9985, 10093,
    10101, 14952, 14954, 14965, 14969, 14970, 125920, 125922, 146195, 146800, 146817,
    146819, 146820, 146821, 146822, 146824, 146825, 167119, 167120, 167121, 167124,
    167125, 167140, 167141,
)  # fmt: skip
