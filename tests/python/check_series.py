"""Checks DIRECTORY/one.h5 and many-*.h5 with h5py, xarray and netCDF4: times, coordinates, attributes, values."""

import sys
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import xarray

directory = Path(sys.argv[1])
times = np.array([0.0, 0.25, 1.0])


def values(*shape):
    """Return 1000 t + index for every time."""
    return np.stack([1000 * t + np.arange(np.prod(shape)).reshape(shape) for t in times])


fields = {
    "temperature": (values(4, 5, 6), ("z", "y", "x")),
    "velocity": (values(4, 5, 6, 3), ("z", "y", "x", "component3")),
    "flux": (values(5, 5, 6), ("z_node", "y", "x")),
}
axes = {
    "time": times,
    "z": 10.25 + 0.5 * np.arange(4),
    "z_node": 10 + 0.5 * np.arange(5),
    "y": 0.5 + np.arange(5),
    "x": -0.875 + 0.25 * np.arange(6),
    "component3": np.arange(3),
}

with h5py.File(directory / "one.h5") as file:
    assert file.attrs["Conventions"] == "CF-1.8" and file.attrs["title"] == "test" and "time" not in file.attrs
    for name, (expected, dims) in fields.items():
        data = file[name]
        assert data.maxshape == (None, *expected.shape[1:]) and data.chunks[0] == 1
        assert np.array_equal(data[:], expected), name
        for number, axis in enumerate(("time", *dims)):
            scale = data.dims[number][0]
            assert scale.is_scale and scale == file[axis] and np.array_equal(scale[:], axes[axis]), (name, axis)
            assert h5py.h5ds.is_attached(data.id, scale.id, number)
    assert file["temperature"].compression_opts == 4 and file["flux"].dtype == "f4"

with xarray.open_dataset(directory / "one.h5", engine="h5netcdf", decode_timedelta=False) as data:
    for name, (expected, dims) in fields.items():
        assert data[name].dims == ("time", *dims) and np.array_equal(data[name], expected), name
        assert np.isnan(data[name].encoding["_FillValue"]), name
    for axis, coordinates in axes.items():
        assert np.array_equal(data[axis], coordinates), axis
    assert data["time"].attrs == {"axis": "T", "long_name": "time", "units": "s"}
    assert data["temperature"].attrs == {"units": "K", "long_name": "air temperature"}
    assert [data[axis].attrs["axis"] for axis in ("z", "y", "x", "z_node")] == ["Z", "Y", "X", "Z"]
    assert data["x"].attrs["units"] == "km" and data["z_node"].attrs["units"] == "m"
    assert data.encoding["unlimited_dims"] == {"time"}
    point = data["temperature"].sel(time=0.25, z=10.75, y=2.5, x=0.375, method="nearest")
    assert float(point) == 250 + (1 * 5 + 2) * 6 + 5

with netCDF4.Dataset(directory / "one.h5") as file:
    assert file.dimensions["time"].isunlimited() and len(file.dimensions["time"]) == 3
    for name, (expected, dims) in fields.items():
        assert file[name].dimensions == ("time", *dims) and np.array_equal(file[name][:], expected), name

for number, time in enumerate(times):
    with xarray.open_dataset(directory / f"many-{number:06}.h5", engine="h5netcdf") as data:
        assert data.attrs["time"] == time and data.attrs["title"] == "test"
        for name, (expected, dims) in fields.items():
            assert data[name].dims == dims and np.array_equal(data[name], expected[number]), name
