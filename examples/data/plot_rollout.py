"""
Many steps of time with one model
=================================

A model that predicts the next state of a system from the present one can be applied to
its own predictions, again and again. Errors then add up. In this example a model is
fitted to single jumps in time and rolled out for 20 jumps. The error is shown beside
that of a UNet and that of the answer that nothing changes.
"""

# %%
# The data are 120 waves that steepen into shocks (Burgers equation), on 128 points, at
# 21 times. ``states`` has the shape (times, waves, points). Pairs for the fit are taken
# from 80 waves at a few times. All other waves are for the test.

import time

import matplotlib.pyplot as plt
import numpy as np

from sklearn_pare import PaReRegressor
from sklearn_pare.datasets import make_burgers
from sklearn_pare.metrics import relative_l2

# The UNet of the benchmarks is not part of the package: this line needs the repository.
from studies.unet import UNetRegressor

N_JUMPS, JUMP = 20, 0.01
wave_data = {"resolution": 128, "viscosity": 0.005, "random_state": 0}
first, _ = make_burgers(120, time=JUMP, **wave_data)
later = [
    make_burgers(120, time=JUMP * k, **wave_data)[1] for k in range(1, N_JUMPS + 1)
]
states = np.stack([first[:, 0], *later])
train, test = states[:, :80], states[:, 80:]
starts = [0, 3, 7, 12, 18]
X = np.concatenate([train[k] for k in starts])[:, None]
y = np.concatenate([train[k + 1] for k in starts])
print(f"states {states.shape}, X {X.shape}, y {y.shape}")

# %%
# Both models are trained for the same CPU time.

start = time.process_time()
reg = PaReRegressor(max_epochs=8, random_state=0).fit(X, y)
seconds = time.process_time() - start
unet = UNetRegressor(seconds=seconds, random_state=0).fit(X, y)
print(f"{seconds:.0f} s each")


# %%
# A roll-out predicts from the last prediction.


def roll_out(model, state):
    """Return the state and N_JUMPS predictions, each from the one before."""
    states = [state]
    for _ in range(N_JUMPS):
        states.append(model.predict(states[-1][:, None]))
    return np.stack(states)


paths = {
    "PaReRegressor": roll_out(reg, test[0]),
    "UNet": roll_out(unet, test[0]),
    "nothing changes": np.broadcast_to(test[0], test.shape),
}
errors = {
    name: [relative_l2(test[k], path[k]) for k in range(1, N_JUMPS + 1)]
    for name, path in paths.items()
}
for name, found in errors.items():
    print(f"{name:<16} after 1 jump {found[0]:.4f}, after {N_JUMPS} {found[-1]:.3f}")

# %%
# Left: the mean error of the 40 test waves. Right: one of them after 20 jumps.

STYLES = {
    "PaReRegressor": {"color": "#0072B2"},
    "UNet": {"color": "#D55E00", "linestyle": "--"},
    "nothing changes": {"color": "#999999", "linestyle": ":"},
}
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
jumps = np.arange(1, N_JUMPS + 1)
for name, found in errors.items():
    left.plot(jumps, found, label=name, **STYLES[name])
left.set(
    xlabel="jumps", ylabel="relative L2 error", yscale="log", xticks=[1, 5, 10, 15, 20]
)
left.legend()
place = np.arange(128) / 128
right.plot(place, test[-1, 0], color="black", linewidth=3, alpha=0.3, label="truth")
for name in paths:
    right.plot(place, paths[name][-1, 0], label=name, **STYLES[name])
right.set(xlabel="place", ylabel="velocity", title=f"a test wave after {N_JUMPS} jumps")
right.legend(fontsize="small")
plt.show()
