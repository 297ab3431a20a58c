import re

import pytest
from openml.extensions.sklearn.extension import DEPENDENCIES_PATTERN
from packaging.version import Version

from sklearn_pare import PaReClassifier, PaReRegressor
from sklearn_pare.openml._flow import _bound, check, complete, make_flow


@pytest.mark.parametrize(
    "text",
    ["2.15.0", "2.15", "3", "2.15.0+cu132", "2.16.0.dev20260101+cpu", "2.16.0rc1",
     "1.0.post1", "2026.8.0.1"],
)  # fmt: skip
def test_bound__openml_reads_it_and_the_version_meets_it(text):
    bound = _bound(text)
    assert DEPENDENCIES_PATTERN.match(f"torch>={bound}")
    assert Version(text) >= Version(bound)
    if re.fullmatch(r"[\d.]{1,7}", text):
        assert Version(text) == Version(bound)


@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_flow__docstrings_describe_every_parameter_within_the_limits(kind):
    flow = make_flow(kind())
    for name, info in flow.parameters_meta_info.items():
        # openml cuts longer descriptions; this one must be complete.
        assert 20 < len(info["description"]) < 1021, name
        assert info["description"].isascii()
        assert info["data_type"]
    assert len(flow.external_version) <= 128
    check(flow)


def test_complete__twice__once(clf):
    flow = make_flow(clf)
    before = flow.external_version, flow.dependencies
    assert complete(flow)
    assert (flow.external_version, flow.dependencies) == before
