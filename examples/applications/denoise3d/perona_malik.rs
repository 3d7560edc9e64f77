//! Anisotropic diffusion of a 3-D image after Perona and Malik, as ITK's
//! `GradientAnisotropicDiffusionImageFilter` computes it. (An axis of one cell makes it 2-D.)
//!
//! Every step replaces `u` by `u + Δt · Σ_i (F₊ᵢ − F₋ᵢ)`. The flux through the face between two
//! cells is their difference `n` times the conductance `exp((n² + t) / K)`, where `t` sums the
//! squares of the other axes' centered differences, averaged over the two cells, and `K = −2 κ² ·
//! mean |∇u|²` is computed again in every step. `tests/reference/README.md` has the scheme in full,
//! checked against ITK.
//!
//! P. Perona, J. Malik: Scale-space and edge detection using anisotropic diffusion, IEEE PAMI 12
//! (1990) 629.

use parhelion::kernels::exp_f32;
use parhelion::prelude::*;

/// The parameters of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    /// Δt; stable up to 1/16 for cells of size 1.
    pub(crate) time_step: f64,
    /// κ: edges much steeper than κ times the mean gradient are kept.
    pub(crate) conductance: f64,
}

/// Mean over all cells of the squared gradient, from centered differences.
///
/// # Collective
/// Over all ranks.
pub(crate) fn mean_squared_gradient(image: &Field<f32, 3>) -> parhelion::Result<f64> {
    let grid = image.grid();
    let _kernel = grid.world().kernel("mean squared gradient").flops(11);
    let [z, y, x] = grid.spacing().map(|h| (0.5 / h) as f32);
    let cells = image.shape_global().iter().product::<usize>();
    let sum = grid.sum(image.region_local(), image.star_reach::<1>()?, |u: StarPoint<'_, f32, 3, 1>| {
        let dz = z * (u.along::<0, 1>() - u.along::<0, -1>());
        let dy = y * (u.along::<1, 1>() - u.along::<1, -1>());
        let dx = x * (u.along::<2, 1>() - u.along::<2, -1>());
        // Single precision up to here: the mean of millions of such rounding errors is far below
        // them.
        f64::from(dx * dx + dy * dy + dz * dz)
    })?;
    Ok(sum / cells as f64)
}

/// Advances the image by one step.
///
/// # Collective
/// Over all ranks.
pub(crate) fn step(
    image: &mut Field<f32, 3>,
    mean_squared_gradient: f64,
    parameters: Parameters,
) -> parhelion::Result<()> {
    let k = (-2.0 * parameters.conductance.powi(2) * mean_squared_gradient) as f32;
    if k == 0.0 {
        return Ok(()); // nothing to smooth in a constant image
    }
    let world = image.grid().world().clone();
    let _kernel = world.kernel("perona-malik");
    let (per_k, time_step) = (1.0 / k, parameters.time_step as f32);
    let scale = image.grid().spacing().map(|h| (1.0 / h) as f32);
    let diffusion = stencil::<f32, 3, 1>(rule!(|u| {
        let fluxes = balance::<2, 1, 0>(&u, scale, per_k)
            + balance::<1, 2, 0>(&u, scale, per_k)
            + balance::<0, 2, 1>(&u, scale, per_k);
        u.center() + time_step * fluxes
    }));
    image.advance(&diffusion, 1)
}

/// Flux through the face ahead on axis `I` minus that through the face behind; `J` and `K` are the
/// other axes.
#[inline(always)]
fn balance<const I: usize, const J: usize, const K: usize>(
    u: &Point<'_, f32, 3, 1>,
    scale: [f32; 3],
    per_k: f32,
) -> f32 {
    let ahead = (u.along::<I, 1>() - u.center()) * scale[I];
    let behind = (u.center() - u.along::<I, -1>()) * scale[I];
    let j = scale[J] * (u.along::<J, 1>() - u.along::<J, -1>());
    let k = scale[K] * (u.along::<K, 1>() - u.along::<K, -1>());
    let j_ahead = j + scale[J] * (u.diagonal::<I, 1, J, 1>() - u.diagonal::<I, 1, J, -1>());
    let k_ahead = k + scale[K] * (u.diagonal::<I, 1, K, 1>() - u.diagonal::<I, 1, K, -1>());
    let j_behind = j + scale[J] * (u.diagonal::<I, -1, J, 1>() - u.diagonal::<I, -1, J, -1>());
    let k_behind = k + scale[K] * (u.diagonal::<I, -1, K, 1>() - u.diagonal::<I, -1, K, -1>());
    ahead * conductance(ahead, j_ahead, k_ahead, per_k)
        - behind * conductance(behind, j_behind, k_behind, per_k)
}

/// Conductance of a face across which the image differs by `n`. `j` and `k` are sums of two cells'
/// differences over two cells each, hence four times the mean slope.
#[inline(always)]
fn conductance(n: f32, j: f32, k: f32, per_k: f32) -> f32 {
    exp_f32((n * n + 0.0625 * (j * j + k * k)) * per_k)
}
