"""
A table with categories and missing values
==========================================

:class:`~sklearn_pare.PaReClassifier` accepts a DataFrame with numbers, categories, a
boolean column and missing values without preprocessing. In the first part of this
example it is compared with a typical scikit-learn pipeline for such a table, whose last
step is logistic regression. The second part shows the prediction for a category that
did not occur in ``fit``.
"""

# %%
# The data are simulated customers of a shop. The target is "back" if a customer comes
# back, otherwise "gone". This depends on the number of visits, on the region, on the
# age in a nonlinear way, and on whether a customer is a member who buys on the web (the
# column "channel" is the way of buying).

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_pare import PaReClassifier

rng = np.random.default_rng(0)
n = 900
age = rng.normal(45, 14, n).clip(18, 90)
visits = rng.poisson(6, n).astype(float)
spent = np.exp(rng.normal(3, 0.8, n))
region = rng.choice(["north", "east", "south", "west"], n)
channel = rng.choice(["shop", "phone", "web"], n)
member = rng.random(n) < 0.4
liking = {"north": 1.2, "east": 0.0, "south": -1.2, "west": 0.4}
logit = (
    0.35 * (visits - 6)
    + 2.0 * np.cos((age - 45) / 8)
    + 1.0 * member * (channel == "web")
    + np.array([liking[name] for name in region])
    - 0.6
)
y = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "back", "gone")
X = pd.DataFrame(
    {
        "age": age.round(),
        "visits": visits,
        "spent": spent.round(2),
        "region": pd.Series(region, dtype="category"),
        "channel": channel,
        "member": member,
    }
)
for column in ("age", "spent", "region", "channel"):
    X[column] = X[column].mask(rng.random(n) < 0.1)
print(X.head(), X.dtypes, sep="\n\n")

# %%
# :class:`~sklearn_pare.PaReClassifier` treats columns of text or objects as categories,
# booleans as numbers, and NaN and None as missing values. The pipeline needs
# transformers for this. :class:`~sklearn_pare.PaReClassifier` is fitted twice. The fit
# "PaReClassifier" adds the outputs of the network to those of a logistic regression,
# the linear path. The fit "without linear path" consists of the network alone. Both are
# trained for about half of the default number of epochs, to keep this example short.

X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=400, stratify=y, random_state=0
)
numbers = make_column_selector(dtype_include=["number", "bool"])
texts = make_column_selector(dtype_exclude=["number", "bool"])
pipeline = make_pipeline(
    make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    ),
    LogisticRegression(),
)
models = {
    "PaReClassifier": PaReClassifier(max_epochs=15, random_state=0),
    "without\nlinear path": PaReClassifier(
        linear_path=False, max_epochs=11, random_state=0
    ),
    "pipeline with\nLogisticRegression": pipeline,
}
results = {}
for name, model in models.items():
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    loss = log_loss(y_test, model.predict_proba(X_test))
    accuracy = model.score(X_test, y_test)
    results[name] = accuracy, loss
    label = " ".join(name.split())
    print(f"{label:<34} accuracy {accuracy:.3f}  NLL {loss:.3f}  {seconds:.1f} s")

# %%
# A region that did not occur in ``fit`` is treated as missing: no error is raised, and
# the other columns are still used. Here the region is changed for one customer, whose
# predicted probability is closest to 0.5.

clf = models["PaReClassifier"]
unsure = np.abs(clf.predict_proba(X_test)[:, 0] - 0.5).argmin()
customer = X_test.iloc[[unsure]].astype({"region": object})
regions = ["north", "east", "south", "west", "overseas", None]
same = pd.concat([customer.assign(region=name) for name in regions])
probabilities = clf.predict_proba(same)[:, 0]
for name, probability in zip(regions, probabilities, strict=True):
    print(f"region {name or 'missing':<10} P(back) = {probability:.3f}")

# %%
# The first two plots show the accuracy and the log loss on 500 test customers. The last
# plot shows the predicted probability for the same customer in each region.

fig, (left, middle, right) = plt.subplots(
    1, 3, figsize=(12, 3.6), width_ratios=[2, 2, 3], layout="constrained"
)
for measure, (ax, label) in enumerate(((left, "accuracy"), (middle, "mean log loss"))):
    values = [result[measure] for result in results.values()]
    bars = ax.barh(list(results), values)
    ax.bar_label(bars, fmt="%.3f", padding=3)
    ax.set(xlim=(0, 1), xlabel=label)
    ax.invert_yaxis()
left.set_title("500 test customers")
middle.set(yticks=[])
names = [name or "missing" for name in regions]
bars = right.bar(names, probabilities, color=["C0"] * 4 + ["C3", "0.6"])
right.bar_label(bars, fmt="%.2f", padding=2)
right.set(ylim=(0, 1), ylabel="P(comes back)", title="One customer, different regions")
right.tick_params(axis="x", labelsize="small")
right.set_xlabel('"overseas" did not occur in fit')
plt.show()
