"""Estimators that are not fitted say so."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_pare import PaReClassifier, PaReRegressor, inspection
from tests.common.instances import tiny

X = np.random.default_rng(0).normal(size=(12, 3))
y = np.arange(12) % 2


def _failed(kind):
    """Return an estimator whose fit failed after X and y were checked."""
    estimator = tiny(kind, backbone="none")
    with pytest.raises(ValueError, match="none"):
        estimator.fit(X, y)
    return estimator.set_params(backbone="test-tiny")


STATES = {
    "new": tiny,
    "after a fit that failed": _failed,
    "cloned": lambda kind: clone(tiny(kind, max_epochs=1).fit(X, y)),
    "with input_shape": lambda kind: tiny(kind, input_shape=(1, 3)),
}
USES = {
    "predict": lambda estimator: estimator.predict(X),
    "transform": lambda estimator: estimator.transform(X),
    "score": lambda estimator: estimator.score(X, y),
    "save": lambda estimator: estimator.save("model.pare"),
    "feature names": lambda estimator: estimator.get_feature_names_out(),
    "curriculum": inspection.CurriculumDisplay.from_estimator,
    "gap": lambda e: inspection.ModalityGapDisplay.from_estimator(e, X, y),
    "patches": lambda e: inspection.PatchReplacementDisplay.from_estimator(e, X[:1]),
    "landscape": lambda estimator: inspection.loss_landscape(estimator, X, y),
}
OF_CLASSIFIERS = {
    "predict_proba": lambda estimator: estimator.predict_proba(X),
    "decision_function": lambda estimator: estimator.decision_function(X),
    "classes": lambda estimator: estimator.classes_,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [PaReClassifier, PaReRegressor])
def test_unfitted__any_use__not_fitted_error(kind, state):
    pytest.importorskip("matplotlib")
    estimator = STATES[state](kind)
    uses = USES | (OF_CLASSIFIERS if kind is PaReClassifier else {})
    for use in uses.values():
        with pytest.raises(NotFittedError, match=kind.__name__):
            use(estimator)
