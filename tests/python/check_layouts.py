"""Checks the file of the layout tests with h5py, xarray and netCDF4: chunks, filters, precision, parts, coordinates."""

import sys

import h5py
import netCDF4
import numpy as np
import xarray

path = sys.argv[1]
shape = (12, 10, 8)
index = np.arange(np.prod(shape), dtype="f8").reshape(shape)
vectors = np.arange(np.prod(shape) * 3, dtype="f8").reshape(*shape, 3)
z, y, x = (0.25 + axis + 0.5 * np.arange(n) for axis, n in enumerate(shape))
parts = {
    "u": (index, dict(z=z, y=y, x=x)),
    "single": (index.astype("f4"), dict(z=z, y=y, x=x)),
    "plane": (index[7:8], dict(z_at7=z[7:8], y=y, x=x)),
    "coarse": (index[::5, :, ::3], dict(z_0to11by5=z[::5], y=y, x_0to7by3=x[::3])),
    "v": (vectors[:, 2:9], dict(z=z, y_2to9=y[2:9], x=x, component3=np.arange(3))),
}

with h5py.File(path) as file:
    assert file["u"].chunks == (4, 5, 8) and file["v"].chunks == (6, 5, 4, 3)
    assert file["single"].chunks is not None and file["plane"].chunks is None
    for name, level in {"u": 6, "coarse": 1, "v": 9, "single": None}.items():
        assert file[name].compression_opts == level and file[name].shuffle == (level is not None), name
    assert file["u"].id.get_storage_size() < 8 * index.size / 2
    assert file["u"].attrs["standard_name"] == "air_temperature" and file["plane"].attrs["long_name"] == "a plane"
    for name, (values, axes) in parts.items():
        assert file[name].dtype == values.dtype and np.array_equal(file[name][:], values), name
        assert np.isnan(file[name].fillvalue) and np.isnan(file[name].attrs["_FillValue"]), name
        for number, (label, coordinates) in enumerate(axes.items()):
            scale = file[name].dims[number][0]
            assert scale.name == f"/{label}" and np.array_equal(scale[:], coordinates), (name, label)

with xarray.open_dataset(path, engine="h5netcdf") as data:
    for name, (values, axes) in parts.items():
        assert data[name].dims == tuple(axes) and np.array_equal(data[name], values), name
        for label, coordinates in axes.items():
            assert np.array_equal(data[name][label], coordinates), (name, label)
    assert float(data["plane"].sel(y=2.25, x=3.25)[0]) == index[7, 2, 2]
    assert data["x_0to7by3"].attrs["axis"] == "X" and data["z"].attrs == {"axis": "Z", "units": "m"}

with netCDF4.Dataset(path) as file:
    for name, (values, axes) in parts.items():
        assert file[name].dimensions == tuple(axes) and np.array_equal(file[name][:], values), name
    assert file["u"].units == "K" and not np.ma.is_masked(file["u"][:])
