"""Has DIRECTORY/run.h5 open, as a notebook does, until there is a file "more"; then opens it anew."""

import sys
import time
from pathlib import Path

import numpy as np
import xarray

directory = Path(sys.argv[1])


def check(data, count):
    """Compare the first times and their values."""
    assert np.array_equal(data["time"][:count], np.arange(count)), data["time"]
    expected = 100 * np.arange(count)[:, None, None] + np.arange(30).reshape(6, 5)
    assert np.array_equal(data["u"][:count], expected)


def look():
    return xarray.open_dataset(directory / "run.h5", engine="h5netcdf", cache=False, decode_timedelta=False)


with look() as data:
    check(data, 2)
    (directory / "open").touch()
    begun = time.monotonic()
    while not (directory / "more").exists():
        assert time.monotonic() - begun < 120, "the run does not go on"
        time.sleep(0.005)
    check(data, 2)
with look() as data:
    assert data.sizes["time"] == 9
    check(data, 9)
