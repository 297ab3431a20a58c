"""Checks of scikit-learn that cannot pass, with the reason."""


def expected_failures(estimator):
    """The same for every estimator and guise: check -> reason."""
    reason = "mini-batches: a row of weight 2 is in one batch, a repeated row in two"
    return {
        f"check_sample_weight_equivalence_on_{kind}_data": reason
        for kind in ("dense", "sparse")
    }
