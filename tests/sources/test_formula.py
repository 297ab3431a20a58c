import math

import pytest
import torch

from sklearn_pare.sources import FormulaSource, formula


def test_formula__same_generator_state__same_images():
    labels = torch.arange(0, formula.N_CLASSES, 20)
    first, same, other = (
        formula.render(labels, torch.Generator().manual_seed(s)) for s in (0, 0, 1)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_formula__every_class__finite_and_not_blank(generator):
    labels = torch.arange(formula.N_CLASSES)
    images = formula.render(labels, generator)
    assert images.shape == (formula.N_CLASSES, 3, 32, 32)
    assert torch.isfinite(images).all()
    blank = images.flatten(1).std(1) < 1e-3
    assert blank.float().mean() < 0.01


def test_formula__many_images__standardised(generator):
    x, y = FormulaSource.of_family("all").sample(2048, generator)
    assert x.mean().item() == pytest.approx(0, abs=0.05)
    assert x.std().item() == pytest.approx(1, abs=0.05)
    # A share of 1 - 1 / e of 2048 classes occurs in as many draws.
    assert len(y.unique()) == pytest.approx((1 - math.exp(-1)) * 2048, rel=0.05)


def test_formula__ten_classes__those_of_all(generator):
    source = FormulaSource()
    assert source.n_classes == len(set(source.classes)) == 10
    labels = torch.arange(10)
    x = source.draw(labels, torch.Generator().manual_seed(0))
    numbers = torch.tensor(source.classes)
    same = formula.render(numbers, torch.Generator().manual_seed(0))
    assert torch.equal(x, same)
    _, y = source.sample(200, generator)
    assert y.unique().tolist() == labels.tolist()


def test_formula__simple__grey(generator):
    images = formula.render(torch.arange(200), generator, simple=1.0)
    assert torch.equal(images[:, 0], images[:, 1])
    coloured = formula.render(torch.arange(200), generator, simple=0.0)
    assert (coloured[:, 0] != coloured[:, 1]).flatten(1).any(1).float().mean() > 0.9


def test_formula__class_decides_more_than_instance(generator):
    # On average, two views of one class are more similar than views of two classes.
    labels = torch.arange(300, 400)
    a, b = (
        torch.fft.rfft2(formula.render(labels, generator, 1.0)[:, 0]).abs().flatten(1)
        for _ in "ab"
    )
    same = (a - b).norm(dim=1).mean()
    different = (a - b.roll(1, 0)).norm(dim=1).mean()
    assert same < 0.9 * different
