"""Assembles the problem at nodes of tests/solvers/scipy.rs, solves it directly, and prints the largest relative difference.

Rows are those of finite differences with mirror points beyond walls of given slope, not multiplied by volumes.
"""

import sys

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

cells = (7, 9, 6)
shape = (8, 10, 6)  # the last axis is periodic
h = np.array([1.0, 2.0, 0.5]) / cells
z, y, x = np.indices(shape)
beta = 1.0 + (3 * z + 5 * y + 7 * x) % 11 * np.where((z + y) % 3 == 0, 100.0, 1.0)
alpha = 0.25 * (z + 2 * x)
right = ((z * 31 + y * 17 + x * 7) % 23) - 11.0
number = np.arange(beta.size).reshape(shape)

rows, columns, values = [], [], []


def put(here, there, value):
    rows.append(number[here])
    columns.append(number[there])
    values.append(value)


for here in np.ndindex(shape):
    if here[1] == 0:
        put(here, here, 1.0)
        right[here] = here[0] * h[0] + 3.0 * here[2] * h[2]
        continue
    if here[0] == 0:
        put(here, here, 1.0)
        right[here] = 2.0
        continue
    put(here, here, alpha[here])
    for axis in range(3):
        for step in (-1, 1):
            there = list(here)
            there[axis] += step
            if axis == 2:
                there[axis] %= shape[axis]
            elif there[axis] == shape[axis]:
                # the mirror image of the node before, raised by the slope
                there[axis] -= 2
                slope = -1.5 if axis == 0 else 0.0
                right[here] += 2 * beta[here] * slope / h[axis]
            there = tuple(there)
            a, b = beta[here], beta[there]
            coupling = 2 * a * b / (a + b) / h[axis] ** 2
            put(here, here, coupling)
            put(here, there, -coupling)

matrix = sparse.coo_array((values, (rows, columns)), shape=(beta.size, beta.size)).tocsc()
exact = spsolve(matrix, right.ravel())
ours = np.loadtxt(sys.argv[1])
print(np.abs(ours - exact).max() / np.abs(exact).max())
