"""Checks DIRECTORY/one.xdmf and many.xdmf with pyvista: times, and values on their grids at each of them."""

import sys
from pathlib import Path

import numpy as np
import pyvista

directory = Path(sys.argv[1])
times = [0.0, 0.25, 1.0]


def blocks(grid):
    """Return the grids of a tree of blocks."""
    if isinstance(grid, pyvista.MultiBlock):
        return [leaf for child in grid for leaf in blocks(child)]
    return [grid]


def values(time, *shape):
    """Return 1000 t + index, in the order of VTK."""
    return (1000 * time + np.arange(np.prod(shape))).reshape(-1, *shape[3:])


for name in ("one", "many"):
    reader = pyvista.get_reader(str(directory / f"{name}.xdmf"))
    assert list(reader.time_values) == times, (name, reader.time_values)
    for time in times:
        reader.set_active_time_value(time)
        cells, nodes = blocks(reader.read())
        assert np.allclose(cells.bounds, (-1, 0.5, 0, 5, 10, 12)), cells.bounds
        assert np.array_equal(cells.cell_data["temperature"], values(time, 4, 5, 6)), (name, time)
        assert np.array_equal(cells.cell_data["velocity"], values(time, 4, 5, 6, 3)), (name, time)
        assert np.allclose(nodes.bounds, (-0.875, 0.375, 0.5, 4.5, 10, 12)), nodes.bounds
        assert np.array_equal(nodes.point_data["flux"], values(time, 5, 5, 6).astype("f4")), (name, time)
