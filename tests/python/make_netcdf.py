"""Writes files as others do: DIRECTORY/xarray.nc with xarray, netcdf4.nc with netCDF4 (chunked, packed, big-endian)."""

import sys
from pathlib import Path

import netCDF4
import numpy as np
import xarray

directory = Path(sys.argv[1])
shape = (3, 5, 6, 4)
index = np.arange(np.prod(shape)).reshape(shape)
dims = ("time", "z", "y", "x")
coordinates = {"time": [0.0, 1.0, 2.5], "z": np.arange(5.0), "y": np.arange(6.0), "x": np.arange(4.0)}
compressed = dict(zlib=True, complevel=5, shuffle=True, chunksizes=(1, 2, 3, 4))
data = xarray.Dataset(
    {
        "f8": (dims, index.astype("f8")),
        "f4": (dims, index.astype("f4"), {"units": "K"}),
        "i2": (dims, index.astype("i2")),
    },
    coords=coordinates,
)
data.to_netcdf(directory / "xarray.nc", engine="h5netcdf", encoding={"f4": compressed}, unlimited_dims=["time"])
with netCDF4.Dataset(directory / "netcdf4.nc", "w") as file:
    for name, length in zip(dims, (None, *shape[1:])):
        file.createDimension(name, length)
    file.createVariable("f8be", "f8", dims, endian="big")[:] = index
    file.createVariable("i2be", "i2", dims, endian="big", zlib=True, complevel=9, chunksizes=(2, 5, 1, 4))[:] = index
    file.createVariable("u1", "u1", dims[1:], fletcher32=True)[:] = index[0]
    group = file.createGroup("model")
    group.createVariable("deep", "f4", dims, zlib=True)[:] = index
