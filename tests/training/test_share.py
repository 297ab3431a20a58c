from types import SimpleNamespace

import pytest
import torch

from sklearn_pare.nn.losses import cross_entropy, squared_error
from sklearn_pare.training.batches import Rows
from sklearn_pare.training.linear_path import fit_share


class Model(torch.nn.Module):
    """A linear path that says nothing and a network that says `own` of a row."""

    def __init__(self, own):
        super().__init__()
        self.own, self.factor = own, 1.0
        self.head = SimpleNamespace(scale=self.scale)

    def scale(self, factor):
        self.factor *= factor

    def linear(self, x):
        return torch.zeros(len(x), self.own.shape[1])

    def predict(self, x, offset=None):
        offset = self.linear(x) if offset is None else offset
        return offset + self.factor * self.own[x]


def _fit(own, y, loss=squared_error, weight=None, offset=None):
    model = Model(own)
    weight = torch.ones(len(y)) if weight is None else weight
    rows = Rows(torch.arange(len(y)), y, weight, offset)
    share = fit_share(model, rows, loss, batch_size=7)
    assert model.factor == pytest.approx(share)
    return share


def test_fit_share__noise__nothing(generator):
    y, noise = torch.randn(2, 50, 1, generator=generator)
    assert _fit(noise, y) == 0.0


def test_fit_share__right__all(generator):
    y = torch.randn(50, 2, generator=generator)
    assert _fit(y, y) == 1.0


def test_fit_share__twice_too_large__half(generator):
    y = torch.randn(50, 1, generator=generator)
    assert _fit(2 * y, y) == pytest.approx(0.5)


def test_fit_share__classes__right_and_upside_down(generator):
    y = torch.randint(3, (60,), generator=generator)
    logits = 2.0 * torch.nn.functional.one_hot(y, 3).float()
    assert _fit(logits, y, cross_entropy) == 1.0
    assert _fit(-logits, y, cross_entropy) == 0.0


def test_fit_share__offsets_of_the_rows__used_instead_of_the_path(generator):
    offset, own = torch.randn(2, 40, 1, generator=generator)
    assert _fit(own, offset + own, offset=offset) == 1.0
    assert _fit(own, offset, offset=offset) == 0.0


def test_fit_share__weights__rows_that_count(generator):
    y = torch.randn(60, 1, generator=generator)
    own = torch.cat([y[:30], -y[30:]])
    first = (torch.arange(60) < 30).float()
    assert _fit(own, y, weight=first) == 1.0
    assert _fit(own, y, weight=1 - first) == 0.0


@pytest.mark.parametrize("n", [1, 2])
def test_fit_share__hardly_any_rows__a_number(n):
    assert 0 <= _fit(torch.ones(n, 1), torch.ones(n, 1)) <= 1
