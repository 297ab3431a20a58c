import numpy as np

from sklearn_pare.datasets.simulate import signals


def test_premature_beat__early_and_then_a_pause():
    rng = np.random.RandomState(0)
    for _ in range(20):
        peaks, early = signals._peaks(2, 4.0, rng)
        steps = np.diff(peaks)
        assert steps[early - 1] < 0.9 * np.median(steps)
        assert steps[early] > 1.1 * np.median(steps)


def test_ringing__one_impact_per_cycle():
    # 20 cycles per second for 1 s; between impacts the housing comes to rest.
    time = np.arange(2000) / 2000
    answer = signals._ringing(20 * time + 0.5, time, np.random.RandomState(0))
    starts = (np.abs(answer[1:]) > 1e-4) & (np.abs(answer[:-1]) < 1e-4)
    loud = np.abs(answer).reshape(20, 100).max(1)
    assert starts.sum() >= 20
    assert (loud > 0.2).all()
