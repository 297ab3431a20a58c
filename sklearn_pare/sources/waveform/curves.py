"""Roots without a period: lines and trends."""

import torch

N_KNOTS = 12


def lines(rows):
    """Draw curves through twelve values, straight or smooth between them."""
    u = rows.numbers
    place = rows.time.clamp(0, 1) * (N_KNOTS - 1)
    low = place.long().clamp(max=N_KNOTS - 2)
    part = place - low
    part = torch.where(u[:, 13:14] < 0.5, part, part.square() * (3 - 2 * part))
    values = 2 * u[:, :N_KNOTS] - 1
    return torch.lerp(values.gather(1, low), values.gather(1, low + 1), part)


def trend(rows):
    """Draw logistic, exponential or quadratic trends."""
    u, t = rows.numbers, rows.time
    slope = 2 * u[:, :1] - 1
    logistic = torch.sigmoid(5 * torch.exp2(4 * u[:, 2:3]) * (t - u[:, 1:2]))
    exponential = torch.exp(4 * slope * t)
    quadratic = slope * t + (4 * u[:, 1:2] - 2) * (t - u[:, 2:3]).square()
    others = torch.where(u[:, 3:4] < 0.6, exponential, quadratic)
    return torch.where(u[:, 3:4] < 0.3, logistic, others)
