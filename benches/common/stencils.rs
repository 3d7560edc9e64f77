//! The stencils that are measured.

use parhelion::prelude::*;

/// Heat in three dimensions, second order.
pub(crate) fn heat7() -> impl Stencil<f64, 3> {
    star_stencil::<f64, 3, 1>(rule!(|u| {
        let around = u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() + u.at::<0, -1, 0>();
        let around = around + u.at::<0, 1, 0>() + u.at::<0, 0, -1>() + u.at::<0, 0, 1>();
        u.center() + 0.1 * (around - 6.0 * u.center())
    }))
}

/// The Laplacian of order 8 on a grid of spacing 1: weights 8/5, −1/5, 8/315, −1/560, and −205/72
/// at the center.
#[inline(always)]
pub(crate) fn laplacian8(u: StarPoint<'_, f32, 3, 4>) -> f32 {
    macro_rules! around {
        ($distance:literal) => {
            (u.at::<{ -$distance }, 0, 0>()
                + u.at::<$distance, 0, 0>()
                + u.at::<0, { -$distance }, 0>()
                + u.at::<0, $distance, 0>()
                + u.at::<0, 0, { -$distance }>()
                + u.at::<0, 0, $distance>())
        };
    }
    let near = 1.6 * around!(1) - 0.2 * around!(2);
    near + 8.0 / 315.0 * around!(3) - 1.0 / 560.0 * around!(4) - 205.0 / 24.0 * u.center()
}

/// Heat in three dimensions, eighth order.
pub(crate) fn star25() -> impl Stencil<f32, 3> {
    star_stencil::<f32, 3, 4>(rule!(|u| u.center() + 0.05 * laplacian8(u)))
}

/// The point of the squared velocity that the wave reads.
pub(crate) type Wave<'p> = Point<'p, f32, 3, 0>;

/// The acoustic wave equation, second order in time and eighth in space.
#[inline(always)]
pub(crate) fn acoustic_wave(before: f32, u: StarPoint<'_, f32, 3, 4>, c: Wave<'_>) -> f32 {
    2.0 * u.center() - before + c.center() * laplacian8(u)
}

/// A weighted mean over the box of radius 1.
pub(crate) fn box27() -> impl Stencil<f64, 3> {
    stencil::<f64, 3, 1>(rule!(|u| {
        macro_rules! sum {
            ($([$z:literal $y:literal $x:literal])*) => { 0.0 $(+ u.at::<$z, $y, $x>())* };
        }
        let faces = sum!([-1 0 0] [0 -1 0] [0 0 -1] [0 0 1] [0 1 0] [1 0 0]);
        let edges = sum!([-1 -1 0] [-1 0 -1] [-1 0 1] [-1 1 0] [0 -1 -1] [0 -1 1] [0 1 -1] [0 1 1] [1 -1 0]
            [1 0 -1] [1 0 1] [1 1 0]);
        let corners = sum!([-1 -1 -1] [-1 -1 1] [-1 1 -1] [-1 1 1] [1 -1 -1] [1 -1 1] [1 1 -1] [1 1 1]);
        0.4 * u.center() + 0.06 * faces + 0.01 * edges + 0.005 * corners
    }))
}

/// A star of radius 2 in the plane.
pub(crate) fn star9() -> impl Stencil<f64, 2> {
    star_stencil::<f64, 2, 2>(rule!(|u| {
        let near = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
        let far = u.at::<-2, 0>() + u.at::<2, 0>() + u.at::<0, -2>() + u.at::<0, 2>();
        u.center() + 0.25 * near - 0.125 * far
    }))
}
