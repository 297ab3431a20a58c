import copy

from sklearn_pare import PaReClassifier
from sklearn_pare.inspection import (
    CurriculumDisplay,
)
from tests.common.instances import tiny


def test_curriculum__history__as_recorded(digits_fit):
    clf, X, y = digits_fit
    display = CurriculumDisplay.from_estimator(clf)
    assert display.epochs == [1, 2, 3]
    assert len(display.axes_) == 2
    line = display.axes_[1].lines[0]
    assert list(line.get_ydata()) == [row["mix_fraction"] for row in clf.history_]
    scored = copy.copy(clf).fit(X, y, X_val=X, y_val=y)
    display = CurriculumDisplay.from_estimator(scored)
    assert len(display.axes_) == 3
    labels = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert labels == [
        "clean samples", "mixed samples", "mixed samples, source", "validation",
    ]  # fmt: skip


def test_curriculum__no_mixing__only_clean_rows(digits_fit):
    _, X, y = digits_fit
    clf = tiny(PaReClassifier, source=None, max_epochs=2).fit(X, y)
    assert set(CurriculumDisplay.from_estimator(clf).curves) == {
        "target_loss", "mix_fraction",
    }  # fmt: skip
