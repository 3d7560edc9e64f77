//! Every ready operator, at its radii, in one to three dimensions, in single and double precision.

use num_traits::Float;
use parhelion::kernels::operators::{self, staggered};
use parhelion::kernels::{Element, Point, Region, StarPoint, View, ViewMut, sweep};

use crate::case::{Case, Make};
use crate::linear::linear;

/// Cells of blocks that stay in a core's second-level cache.
const LINE: [usize; 1] = [16_384];
const PLANE: [usize; 2] = [64, 256];
const SPACE: [usize; 3] = [16, 24, 64];

// Tuples of outputs, inputs and points.
macro_rules! Outputs {
    ($t:ty, 2) => { (ViewMut<'_, $t, 2>, ViewMut<'_, $t, 2>) };
    ($t:ty, 3) => { (ViewMut<'_, $t, 3>, ViewMut<'_, $t, 3>, ViewMut<'_, $t, 3>) };
}
macro_rules! Inputs {
    ($t:ty, 2, $r:tt) => { (parhelion::kernels::Reach<'_, $t, 2, $r, true>, parhelion::kernels::Reach<'_, $t, 2, $r, true>) };
    ($t:ty, 3, $r:tt) => {
        (
            parhelion::kernels::Reach<'_, $t, 3, $r, true>,
            parhelion::kernels::Reach<'_, $t, 3, $r, true>,
            parhelion::kernels::Reach<'_, $t, 3, $r, true>,
        )
    };
}
macro_rules! Points {
    ($t:ty, 2, $r:tt) => { (StarPoint<'_, $t, 2, $r>, StarPoint<'_, $t, 2, $r>) };
    ($t:ty, 3, $r:tt) => { (StarPoint<'_, $t, 3, $r>, StarPoint<'_, $t, 3, $r>, StarPoint<'_, $t, 3, $r>) };
}

type Cases = Vec<Make<'static>>;

fn add(cases: &mut Cases, name: String, build: impl FnOnce() -> parhelion::Result<Case> + 'static) {
    cases.push(Make { name, build: Box::new(build) });
}

/// A rule with one input and one output.
macro_rules! scalar {
    ($cases:ident, $name:expr, $t:ty, $n:tt, $shape:expr, $radius:tt, $reach:ident, $rule:expr) => {
        let name = format!("{} {}, {}-D", $name, stringify!($t), $n);
        add(&mut $cases, name, || {
            let rule = $rule;
            Ok(linear::<$t, $n, 1, 1>($shape, $radius, move |pool, cells, [to], [from]| {
                sweep(pool, cells, to, from.$reach::<$radius>(), rule).expect("the halo is wide enough");
            }))
        });
    };
}

/// A rule with one input and an output for each axis.
macro_rules! to_vector {
    ($cases:ident, $name:expr, $t:ty, $n:tt, $shape:expr, $radius:tt, $reach:ident, $point:ident, $rule:expr) => {
        let name = format!("{} {}, {}-D", $name, stringify!($t), $n);
        add(&mut $cases, name, || {
            let rule = $rule;
            Ok(linear::<$t, $n, $n, 1>($shape, $radius, move |pool, cells, to, [from]| {
                let from = from.$reach::<$radius>();
                sweep(
                    pool,
                    cells,
                    <Outputs![$t, $n]>::from(to),
                    from,
                    parhelion::rule!(|u: $point<'_, $t, $n, $radius>| rule(u).into()),
                )
                .expect("the halo is wide enough");
            }))
        });
    };
}

/// A rule with an input for each axis and one output.
fn vector_to_scalar<T, const N: usize, const R: usize, P: Copy + 'static>(
    shape: [usize; N],
    rule: P,
    run: impl Fn(&parhelion::kernels::Pool, Region<N>, ViewMut<'_, T, N>, [View<'_, T, N>; N], P) + 'static,
) -> Case
where
    T: Element + Float,
{
    linear::<T, N, 1, N>(shape, R, move |pool, cells, [to], from| run(pool, cells, to, from, rule))
}

macro_rules! for_radii {
    ($cases:ident, $t:ty, $n:tt, $shape:expr; $($r:tt)*) => {
        $(
            scalar!($cases, format!("laplacian, radius {}", $r), $t, $n, $shape, $r, star_reach,
                operators::laplacian::<$t, $n, $r>([1.0; $n])?);
        )*
    };
}

macro_rules! for_axes {
    ($cases:ident, $t:ty, $n:tt, $shape:expr; $($r:tt)*) => {
        $(
            scalar!($cases, format!("derivative along axis 0, radius {}", $r), $t, $n, $shape, $r, star_reach,
                operators::derivative::<$t, $n, $r, 0>(1, 1.0)?);
            scalar!($cases, format!("derivative along the last axis, radius {}", $r), $t, $n, $shape, $r, star_reach,
                operators::derivative::<$t, $n, $r, { $n - 1 }>(2, 1.0)?);
            scalar!($cases, format!("staggered derivative, radius {}", $r), $t, $n, $shape, $r, star_reach,
                staggered::derivative_to_centers::<$t, $n, $r, { $n - 1 }>(1.0)?);
            scalar!($cases, format!("staggered interpolation, radius {}", $r), $t, $n, $shape, $r, star_reach,
                staggered::interpolation_to_boundaries::<$t, $n, $r, 0>());
        )*
    };
}

macro_rules! for_vectors {
    ($cases:ident, $t:ty, $n:tt, $shape:expr; $($r:tt)*) => {
        $(
            to_vector!($cases, format!("gradient, radius {}", $r), $t, $n, $shape, $r, star_reach, StarPoint,
                operators::gradient::<$t, $n, $r>([1.0; $n])?);
            let name = format!("divergence, radius {} {}, {}-D", $r, stringify!($t), $n);
            add(&mut $cases, name, || {
                let rule = operators::divergence::<$t, $n, $r>([1.0; $n])?;
                Ok(vector_to_scalar::<$t, $n, $r, _>($shape, rule, |pool, cells, to, from, rule| {
                    let from = <Inputs![$t, $n, $r]>::from(from.map(|view| view.star_reach::<$r>()));
                    sweep(pool, cells, to, from, parhelion::rule!(|v: Points![$t, $n, $r]| rule(v.into())))
                        .expect("the halo is wide enough");
                }))
            });
        )*
    };
}

macro_rules! of_type {
    ($cases:ident, $t:ty) => {
        for_radii!($cases, $t, 1, LINE; 1 2 4 8);
        for_radii!($cases, $t, 2, PLANE; 1 2 3 4 8);
        for_radii!($cases, $t, 3, SPACE; 1 2 3 4 5 6 7 8);
        for_axes!($cases, $t, 2, PLANE; 1 2 8);
        for_axes!($cases, $t, 3, SPACE; 1 4);
        for_vectors!($cases, $t, 2, PLANE; 1 4);
        for_vectors!($cases, $t, 3, SPACE; 1 2);
        scalar!($cases, "biharmonic", $t, 2, PLANE, 2, reach, operators::biharmonic::<$t, 2>([1.0; 2])?);
        scalar!($cases, "biharmonic", $t, 3, SPACE, 2, reach, operators::biharmonic::<$t, 3>([1.0; 3])?);
        scalar!($cases, "Gaussian, radius 1", $t, 2, PLANE, 1, reach, operators::gaussian::<$t, 2, 1>([0.7; 2])?);
        scalar!($cases, "Gaussian, radius 3", $t, 2, PLANE, 3, reach, operators::gaussian::<$t, 2, 3>([1.0; 2])?);
        scalar!($cases, "Gaussian, radius 1", $t, 3, SPACE, 1, reach, operators::gaussian::<$t, 3, 1>([0.7; 3])?);
        scalar!($cases, "Gaussian, radius 2", $t, 3, SPACE, 2, reach, operators::gaussian::<$t, 3, 2>([0.7; 3])?);
        scalar!($cases, "Gaussian along axis 1, radius 6", $t, 2, PLANE, 6, star_reach, operators::gaussian_along::<$t, 2, 6, 1>(2.0)?);
        scalar!($cases, "Gaussian along axis 0, radius 12", $t, 2, PLANE, 12, star_reach, operators::gaussian_along::<$t, 2, 12, 0>(4.0)?);
        to_vector!($cases, "Sobel", $t, 2, PLANE, 1, reach, Point, operators::sobel::<$t, 2>());
        to_vector!($cases, "Sobel", $t, 3, SPACE, 1, reach, Point, operators::sobel::<$t, 3>());
    };
}

/// All linear operators.
pub fn all() -> Cases {
    let mut cases = Vec::new();
    #[cfg(feature = "complete")]
    of_type!(cases, f32);
    of_type!(cases, f64);
    cases
}
