"""Checks that dataset "u" of FILE went through shuffle and deflate."""

import sys

import h5py

with h5py.File(sys.argv[1]) as file:
    assert file["u"].compression == "gzip" and file["u"].shuffle
