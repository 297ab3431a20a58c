"""Downloading, unpacking and reading of the files of data sets."""
