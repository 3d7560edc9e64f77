"""Checks DIRECTORY/gallery.xdmf, plane.xdmf and line.xdmf with pyvista: every type and component on its grid."""

import sys
from pathlib import Path

import numpy as np
import pyvista

directory = Path(sys.argv[1])
shape = (5, 6, 4)
index = np.arange(np.prod(shape)).reshape(shape)
types = {"f64": "f8", "f32": "f4", "u8": "u1", "i8": "i1", "i16": "i2", "u16": "u2", "i32": "i4", "u32": "u4",
         "i64": "i8", "u64": "u8"}


def read(name):
    """Return the only grid of a file."""
    grid = pyvista.get_reader(str(directory / f"{name}.xdmf")).read()
    return grid[0] if isinstance(grid, pyvista.MultiBlock) else grid


grid = read("gallery")
assert np.allclose(grid.bounds, (2, 4, 1, 4, 0, 2.5)), grid.bounds
for name, dtype in types.items():
    assert np.array_equal(grid.cell_data[name], index.ravel().astype(dtype)), name
for name, n in {"velocity": 3, "pair": 2}.items():
    values = grid.cell_data[name]
    # VTK gives a vector of two components a third, which is zero
    assert np.array_equal(values[:, :n], np.arange(index.size * n).reshape(-1, n)), name
    assert not values[:, n:].any()
for name, cells in {"plane": 21, "line": 7}.items():
    grid = read(name)
    assert grid.n_cells == cells and np.array_equal(grid.cell_data["u"], np.arange(cells)), name
