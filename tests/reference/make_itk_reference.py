#!/usr/bin/env python3
"""Write itk_denoise.json: results of ITK's gradient anisotropic diffusion to test against.

    python3 tests/reference/make_itk_reference.py [--volume data/mni152_t1.h5] [--output tests/reference/itk_denoise.json]

Every result is checked against perona_malik.py before it is written; a disagreement beyond rounding stops the run.
Needs the packages of tests/python/requirements.txt; takes a minute or two.
"""

import argparse
import itertools
import json
import pathlib

import h5py
import numpy as np
import SimpleITK as sitk
from itk_denoise import itk_denoise, statistics_of
from perona_malik import denoise, mean_squared_gradient, step, synthetic

HERE = pathlib.Path(__file__).resolve().parent
PINNED = "2.5.7"
SEED = 20260101
# float32: both round each step in the same places, so a difference can only start from a tie in exp
# or in K. float64: rounding of the mean and of exp, 1e-16 of 255 a step, amplified by the steep
# flux where |grad u|^2 >> K.
AGREEMENT = {"float32": 1e-4, "float64": 1e-10}

# shape, type, steps, time step, conductance, spacing
CASES = [
    ((12, 10, 14), "float32", 1, 0.0625, 1.0, (1.0, 1.0, 1.0)),
    ((12, 10, 14), "float32", 5, 0.0625, 1.0, (1.0, 1.0, 1.0)),
    ((12, 10, 14), "float64", 5, 0.0625, 1.0, (1.0, 1.0, 1.0)),
    ((12, 10, 14), "float32", 10, 0.05, 0.5, (1.0, 1.0, 1.0)),
    ((12, 10, 14), "float32", 3, 0.0625, 3.0, (2.0, 1.0, 0.5)),
    ((1, 6, 7), "float32", 4, 0.0625, 1.0, (1.0, 1.0, 1.0)),
    ((2, 3, 9), "float64", 4, 0.0625, 1.0, (1.0, 1.0, 1.0)),
    ((16, 20), "float32", 4, 0.125, 1.0, (1.0, 1.0)),
    ((16, 20), "float64", 8, 0.05, 3.0, (1.0, 1.0)),
    ((16, 20), "float32", 8, 0.125, 0.5, (1.0, 1.0)),
    # ITK has no 1-D and SimpleITK no 4-D version: these come from perona_malik.py.
    ((40,), "float64", 6, 0.25, 1.0, (1.0,)),
    ((5, 4, 6, 7), "float64", 3, 0.03125, 1.0, (1.0, 1.0, 1.0, 1.0)),
]


def numbers(values):
    """Return values as JSON numbers that read back exactly: 9 digits for float32, repr for float64."""
    single = values.dtype == np.float32
    return [float(f"{v:.9g}") if single else float(v) for v in values.ravel()]


def agree(ours, itk, what):
    """Return the largest difference, or stop if it is beyond rounding."""
    largest = float(np.abs(ours.astype(np.float64) - itk).max())
    if not largest <= AGREEMENT[itk.dtype.name]:
        raise SystemExit(f"{what}: perona_malik.py and ITK differ by {largest}")
    return largest


def small_case(shape, dtype, steps, time_step, conductance, spacing):
    """Return one synthetic case with its complete result."""
    before = synthetic(shape, dtype)
    after = denoise(before, steps, time_step, conductance, spacing)
    case = {
        "shape": shape,
        "dtype": dtype,
        "steps": steps,
        "time_step": time_step,
        "conductance": conductance,
        "spacing": spacing,
        "source": "perona_malik.py",
        "input_first": numbers(before)[:8],
    }
    if len(shape) in (2, 3):
        ours, (after, _) = after, itk_denoise(before, steps, time_step, conductance, spacing)
        case["source"] = "ITK"
        case["perona_malik_largest_difference"] = agree(ours, after, f"{shape} {dtype}")
    return case | {"result": numbers(after)}


def probe_indices(shape, before, after):
    """Return 68 sorted indices: corners, edges and faces of the volume, steep edges inside, the largest change."""
    random = np.random.default_rng(SEED)
    chosen = {np.unravel_index(np.abs(after - before).argmax(), shape)}
    ends = [(0, n - 1) for n in shape]
    chosen.update(itertools.product(*ends))

    def cell():
        return [int(random.integers(n)) for n in shape]

    for axis, end in itertools.product(range(3), range(2)):
        face, edge = cell(), cell()
        face[axis] = edge[axis] = ends[axis][end]
        edge[(axis + 1) % 3] = ends[(axis + 1) % 3][int(random.integers(2))]
        chosen.update([tuple(face), tuple(edge)])

    # The brain stem crosses the face z = 0; most other boundary cells stay 0 and would prove
    # little.
    outer = np.ones(shape, bool)
    outer[1:-1, 1:-1, 1:-1] = False
    bright = np.argwhere(outer & (after > 1))
    chosen.update(map(tuple, bright[random.choice(len(bright), 8, replace=False)]))

    slope = np.sqrt(sum(g**2 for g in np.gradient(before)))
    for lowest in (np.quantile(slope, 0.99), np.quantile(slope, 0.9)):
        steep = np.argwhere(slope > lowest)
        chosen.update(map(tuple, steep[random.choice(len(steep), 16, replace=False)]))
    inside = np.argwhere(before > 0)
    while len(chosen) < 68:
        chosen.add(tuple(inside[random.integers(len(inside))]))
    return sorted(tuple(int(i) for i in index) for index in chosen)


def whole_volume(path, name):
    """Return statistics and probe cells of 20 steps on the real volume."""
    steps, time_step, conductance, spacing = 20, 0.0625, 1.0, (1.0, 1.0, 1.0)
    with h5py.File(path, "r") as file:
        before = file[name][...].astype(np.float32)
    after, _ = itk_denoise(before, steps, time_step, conductance, spacing)
    wide, _ = itk_denoise(before.astype(np.float64), steps, time_step, conductance, spacing)
    ours, gradients = before, []
    for _ in range(steps):
        gradients.append(float(mean_squared_gradient(ours, spacing)))
        ours = step(ours, time_step, conductance, spacing)
    return {
        "input": f"data/{path.name}",
        "dataset": name,
        "shape": before.shape,
        "dtype": "float32",
        "steps": steps,
        "time_step": time_step,
        "conductance": conductance,
        "spacing": spacing,
        "source": "ITK",
        "perona_malik_largest_difference": agree(ours, after, "whole volume"),
        "float64_largest_difference": float(np.abs(wide - after).max()),
        "statistics": statistics_of(before, after),
        "mean_squared_gradient": gradients,
        "probes": [[*index, float(f"{after[index]:.9g}")] for index in probe_indices(before.shape, before, after)],
    }


def to_json(reference):
    """Return JSON with one line per key of a case, and the long arrays on one line each."""
    text = json.dumps(reference, indent=1)
    keep, depth, out = "", 0, []
    for line in text.splitlines():
        opened, closed = line.count("["), line.count("]")
        if depth == 0 and opened > closed and not line.rstrip().endswith('"cases": ['):
            depth, keep = opened - closed, line.rstrip()
        elif depth > 0:
            keep += line.strip() + (" " if line.endswith(",") else "")
            depth += opened - closed
        else:
            keep = line
        if depth == 0:
            out.append(keep.rstrip())
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volume", type=pathlib.Path, default=HERE.parent.parent / "data" / "mni152_t1.h5")
    parser.add_argument("--dataset", default="t1")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "itk_denoise.json")
    args = parser.parse_args()
    if sitk.Version_VersionString() != PINNED:
        raise SystemExit(f"SimpleITK {sitk.Version_VersionString()} found; the reference is made with {PINNED}")
    reference = {
        "filter": "GradientAnisotropicDiffusionImageFilter",
        "simpleitk": PINNED,
        "axes": "slowest first (z, y, x), values in C order",
        "volume": whole_volume(args.volume, args.dataset),
        "cases": [small_case(*case) for case in CASES],
    }
    text = to_json(reference)
    assert json.loads(text) == json.loads(json.dumps(reference))
    args.output.write_text(text)
    for case in [reference["volume"], *reference["cases"]]:
        difference = case.get("perona_malik_largest_difference", "-")
        print(case["shape"], case["dtype"], case["steps"], "steps, difference", difference)
    print(f"{args.output}: {len(text)} bytes")


if __name__ == "__main__":
    main()
