import torch

from studies import timings
from studies.cli import main
from tests.common.tiny import NAME


def test_selection__loop_and_closed_form_do_the_same():
    tensors = timings.random_tensors(2, 64, 4)
    loop, closed = (
        replace(*tensors[:4], 20)
        for replace in (timings.loop_replace, timings.closed_replace)
    )
    # Scales of kept tokens are those of the relaxed choice, whose value is 1.
    torch.testing.assert_close(loop, closed)
    gradients = [
        timings.selection_step(replace, tensors, 20)[1].flatten()
        for replace in (timings.loop_replace, timings.closed_replace)
    ]
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99


def test_selection_pairs__the_closed_form_is_faster():
    for loop, closed in timings.selection_pairs(100, 2, 512, 4, repeats=2):
        assert loop > 2 * closed > 0


def test_command__ratios(monkeypatch, capsys):
    monkeypatch.setattr(timings, "epoch_pairs", lambda: [[2.0, 1.0], [9.0, 3.0]])
    monkeypatch.setattr(timings, "loop_pairs", lambda: [[1.05, 1.0]])
    monkeypatch.setattr(timings, "selection_pairs", lambda k: [[4.0, 0.04]])
    shares = {"fit": [(0.001, 0.1), (0.004, 0.2)], "predict": [(0.001, 0.02)]}
    monkeypatch.setattr(timings, "check_pairs", lambda: shares)
    main(["timings"])
    lines = capsys.readouterr().out.splitlines()
    epochs, by_hand, *_, loop, fit, predict = (line for line in lines if "/" in line)
    assert epochs == "| PaRe epoch / naive epoch, digits | 2.50 (5.50 s / 2.00 s) |"
    assert by_hand == "| naive epoch / loop by hand, digits | 1.05 (1.05 s / 1.00 s) |"
    assert loop.endswith("k = 2000 | 100.0 (4.00 s / 0.040 s) |")
    assert fit.endswith("checks in fit, 300 digits | 1.50% (2.50 ms / 150 ms) |")
    assert predict.endswith("checks in predict, 300 digits | 5.00% (1.00 ms / 20 ms) |")


def test_check_pairs__less_than_the_whole():
    for pairs in timings.check_pairs(1, backbone=NAME, max_epochs=1).values():
        assert all(0 < checks < whole for checks, whole in pairs)


def test_loop_pairs__seconds_of_both():
    pairs = timings.loop_pairs(2, 2, 64, backbone=NAME)
    assert all(fit > 0 and by_hand > 0 for fit, by_hand in pairs)
