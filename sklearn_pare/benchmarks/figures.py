"""Errors that papers report, as far as they could be confirmed."""

#: Suite and task -> paper -> error, from pages of the aggregator wizwand.com, which do
#: not state whether a figure is the paper's own or from an experiment of another paper.
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

#: Note below a table with such figures.
NOTE = (
    "* Not run here: figures of papers as the aggregator wizwand.com shows them, which "
    "may be from experiments of other papers. Backbone and protocol differ: the papers "
    "train on train + validation and choose by the test part. {data}The figures show "
    "the order of magnitude; differences from ours mean nothing."
)
SIMULATED = "Ours are on simulated data, theirs on the real ones. "
