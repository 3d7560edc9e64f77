"""Checks DIRECTORY/gallery.h5 with h5py and xarray: every type, component and axis."""

import sys
from pathlib import Path

import h5py
import numpy as np
import xarray

directory = Path(sys.argv[1])
shape = (5, 6, 4)
index = np.arange(np.prod(shape)).reshape(shape)
types = {"f64": "f8", "f32": "f4", "u8": "u1", "i8": "i1", "i16": "i2", "u16": "u2", "i32": "i4", "u32": "u4",
         "i64": "i8", "u64": "u8"}
with h5py.File(directory / "gallery.h5") as file:
    assert file.attrs["time"] == 0.5 and file.attrs["Conventions"] == "CF-1.8"
    for name, dtype in types.items():
        data = file[name]
        assert data.dtype == np.dtype(dtype) and data.chunks is None, name
        assert np.array_equal(data[:], index.astype(dtype)), name
        assert data.attrs["units"] == "K" and data.attrs["long_name"] == "température"
        for axis, label in enumerate("zyx"):
            scale = data.dims[axis][0]
            assert scale.is_scale and scale == file[label] and scale.attrs["units"] == "m"
            assert np.allclose(scale[:], 0.25 + axis + 0.5 * np.arange(shape[axis]), rtol=0, atol=0)
            assert h5py.h5ds.is_attached(data.id, scale.id, axis)
    assert np.array_equal(file["c16"][:], index * (1 - 0.5j))
    for name, n in {"velocity": 3, "pair": 2}.items():
        assert np.array_equal(file[name][:], np.arange(index.size * n).reshape(*shape, n)), name
    assert file["velocity"].dims[3][0].name == "/component3"

with xarray.open_dataset(directory / "gallery.h5", engine="h5netcdf") as data:
    assert data["f64"].dims == ("z", "y", "x") and data["velocity"].dims == ("z", "y", "x", "component3")
    assert float(data["f64"].sel(z=0.75, y=1.25, x=2.75)) == index[1, 0, 1]
