"""Arguments of both estimators: what may be given, and what is taken by default."""

from numbers import Integral, Real
from os import PathLike

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions


class Parameters(BaseEstimator):
    """Constructor arguments, kept as they are."""

    _parameter_constraints: dict = {
        "backbone": [str],
        "pretrained": ["boolean"],
        "tune": [StrOptions({"all", "norm", "attention-frozen", "none", "head"})],
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
        "max_tokens": [Interval(Integral, 1, None, closed="left"), None],
        "input_shape": [tuple, list, None],
        "source": [str, tuple, list, None],
        "mix_start": [Interval(Real, 0, 1, closed="both")],
        "mix_end": [Interval(Real, 0, 1, closed="both")],
        "mix_schedule": [StrOptions({"linear", "cosine", "gap"})],
        "mix_weight": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "selector": [StrOptions({"gate", "random"})],
        "alignment": [StrOptions({"otdd", "mmd", "l2"}), None],
        "max_epochs": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "precision": [StrOptions({"auto", "fp32", "bf16"})],
        "compile": ["boolean"],
        "deterministic": ["boolean"],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "linear_path": ["boolean"],
        "warm_start": ["boolean"],
        "checkpoint_dir": [str, PathLike, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        backbone="pare-tiny",
        pretrained=True,
        tune="all",
        layer_decay=0.75,
        max_tokens=None,
        input_shape=None,
        source="formula",
        mix_start=0.6,
        mix_end=0.1,
        mix_schedule="linear",
        mix_weight="auto",
        selector="gate",
        alignment=None,
        linear_path=True,
        max_epochs="auto",
        max_steps=None,
        batch_size="auto",
        lr=1e-3,
        weight_decay=0.05,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        device="auto",
        precision="auto",
        compile=False,
        deterministic=False,
        warm_start=False,
        checkpoint_dir=None,
        random_state=None,
        verbose=0,
    ):
        self.backbone = backbone
        self.pretrained = pretrained
        self.tune = tune
        self.layer_decay = layer_decay
        self.max_tokens = max_tokens
        self.input_shape = input_shape
        self.source = source
        self.mix_start = mix_start
        self.mix_end = mix_end
        self.mix_schedule = mix_schedule
        self.mix_weight = mix_weight
        self.selector = selector
        self.alignment = alignment
        self.linear_path = linear_path
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.precision = precision
        self.compile = compile
        self.deterministic = deterministic
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.random_state = random_state
        self.verbose = verbose
