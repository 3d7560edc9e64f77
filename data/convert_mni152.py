#!/usr/bin/env python3
"""Convert a NIfTI-1 volume to the HDF5 layout that Parhelion reads.

    python3 data/convert_mni152.py mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz data/mni152_t1.h5

The output holds one dataset (C order, axes named slowest first: z, y, x) in the smallest type that
keeps every value, chunked and compressed, with the cell centres of each axis in millimetres as
dimension scales. No time stamp is stored: with the same h5py the same input gives the same bytes.

Needs Python 3, numpy and h5py.
"""

import argparse
import gzip
import struct
import sys

import h5py
import numpy as np

HEADER_BYTES = 348
# NIfTI-1 datatype code -> numpy type (without byte order).
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
# Candidates for the stored type, smallest first.
STORED = ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]
AXES = "zyx"
AXIS_NAMES = {
    "z": "inferior to superior",
    "y": "posterior to anterior",
    "x": "left to right",
}
# Slabs along z keep whole rows together: a rank that owns a block reads few chunks it does not
# need.
CHUNK = (21, 59, 197)

TITLE = "MNI ICBM152 2009a nonlinear symmetric T1 template, brain only, rescaled to 0...255"
NOTICE = (
    "Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological "
    "Institute, McGill University. Permission to use, copy, modify, and distribute this software and "
    "its documentation for any purpose and without fee is hereby granted, provided that the above "
    "copyright notice appear in all copies. The authors and McGill University make no representations "
    "about the suitability of this software for any purpose. It is provided \"as is\" without express "
    "or implied warranty. The authors are not responsible for any data loss, equipment damage, property "
    "loss, or injury to subjects or patients resulting from the use or misuse of this software package."
)


def read_nifti(path):
    """Return (values as [z, y, x], spacing in mm per axis, first cell centre in mm per axis)."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        raw = file.read()
    if len(raw) < HEADER_BYTES:
        sys.exit(f"{path}: {len(raw)} bytes are too few for a NIfTI-1 header of {HEADER_BYTES}")
    order = "<" if struct.unpack_from("<i", raw, 0)[0] == HEADER_BYTES else ">"
    if struct.unpack_from(order + "i", raw, 0)[0] != HEADER_BYTES or raw[344:348] != b"n+1\0":
        sys.exit(f"{path}: not a single-file NIfTI-1 image (header size or magic is wrong)")

    dim = struct.unpack_from(order + "8h", raw, 40)
    if dim[0] < 3 or any(n != 1 for n in dim[4 : dim[0] + 1]):
        sys.exit(f"{path}: dimensions {dim[1 : dim[0] + 1]}; one 3-D volume is needed")
    code = struct.unpack_from(order + "h", raw, 70)[0]
    if code not in TYPES:
        sys.exit(f"{path}: NIfTI datatype {code} is not supported; known codes: {sorted(TYPES)}")
    offset = int(struct.unpack_from(order + "f", raw, 108)[0])
    slope, intercept = struct.unpack_from(order + "2f", raw, 112)
    if struct.unpack_from(order + "h", raw, 254)[0] <= 0:
        sys.exit(f"{path}: no sform affine; the axes cannot be placed")
    affine = np.array(struct.unpack_from(order + "12f", raw, 280)).reshape(3, 4)
    scale = affine[:, :3].diagonal()
    if (scale <= 0).any() or np.any(affine[:, :3] != np.diag(scale)):
        sys.exit(f"{path}: the affine\n{affine}\nis not axis-aligned with increasing coordinates")

    nx, ny, nz = dim[1:4]
    # x is the fastest index in the file, so C order is [z, y, x] without moving a byte.
    values = np.frombuffer(raw, order + TYPES[code], nx * ny * nz, offset).reshape(nz, ny, nx)
    if slope != 0 and (slope, intercept) != (1, 0):
        values = values * np.float64(slope) + np.float64(intercept)
    return values, scale[::-1], affine[::-1, 3]


def smallest_exact(values):
    """Return the values in the smallest type of STORED that keeps each of them."""
    for name in STORED:
        kind = np.dtype(name)
        if kind.kind in "ui":
            info = np.iinfo(kind)
            if values.min() < info.min or values.max() > info.max:
                continue
        stored = values.astype("<" + name)
        if np.array_equal(stored, values):
            return stored
    sys.exit(f"no type of {STORED} keeps every value (are there NaNs?)")


def write_hdf5(path, name, values, spacing, origin):
    """Write dataset `name` with dimension scales z, y, x and no time stamps."""
    # libver "earliest": HDF5 1.10 and older read the file, in parallel too.
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["Conventions"] = "CF-1.8"
        file.attrs["title"] = TITLE
        file.attrs["license"] = NOTICE
        data = file.create_dataset(
            name,
            data=values,
            chunks=tuple(min(c, n) for c, n in zip(CHUNK, values.shape)),
            shuffle=values.itemsize > 1,  # nothing to shuffle in one byte
            compression="gzip",
            compression_opts=9,
            track_times=False,
        )
        data.attrs["long_name"] = "T1-weighted MRI intensity"
        data.attrs["units"] = "1"
        data.attrs["axes"] = "z y x"
        data.attrs["spacing"] = np.asarray(spacing, "<f8")
        data.attrs["origin"] = np.asarray(origin, "<f8")
        for axis, letter in enumerate(AXES):
            centres = origin[axis] + spacing[axis] * np.arange(values.shape[axis])
            scale = file.create_dataset(letter, data=centres.astype("<f8"), track_times=False)
            scale.make_scale(letter)
            scale.attrs["units"] = "mm"
            scale.attrs["long_name"] = f"cell centre, {AXIS_NAMES[letter]}"
            scale.attrs["axis"] = letter.upper()
            data.dims[axis].attach_scale(scale)
            data.dims[axis].label = letter


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", help="NIfTI-1 volume, .nii or .nii.gz")
    parser.add_argument("output", help="HDF5 file to write")
    parser.add_argument("--dataset", default="t1", help="name of the dataset (default: t1)")
    args = parser.parse_args()

    values, spacing, origin = read_nifti(args.input)
    stored = smallest_exact(values)
    write_hdf5(args.output, args.dataset, stored, spacing, origin)
    print(
        f"{args.output}: {args.dataset} {stored.shape} {stored.dtype}, "
        f"{stored.min()}...{stored.max()}, sum {stored.sum(dtype=np.float64):.0f}, "
        f"spacing {list(map(float, spacing))} mm, origin {list(map(float, origin))} mm"
    )


if __name__ == "__main__":
    main()
