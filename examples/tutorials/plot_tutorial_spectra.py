"""
From a spectrum to a number with an interval
============================================

You have spectra, and a number that a laboratory measured for each of them, such as a
concentration. You want to predict this number for new spectra, with an interval that
contains the true number with a given probability. The estimator can read spectra as a
table or as signals, and this page compares both. Reading this page takes ten minutes,
and running it takes less than a minute on two cores.
"""

# %%
# The data
# --------
#
# The data are simulated spectra of 340 mixtures of four substances, with 200
# wavelengths. The bands of the substances overlap. The spectra are multiplied by a
# random factor, which stands for scattered light, and have a sloping baseline and
# noise. The target is the concentration of the second substance. Each spectrum is one
# row of ``X``, as in a file with one spectrum per line.

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_pare import PaReRegressor

rng = np.random.default_rng(0)
n, wavelength = 340, np.linspace(1100, 1900, 200)
places = rng.uniform(1150, 1850, size=(4, 3, 1))
widths = rng.uniform(30, 90, size=(4, 3, 1))
bands = np.exp(-(((wavelength - places) / widths) ** 2)).sum(1)
mixtures = rng.dirichlet(np.ones(4), size=n)
scattered = rng.lognormal(0, 0.2, size=(n, 1))
slope = rng.normal(0, 0.1, size=(n, 1)) * np.linspace(-1, 1, 200)
X = scattered * (mixtures @ bands) + slope + rng.normal(0, 0.01, size=(n, 200))
y = 100 * mixtures[:, 1]

X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=100, random_state=0)
X_fit, X_cal, y_fit, y_cal = train_test_split(
    X_rest, y_rest, test_size=80, random_state=0
)
print(f"{len(X_fit)} spectra to fit, {len(X_cal)} to calibrate, {len(X_test)} to test")

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
colors = plt.get_cmap("viridis")(y_fit / y_fit.max())
for spectrum, color in zip(X_fit[:60], colors, strict=False):
    ax.plot(wavelength, spectrum, lw=0.7, color=color)
scale = plt.cm.ScalarMappable(plt.Normalize(0, y_fit.max()), "viridis")
fig.colorbar(scale, ax=ax, label="concentration in %")
ax.set(xlabel="wavelength in nm", ylabel="absorbance", title="60 spectra")
plt.show()

# %%
# Table or signals?
# -----------------
#
# By default, ``X`` of shape (160, 200) is a table, whose columns have no order. With
# ``input_shape=(1, -1)`` each row is a signal of one channel, and the estimator reads
# windows of neighbouring wavelengths. Both are compared with partial least squares
# (PLS), a common regression for spectra.
#
# ``conformalize`` takes calibration samples, which were not used in ``fit``, and
# measures the errors of their predictions. The intervals of ``predict_interval`` then
# contain the true number of a new spectrum with a probability of at least 90 %. Their
# width can be computed without test labels, so it can be used to choose between the two
# ways to read the spectra. Strictly speaking, this choice makes the probability
# slightly smaller, because the width depends on the calibration samples. With only two
# candidates, the effect can hardly be measured.

estimators = {
    "table": PaReRegressor(max_epochs=20, random_state=0),
    "signals": PaReRegressor(input_shape=(1, -1), max_epochs=20, random_state=0),
}
widths = {}
print(f"{'read as':<10}{'RMSE':>6}{'width':>8}{'covered':>9}{'share':>7}{'seconds':>9}")
for name, reg in estimators.items():
    start = time.perf_counter()
    reg.fit(X_fit, y_fit).conformalize(X_cal, y_cal)
    seconds = time.perf_counter() - start
    lower, upper = reg.predict_interval(X_test, coverage=0.9)
    widths[name] = np.mean(upper - lower)
    rmse = root_mean_squared_error(y_test, reg.predict(X_test))
    covered = np.mean((lower <= y_test) & (y_test <= upper))
    print(
        f"{name:<10}{rmse:>6.2f}{widths[name]:>8.2f}{covered:>9.2f}"
        f"{reg.network_share_:>7.2f}{seconds:>9.1f}"
    )
pls = GridSearchCV(PLSRegression(), {"n_components": range(1, 13)}, cv=5)
rmse = root_mean_squared_error(y_test, pls.fit(X_fit, y_fit).predict(X_test))
print(f"{'PLS':<10}{rmse:>6.2f}")

# %%
# In the output, "width" is the mean width of the intervals, and "covered" is the
# fraction of test spectra whose true number is in its interval. "share" is the factor
# by which the outputs of the network are multiplied before they are added to those of
# the linear model. If it is 0, the predictions are those of the linear model alone.
# This is a ridge regression. For the table, its features are the columns, one for each
# wavelength. For the signals, they are computed from the signals, some of them by the
# frozen backbone. The estimator with the narrower intervals is used from here on:

best = min(widths, key=widths.get)
reg = estimators[best]
print(f"narrower intervals: {best}", reg.fit_report_, sep="\n")

# %%
# The intervals
# -------------
#
# The intervals of all test spectra have the same width. On average over many random
# divisions of the data, 90 of 100 intervals contain the true concentration. In a single
# division there are usually 84 to 96, and sometimes fewer. The figure marks the
# intervals that do not contain it. For intervals whose width depends on the spectrum,
# use ``loss="quantile"``, see the :doc:`/user_guide`.

lower, upper = reg.predict_interval(X_test, coverage=0.9)
predicted, inside = reg.predict(X_test), (lower <= y_test) & (y_test <= upper)
fig, ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
for chosen, color, label in (
    (inside, "#0072B2", f"{inside.sum()} in the interval"),
    (~inside, "#D55E00", f"{(~inside).sum()} missed"),
):
    middle = predicted[chosen]
    errors = middle - lower[chosen], upper[chosen] - middle
    ax.errorbar(
        y_test[chosen], middle, errors, fmt="o", ms=3, lw=0.8, color=color, label=label
    )
ax.axline((0, 0), slope=1, color="grey", ls=":")
ax.set(xlabel="measured concentration in %", ylabel="predicted, 90 % intervals")
ax.set_title(f"{len(y_test)} test spectra, read as {best}")
ax.legend()
plt.show()
