#!/usr/bin/env python3
"""Run ITK's GradientAnisotropicDiffusionImageFilter on an HDF5 dataset and report statistics and time as JSON.

    python3 itk_denoise.py data/mni152_t1.h5 t1 --steps 20 --time-step 0.0625 --conductance 1 \\
        --threads 2 --repeats 3 --output itk.h5 --compare denoised.h5

The dataset is cast to --dtype. Its `spacing` attribute, if there is one, is given to ITK (axes in the dataset's
order, slowest first). The times are those of the filter's Execute alone: no reading, casting or writing.
With --compare, the result is compared with a dataset of another file; the exit status is 0 whatever the difference.
"""

import argparse
import json
import statistics
import time

import h5py
import numpy as np
import SimpleITK as sitk


def itk_denoise(values, steps, time_step, conductance, spacing=None, threads=0):
    """Return (result, seconds of Execute); axes of `values` and `spacing` are slowest first; 0 threads: ITK's choice."""
    # GetImageFromArray takes [z, y, x]; everything else in ITK counts axes from the fastest one.
    image = sitk.GetImageFromArray(values)
    if spacing is not None:
        image.SetSpacing([float(h) for h in reversed(spacing)])
    diffusion = sitk.GradientAnisotropicDiffusionImageFilter()
    diffusion.SetNumberOfIterations(steps)
    diffusion.SetTimeStep(time_step)
    diffusion.SetConductanceParameter(conductance)
    diffusion.SetConductanceScalingUpdateInterval(1)
    if threads > 0:
        diffusion.SetNumberOfThreads(threads)
        diffusion.SetNumberOfWorkUnits(threads)
    start = time.perf_counter()
    result = diffusion.Execute(image)
    seconds = time.perf_counter() - start
    return sitk.GetArrayFromImage(result), seconds


def statistics_of(before, after):
    """Return mean, standard deviation, extremes and largest change, accumulated in float64."""
    wide = after.astype(np.float64)
    return {
        "mean": float(wide.mean()),
        "std": float(wide.std()),
        "min": float(wide.min()),
        "max": float(wide.max()),
        "largest_change": float(np.abs(wide - before).max()),
    }


def difference_of(result, path, name):
    """Return how far dataset `name` of `path` is from `result`."""
    with h5py.File(path, "r") as file:
        other = file[name][...].astype(np.float64)
    if other.shape != result.shape:
        raise SystemExit(f"{path}: dataset {name} has shape {other.shape}, ITK's result has {result.shape}")
    difference = np.abs(other - result)
    return {
        "largest_difference": float(difference.max()),
        "at": [int(i) for i in np.unravel_index(difference.argmax(), difference.shape)],
        "rms_difference": float(np.sqrt((difference**2).mean())),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", help="HDF5 file")
    parser.add_argument("dataset", help="name of a 2-D or 3-D dataset")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--time-step", type=float, default=0.0625)
    parser.add_argument("--conductance", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=0, help="0: ITK's choice")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--output", help="HDF5 file for the result, dataset of the same name")
    parser.add_argument("--compare", metavar="FILE", help="HDF5 file to compare the result with")
    parser.add_argument("--compare-dataset", metavar="NAME", help="its dataset (default: the same name)")
    args = parser.parse_args()
    if args.repeats < 1:
        parser.error("--repeats must be at least 1")

    with h5py.File(args.input, "r") as file:
        data = file[args.dataset]
        values = data[...].astype(args.dtype)
        spacing = data.attrs.get("spacing")
    runs = [
        itk_denoise(values, args.steps, args.time_step, args.conductance, spacing, args.threads)
        for _ in range(args.repeats)
    ]
    result = runs[-1][0]
    seconds = [run[1] for run in runs]
    report = {
        "simpleitk": sitk.Version_VersionString(),
        "shape": list(values.shape),
        "dtype": args.dtype,
        "steps": args.steps,
        "time_step": args.time_step,
        "conductance": args.conductance,
        "threads": args.threads,
        "seconds": {"best": min(seconds), "median": statistics.median(seconds), "all": seconds},
        "statistics": statistics_of(values, result),
    }
    if args.output:
        with h5py.File(args.output, "w", libver="earliest") as file:
            file.create_dataset(args.dataset, data=result, track_times=False)
    if args.compare:
        report["compare"] = difference_of(result, args.compare, args.compare_dataset or args.dataset)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
