"""What papers report on the tasks, as far as it could be confirmed."""

#: Suite and task -> paper -> error, as pages of an aggregator, wizwand.com, show it.
#: It does not say whether a figure is a paper's own or another paper's run of it.
FIGURES = {
    ("nas-bench-360", "darcy"): {"ORCA": 0.0075, "MoNA": 0.0068, "RECRAFT": 0.0072},
    ("nas-bench-360", "deepsea"): {"NAS-Bench-360": 0.32},
    ("nas-bench-360", "satellite"): {"NAS-Bench-360": 0.1251},
    ("nas-bench-360", "ecg"): {"NAS-Bench-360": 0.28},
    ("nas-bench-360", "cosmic"): {"NAS-Bench-360": 0.49},
    ("pdebench", "advection"): {"ORCA": 0.0098, "MoNA": 0.0088, "RECRAFT": 0.0078},
    ("pdebench", "diffusion-reaction-1d"): {
        "ORCA": 0.0032,
        "MoNA": 0.0028,
        "RECRAFT": 0.0028,
    },
    ("pdebench", "diffusion-sorption"): {
        "ORCA": 0.0018,
        "MoNA": 0.0016,
        "RECRAFT": 0.0016,
    },
    ("pdebench", "darcy"): {"ORCA": 0.081, "MoNA": 0.079, "RECRAFT": 0.079},
    ("pdebench", "shallow-water"): {"RECRAFT": 0.0054},
    ("pdebench", "diffusion-reaction-2d"): {"ORCA": 0.82, "RECRAFT": 0.817},
    ("pdebench", "navier-stokes-1d"): {"ORCA": 0.066},
}

#: What is said below a table that has such figures.
NOTE = (
    "* Not run here. Figures of papers as an aggregator (wizwand.com) shows them, "
    "which does not say whether they are a paper's own; of another backbone and another "
    "protocol: the papers train on train + validation and choose by the test part. "
    "{data}They show the order of magnitude; differences from ours mean nothing."
)
SIMULATED = "Ours are on simulated data, theirs on the real ones. "
