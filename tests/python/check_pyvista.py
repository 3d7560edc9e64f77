#!/usr/bin/env python3
"""Open an XDMF file with pyvista and print what ParaView would show, as JSON.

    python3 check_pyvista.py FILE.xmf [--array NAME] [--point=X,Y,Z] ...

Prints the bounds, dimensions, spacing and origin (x first, as in VTK), the range of every point and cell array, and the
values of --array at the points given in coordinates: of the nearest grid point for a point array, of the cell that
holds the point for a cell array.
"""

import argparse
import json

import numpy as np
import pyvista


def open_grid(path):
    """Return the grid of the file; the first block where it is a collection."""
    # By itself pyvista.read knows the extension .xdmf but not .xmf; ParaView knows both.
    grid = pyvista.read(path, force_ext=".xdmf")
    while isinstance(grid, pyvista.MultiBlock):
        grid = grid[0]
    return grid


def ranges(arrays):
    """Return length, type, minimum and maximum per array."""
    return {
        name: {
            "length": len(arrays[name]),
            "dtype": str(arrays[name].dtype),
            "min": float(np.min(arrays[name])),
            "max": float(np.max(arrays[name])),
        }
        for name in arrays.keys()
    }


def values_at(grid, name, points):
    """Return the value of array `name` at each point."""
    if name in grid.point_data:
        return [float(grid.point_data[name][grid.find_closest_point(p)]) for p in points]
    if name in grid.cell_data:
        return [float(grid.cell_data[name][grid.find_containing_cell(p)]) for p in points]
    raise SystemExit(f"no array {name}; point arrays {grid.point_data.keys()}, cell arrays {grid.cell_data.keys()}")


def point(text):
    """Parse coordinates such as 0.5,2,1e-3."""
    return tuple(float(part) for part in text.split(","))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--array", help="array to take values from (default: the first one)")
    parser.add_argument("--point", dest="points", action="append", type=point, default=[], metavar="X,Y,Z")
    args = parser.parse_args()
    grid = open_grid(args.file)
    names = [*grid.point_data.keys(), *grid.cell_data.keys()]
    if args.array is None and not names:
        raise SystemExit(f"{args.file}: no arrays")
    report = {
        "type": type(grid).__name__,
        "bounds": [float(b) for b in grid.bounds],
        "dimensions": [int(n) for n in grid.dimensions],
        "spacing": [float(h) for h in grid.spacing] if hasattr(grid, "spacing") else None,
        "origin": [float(o) for o in grid.origin] if hasattr(grid, "origin") else None,
        "point_arrays": ranges(grid.point_data),
        "cell_arrays": ranges(grid.cell_data),
        "values": values_at(grid, args.array or names[0], args.points),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
