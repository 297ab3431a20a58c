"""Maintenance scripts: they are run from the repository root and are not installed."""
