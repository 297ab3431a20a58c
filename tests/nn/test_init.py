import torch

from sklearn_pare._architecture import Architecture, build
from sklearn_pare.nn.init import DrawFrom


def test_build__global_generator__never_moves(monkeypatch):
    # Setting and restoring it is no option: another thread may draw in between.
    torch.manual_seed(0)
    before = torch.get_rng_state()
    monkeypatch.setattr(torch, "set_rng_state", None)
    build(
        Architecture("pare-tiny", (1, 8, 8), (3,), "gate"),
        torch.Generator().manual_seed(0),
        pretrained=False,
    )
    assert torch.equal(torch.get_rng_state(), before)


def test_draw_from__generator__decides():
    def weight(seed):
        with DrawFrom(torch.Generator().manual_seed(seed)):
            return torch.nn.Linear(3, 4).weight

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))
