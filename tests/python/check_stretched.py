"""Check the files of tests/io/stretched.rs: coordinates by h5py, the mesh of ParaView by pyvista."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pyvista

directory = Path(sys.argv[1])
z = np.array([0.0, 0.25, 0.75, 1.75, 2.0, 4.0])
y = np.arange(5) * 0.5
x = 3.0 * (np.arange(7) / 6) ** 2


def centers(faces):
    return 0.5 * (faces[1:] + faces[:-1])


def linear(z, y, x):
    return z + 10.0 * y + 100.0 * x


with h5py.File(directory / "cells.h5") as file:
    u = file["u"]
    for axis, (name, faces, units) in enumerate([("z", z, "m"), ("y", y, None), ("x", x, "km")]):
        scale = u.dims[axis][0]
        assert scale.name == "/" + name, scale.name
        np.testing.assert_allclose(scale[:], centers(faces), rtol=1e-15)
        assert scale.attrs.get("units") in (units, units and units.encode()), scale.attrs.get("units")
    np.testing.assert_allclose(u[:], linear(*np.meshgrid(centers(z), centers(y), centers(x), indexing="ij")), rtol=1e-14)


def mesh(name):
    grid = pyvista.read(directory / name)
    while isinstance(grid, pyvista.MultiBlock):
        grid = grid[0]
    assert isinstance(grid, pyvista.RectilinearGrid), type(grid)
    return grid


grid = mesh("cells.xdmf")
for found, faces in [(grid.x, x), (grid.y, y), (grid.z, z)]:
    np.testing.assert_allclose(found, faces, rtol=1e-14)
middle = grid.cell_centers().points
np.testing.assert_allclose(grid.cell_data["u"], linear(middle[:, 2], middle[:, 1], middle[:, 0]), rtol=1e-6)

grid = mesh("faces.xdmf")
for found, places in [(grid.x, centers(x)), (grid.y, centers(y)), (grid.z, z)]:
    np.testing.assert_allclose(found, places, rtol=1e-14)
points = grid.points
np.testing.assert_allclose(grid.point_data["w"], linear(points[:, 2], points[:, 1], points[:, 0]), rtol=1e-6)
