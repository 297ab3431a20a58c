import torch
import torch.nn.functional as F

from sklearn_pare.nn.heads import DenseHead


@torch.no_grad()
def test_dense_head__squares__shuffled_pixels(generator):
    head = DenseHead((6, 8), (2, 4), 3)
    fine = torch.randn(2, 4, 6, 6, generator=generator)
    coarse = torch.randn(2, 2, 3, 8, generator=generator)
    expected = sum(
        F.pixel_shuffle(linear(maps).permute(0, 3, 1, 2), patch)
        for linear, maps, patch in zip(
            head.linears, (fine, coarse), (2, 4), strict=True
        )
    )
    assert expected.shape == (2, 3, 8, 12)
    assert torch.equal(head([fine, coarse]), expected)


@torch.no_grad()
def test_dense_head__lines__each_feature_fills_its_part(generator):
    head = DenseHead((5, 7), ((1, 1), (1, 4)), 2)
    fine = torch.randn(3, 1, 8, 5, generator=generator)
    coarse = torch.randn(3, 1, 2, 7, generator=generator)
    outputs = head([fine, coarse])
    assert outputs.shape == (3, 2, 1, 8)
    changed = coarse.clone()
    changed[:, :, 1] += 1
    moved = (head([fine, changed]) != outputs).any(0).any(0)[0]
    assert moved.tolist() == [False] * 4 + [True] * 4
