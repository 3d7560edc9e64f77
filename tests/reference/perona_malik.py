"""Slow, obvious N-D Perona-Malik diffusion: an independent reference in plain numpy.

The scheme is the one of ITK's GradientAnisotropicDiffusionImageFilter, see README.md beside this file. Arrays
are in C order (slowest axis first); `spacing` has one entry per axis in the same order. The type of the array
selects the arithmetic: float64 is float64 throughout; with float32 storage, each operation is done in the
precision ITK uses for float images, so that results agree with ITK to the last bit but for rare roundings.
"""

import numpy as np


def neighbors(u):
    """Return a function that maps {axis: offset} to the array of those neighbors; indices are clamped."""
    padded = np.pad(u, 1, mode="edge")

    def at(offsets):
        return padded[tuple(slice(1 + offsets.get(a, 0), 1 + offsets.get(a, 0) + n) for a, n in enumerate(u.shape))]

    return at


def mean_squared_gradient(u, spacing):
    """Mean over all cells of the squared length of the centered gradient."""
    at = neighbors(u)
    total = np.zeros(u.shape)
    for i in reversed(range(u.ndim)):
        centered = ((at({i: +1}) - at({i: -1})) / u.dtype.type(2)).astype(np.float64) * (1 / spacing[i])
        total += centered * centered
    return total.mean()


def update(u, conductance, spacing):
    """Return the rate of change of u, in the type of u."""
    at = neighbors(u)
    two = u.dtype.type(2)
    scale = [1 / h for h in spacing]
    k = u.dtype.type(mean_squared_gradient(u, spacing) * conductance * conductance * -2.0)
    if k == 0:
        return np.zeros_like(u)  # ITK: all conductances are 0

    def centered(j, beside):
        """Centered difference along j at the cell displaced by `beside`."""
        difference = at({**beside, j: +1}) - at({**beside, j: -1})
        return (difference / two).astype(np.float64) * scale[j]

    rate = np.zeros(u.shape)
    for i in reversed(range(u.ndim)):  # ITK's axis 0 is the fastest one
        flux = {}
        for side in (+1, -1):
            far = at({i: side})
            normal = ((far - u) if side > 0 else (u - far)).astype(np.float64) * scale[i]
            tangential = np.zeros(u.shape)
            for j in reversed(range(u.ndim)):
                if j != i:
                    tangential += 0.25 * (centered(j, {}) + centered(j, {i: side})) ** 2
            flux[side] = normal * np.exp((normal * normal + tangential) / np.float64(k))
        rate += flux[+1] - flux[-1]
    return rate.astype(u.dtype)


def step(u, time_step, conductance, spacing):
    """Return u after one explicit Euler step."""
    change = update(u, conductance, spacing).astype(np.float64) * time_step
    return u + change.astype(u.dtype)


def denoise(u, steps, time_step, conductance, spacing=None):
    """Return u after `steps` steps; spacing defaults to 1 along each axis."""
    spacing = [1.0] * u.ndim if spacing is None else spacing
    for _ in range(steps):
        u = step(u, time_step, conductance, spacing)
    return u


def synthetic(shape, dtype):
    """Noise on two steps by integer arithmetic: the same numbers in any language, exact in float32.

    With the linear index k in C order (last axis fastest), h = 2654435761 (k + 1) mod 2^32 and v = (h >> 24) / 4;
    plus 96 where the last index is at least half its extent (integer division), plus 48 likewise for the first.
    """
    k = np.arange(1, 1 + int(np.prod(shape)), dtype=np.uint64).reshape(shape)
    noise = ((k * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) >> np.uint64(24)
    index = np.indices(shape)
    value = noise / 4 + 96 * (index[-1] >= shape[-1] // 2) + 48 * (index[0] >= shape[0] // 2)
    return value.astype(dtype)
