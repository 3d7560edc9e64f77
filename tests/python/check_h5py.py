#!/usr/bin/env python3
"""Open datasets of an HDF5 file with h5py and print what a user of h5py sees, as JSON.

    python3 check_h5py.py FILE DATASET ... [--point=Z,Y,X] ...

For each dataset: shape, dtype, chunks, compression, sum, min and max (accumulated in float64), attributes, the labels
and coordinates of the axes with a dimension scale, and the values at the points given. Complex numbers are [re, im].
"""

import argparse
import json

import h5py
import numpy as np


def plain(value):
    """Return an attribute or element as something JSON can hold."""
    if isinstance(value, (bytes, np.bytes_)):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def summary(values):
    """Return sum, min and max; None where the type or an empty array has none."""
    if values.dtype.kind not in "biuf" or values.size == 0:
        return {"sum": None, "min": None, "max": None}
    return {
        "sum": float(values.sum(dtype=np.float64)),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def coordinates(data):
    """Return label, and name, units, length, first and last value of the dimension scale, per axis."""
    axes = []
    for axis in range(data.ndim):
        entry = {"label": data.dims[axis].label, "scale": None}
        if len(data.dims[axis]) > 0:
            scale = data.dims[axis][0]
            entry["scale"] = {
                "name": scale.name,
                "units": plain(scale.attrs.get("units")),
                "length": scale.shape[0],
                "first": float(scale[0]),
                "last": float(scale[-1]),
            }
        axes.append(entry)
    return axes


def describe(data, points):
    """Return everything about one dataset."""
    for index in points:
        if len(index) != data.ndim:
            raise SystemExit(f"{data.name} has {data.ndim} axes, the point {index} has {len(index)} indices")
    values = data[...]
    hidden = {"DIMENSION_LIST", "REFERENCE_LIST"}  # references, shown as coordinates instead
    return {
        "shape": list(data.shape),
        "dtype": str(data.dtype),
        "chunks": list(data.chunks) if data.chunks else None,
        "compression": data.compression,
        **summary(values),
        "attributes": {key: plain(value) for key, value in data.attrs.items() if key not in hidden},
        "coordinates": coordinates(data),
        "values": [plain(values[point]) for point in points],
    }


def point(text):
    """Parse an index such as 3,0,12."""
    return tuple(int(part) for part in text.split(","))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("datasets", nargs="+", metavar="DATASET")
    parser.add_argument("--point", dest="points", action="append", type=point, default=[], metavar="I,J,K")
    args = parser.parse_args()
    with h5py.File(args.file, "r") as file:
        report = {
            "attributes": {key: plain(value) for key, value in file.attrs.items()},
            "datasets": {name: describe(file[name], args.points) for name in args.datasets},
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
