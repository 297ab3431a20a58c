"""
Many steps of time with one model
=================================

A model that predicts the next state of a system from the present state can be applied
to its own predictions, again and again. This is called a roll-out. Errors then add up.
Here a jump is a step from one state to the next, 0.01 units of time later. Models are
fitted to single jumps and rolled out for 20 jumps. The error of
:class:`~sklearn_pare.PaReRegressor` is compared with that of a UNet and with the error
of predicting that nothing changes.
"""

# %%
# The data are 120 waves that steepen into shocks (Burgers' equation), at 128 positions
# and 21 times. ``states`` has the shape (times, waves, positions). The models are
# fitted to pairs of successive states of 80 waves, at five times. The other 40 waves
# are test samples.

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
# Both models are trained for the same CPU time. By default, PaReRegressor learns fields
# with a decoder and uses no pretrained backbone.

start = time.process_time()
reg = PaReRegressor(max_epochs=8, random_state=0).fit(X, y)
seconds = time.process_time() - start
unet = UNetRegressor(seconds=seconds, random_state=0).fit(X, y)
print(f"{seconds:.0f} s each")


# %%
# In a roll-out, each prediction is the input of the next one.


def roll_out(model, state):
    """Return the state and N_JUMPS predictions, each from the one before it."""
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
# The left plot shows the mean error of the 40 test waves. The right plot shows one of
# these waves after 20 jumps.

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
