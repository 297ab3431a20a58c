"""Changes to a fit that no argument makes: for measurements only."""

#: Name of a method -> context managers that take an estimator and give one.
CHANGES = {}
