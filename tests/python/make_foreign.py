"""Writes DIRECTORY/foreign.h5 with h5py: one array of global indices in many types and layouts."""

import sys
from pathlib import Path

import h5py
import numpy as np

shape = (5, 6, 4)
index = np.arange(np.prod(shape)).reshape(shape)
vectors = np.arange(np.prod(shape) * 3).reshape(*shape, 3)
with h5py.File(Path(sys.argv[1]) / "foreign.h5", "w") as file:
    for name, dtype in {
        "u1": "u1", "i2": "<i2", "i2be": ">i2", "f2": "<f2", "f4": "<f4", "f4be": ">f4", "f8be": ">f8",
    }.items():
        file[name] = index.astype(dtype)
    file["u1"].attrs["note"] = "from h5py"
    file.create_dataset("chunked", data=index.astype("u2"), chunks=(2, 3, 4))
    file.create_dataset("gzip", data=index.astype("f4"), chunks=(2, 3, 4), compression="gzip")
    file.create_dataset("shuffle", data=index.astype("u2"), chunks=(5, 1, 2), compression=9, shuffle=True, fletcher32=True)
    file["group/deep"] = index.astype("u2")
    numbers = index * (1 - 0.5j)
    file["c8"] = numbers.astype("c8")
    file["c16"] = numbers
    file["c16be"] = numbers.astype(">c16")
    named = np.zeros(shape, dtype=[("real", "f8"), ("imag", "f8")])
    named["real"], named["imag"] = numbers.real, numbers.imag
    file["c16named"] = named
    file["v2be"] = vectors.astype(">u2")
    file.create_dataset("v8gzip", data=vectors.astype("f8"), chunks=(2, 2, 2, 3), compression="gzip")
    file["text"] = "no numbers here"
