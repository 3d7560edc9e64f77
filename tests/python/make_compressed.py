"""Makes FILE, a series with two times of "u", compressed with Zstandard."""

import sys

import h5py
import hdf5plugin
import numpy as np

with h5py.File(sys.argv[1], "w") as file:
    time = file.create_dataset("time", data=[0.0, 1.0], maxshape=(None,))
    time.make_scale("time")
    values = np.stack([np.arange(120.0).reshape(4, 5, 6)] * 2)
    u = file.create_dataset(
        "u", data=values, chunks=(1, 4, 5, 6), maxshape=(None, 4, 5, 6), **hdf5plugin.Zstd(clevel=3)
    )
    u.dims[0].attach_scale(time)
