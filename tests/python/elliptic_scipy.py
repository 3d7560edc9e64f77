"""Assembles the problem of tests/solvers/scipy.rs, solves it directly, and prints the largest relative difference."""

import sys

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

shape = (7, 9, 6)
h = np.array([1.0, 2.0, 0.5]) / shape
z, y, x = np.indices(shape)
beta = 1.0 + (3 * z + 5 * y + 7 * x) % 11 * np.where((z + y) % 3 == 0, 100.0, 1.0)
alpha = 0.25 * (z + 2 * x)
right = ((z * 31 + y * 17 + x * 7) % 23) - 11.0
number = np.arange(beta.size).reshape(shape)

diagonal = alpha.astype(float).copy()
rows, columns, values = [], [], []
for axis in range(3):
    periodic = axis == 2
    for here in np.ndindex(shape):
        for step in (-1, 1):
            there = list(here)
            there[axis] += step
            if periodic:
                there[axis] %= shape[axis]
            inside = 0 <= there[axis] < shape[axis]
            if inside:
                a, b = beta[here], beta[tuple(there)]
                coupling = 2 * a * b / (a + b) / h[axis] ** 2
                diagonal[here] += coupling
                rows.append(number[here])
                columns.append(number[tuple(there)])
                values.append(-coupling)
            elif axis == 0 and step == -1:
                diagonal[here] += 2 * beta[here] / h[0] ** 2
                right[here] += 2 * beta[here] / h[0] ** 2 * 2.0
            elif axis == 0:
                # a given flux: the coefficient is extrapolated to the wall where it does not jump
                own, inner = beta[here], beta[here[0] - 1, here[1], here[2]]
                smooth = inner < 2 * own and own < 2 * inner
                right[here] += (1.5 * own - 0.5 * inner if smooth else own) / h[0] * -1.5
            elif axis == 1 and step == -1:
                wall = (here[0] + 0.5) * h[0] + 3.0 * (here[2] + 0.5) * h[2]
                diagonal[here] += 2 * beta[here] / h[1] ** 2
                right[here] += 2 * beta[here] / h[1] ** 2 * wall

matrix = sparse.coo_array((values, (rows, columns)), shape=(beta.size, beta.size)).tocsr()
matrix = matrix + sparse.diags_array(diagonal.ravel())
exact = spsolve(matrix.tocsc(), right.ravel())
ours = np.loadtxt(sys.argv[1])
print(np.abs(ours - exact).max() / np.abs(exact).max())
