import torch

from studies import timings
from studies.cli import main


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
    monkeypatch.setattr(timings, "selection_pairs", lambda k: [[4.0, 0.04]])
    main(["timings"])
    lines = capsys.readouterr().out.splitlines()
    epochs, *_, last = (line for line in lines if "/" in line)
    assert epochs == "| PaRe epoch / naive epoch, digits | 2.5 (5.50 s / 2.00 s) |"
    assert last.endswith("k = 2000 | 100.0 (4.00 s / 0.040 s) |")
