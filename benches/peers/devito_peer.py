"""The problems of `benches/peers.rs` in Devito, one timed run a request.

Requests are lines on standard input, answers are lines of JSON on standard output:

    prepare CASE CELLS     makes the operator and its fields -> {"devito": version, "blocks": {...}}
    run STEPS              goes on by STEPS steps -> {"seconds": time of the generated code}
    result CASE CELLS STEPS FILE
                           steps from values in the middle, zero elsewhere, as raw values -> {}

What goes wrong is said on standard error and ends the program.
"""

import json
import os
import sys

# Devito and its compiler may print: answers have a channel of their own.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

# mpirun may have bound the rank that started us to one core: take all that the job has.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, range(os.cpu_count()))

import numpy as np
from devito import Eq, Grid, Operator, TimeFunction, __version__, configuration

configuration["language"] = "openmp"
configuration["log-level"] = "ERROR"

# case: (number type, order in space, order in time, factor of the Laplacian), as in peers.rs
CASES = {
    "heat7": (np.float64, 2, 1, 0.1),
    "heat25": (np.float32, 8, 1, 0.05),
    "wave25": (np.float32, 8, 2, 0.1),
}


def pattern(cells):
    """Numbers from 0 to 1 that differ along every axis."""
    z, y, x = np.ogrid[:cells, :cells, :cells]
    return ((7 * z + 5 * y + 3 * x) % 11) / 11.0


class Problem:
    """A field and its operator on cells^3 points of spacing 1."""

    def __init__(self, case, cells, values):
        number, space_order, time_order, factor = CASES[case]
        grid = Grid(shape=(cells,) * 3, extent=(cells - 1.0,) * 3, dtype=number)
        self.u = TimeFunction(name="u", grid=grid, space_order=space_order, time_order=time_order)
        for level in range(time_order + 1):
            self.u.data[level] = values
        before = self.u if time_order == 1 else 2 * self.u - self.u.backward
        self.operator = Operator(Eq(self.u.forward, before + factor * self.u.laplace), opt="advanced")
        # the level before the first is the last of the buffer: start where it is not negative
        self.now = time_order - 1
        self.blocks = {}

    def run(self, steps, **options):
        """Seconds that the generated code takes; what Python does around it does not count."""
        summary = self.operator.apply(time_m=self.now, time_M=self.now + steps - 1, **options, **self.blocks)
        self.now += steps
        return sum(entry.time for entry in summary.values())

    def tune(self):
        """Lets Devito choose its block sizes by measuring, and keeps them."""
        self.run(30, autotune=("basic", "runtime"))
        self.blocks = dict(self.operator._state["autotuning"][-1]["tuned"])
        self.blocks.pop("nthreads", None)

    def latest(self):
        return np.ascontiguousarray(self.u.data[self.now % self.u.shape[0]])


problem = None
for request in sys.stdin:
    verb, *words = request.split()
    answer = {}
    if verb == "prepare":
        problem = None  # frees the memory of the one before
        case, cells = words[0], int(words[1])
        problem = Problem(case, cells, 1.0 + pattern(cells))
        problem.tune()
        answer = {"devito": __version__, "blocks": {name: int(size) for name, size in problem.blocks.items()}}
    elif verb == "run":
        answer = {"seconds": problem.run(int(words[0]))}
    elif verb == "result":
        case, cells, steps, path = words[0], int(words[1]), int(words[2]), words[3]
        middle = np.zeros((cells,) * 3)
        inner = (slice(3 * cells // 8, 5 * cells // 8),) * 3
        middle[inner] = pattern(cells)[inner]
        small = Problem(case, cells, middle)
        small.run(steps)
        small.latest().tofile(path)
    else:
        sys.exit(f"unknown request: {request.strip()}")
    print(json.dumps(answer), file=ANSWERS)
