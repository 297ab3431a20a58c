import pytest
import torch

from studies import steps
from tests.common.tiny import NAME

CPU = torch.device("cpu")


# The compiler looks at gradients.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_step_rows__every_step_once(monkeypatch):
    network = steps.Network((3, 16, 16), NAME, NAME, 8, 8)
    monkeypatch.setitem(steps.NETWORKS, "small", network)
    rows = {row["step"]: row for row in steps.step_rows("small")}
    assert list(rows) == [*steps.STEPS, steps.LOOP, *steps.COMPILED]
    assert all(row["seconds"] > 0 and row["samples"] == 8 for row in rows.values())
    naive = rows["naive, fp32"]["per_sample"]
    twice = rows["PaRe, all clean and mixed, bf16"]["per_sample"]
    # Clean and mixed samples, and the source embedder.
    assert 2 * naive <= twice < 4 * naive
    assert (
        rows["PaRe, bf16, compiled"]["per_sample"] == rows["PaRe, bf16"]["per_sample"]
    )


def test_plain_loop__learns():
    net, batch = steps.open_net((3, 16, 16), 8, backbone=NAME, device="cpu")
    loop = steps.PlainLoop(net)
    before = [p.detach().clone() for p in net.module_.backbone.parameters()]
    gate = loop.gate.linear.weight.detach().clone()
    loop(batch)
    after = list(net.module_.backbone.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    # The straight-through gradient reaches the gate.
    assert not torch.equal(gate, loop.gate.linear.weight)


def test_measure__too_little_memory__half_of_the_samples():
    seen = []

    def run(batch):
        seen.append(len(batch[0]))
        if len(batch[0]) > 3:
            raise torch.OutOfMemoryError("out of memory")

    batch = torch.zeros(12, 2), torch.zeros(12), None
    row = steps.measure(run, batch, CPU, warm_up=0, repeats=2)
    assert seen == [12, 6, 3, 3]
    assert row["samples"] == 3
    assert row["memory_gb"] is None


def test_measure__other_error__raised():
    def run(batch):
        raise RuntimeError("wrong shape")

    with pytest.raises(RuntimeError, match="wrong shape"):
        steps.measure(run, (torch.zeros(4),), CPU, warm_up=0, repeats=1)
