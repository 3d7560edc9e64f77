//! Operators between staggered points: cells, faces, edges and nodes of one grid (Harlow and
//! Welch's MAC grid, 1965; Yee's, 1966).
//!
//! Along an axis a point lies either at the *center* of its cell or on its *low boundary*: index
//! `i` stands for `x = (i + ½)·h` or for `x = i·h`. A face along axis `a` is on a boundary of `a`
//! alone, an edge along axis `a` on boundaries of all axes but `a`, a node on boundaries of all. So
//!
//! ```text
//!    boundary i     center i     boundary i + 1
//!        |             o               |
//! derivative at boundary i: from the centers i − 1 and i       (order 2: radius 1)
//! derivative at center i:   from the boundaries i and i + 1
//! ```
//!
//! Every operator has order `2·R` from `2·R` points on each axis (Fornberg 1988, table 2; for order
//! 4 the weights 9/8 and −1/24). Differences along different axes commute, hence `div curl = 0` and
//! `curl grad = 0` up to rounding.
//!
//! ```
//! use parhelion_kernels::{Array, Layout, Pool, StarPoint, operators::staggered, sweep};
//!
//! // Pressure in cells; its gradient on the faces, each component over its own points.
//! let pool = Pool::new(1)?;
//! let layout = Layout::new([8, 8], [[1, 2]; 2], size_of::<f64>())?; // 9 faces, and one more in reach
//! let [mut p, mut gy, mut gx, mut laplacian] = std::array::from_fn(|_| Array::<f64, 2>::zeros(&pool, layout));
//! for [y, x] in layout.whole().indices() {
//!     p.view_mut().set([y, x], (x * x + 3 * y) as f64);
//! }
//! let cells = layout.interior();
//! let gradient = staggered::gradient_to_faces::<f64, 2, 1>([1.0, 1.0])?;
//! for (axis, component) in [&mut gy, &mut gx].into_iter().enumerate() {
//!     let faces = cells.with_axis(axis, 0, 9); // one more than cells
//!     let p = p.view().star_reach::<1>();
//!     sweep(&pool, faces, component.view_mut(), p, |p: StarPoint<'_, f64, 2, 1>| gradient(p)[axis])?;
//! }
//! let divergence = staggered::divergence_to_cells::<f64, 2, 1>([1.0, 1.0])?;
//! type Faces<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
//! let inputs = (gy.view().star_reach::<1>(), gx.view().star_reach::<1>());
//! sweep(&pool, cells, laplacian.view_mut(), inputs, |g: Faces<'_>| divergence(g.into()))?;
//! assert_eq!(laplacian.view().get([4, 4]), 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use num_traits::Float;

use super::collocated::others;
use super::{Radius, coefficients, inverse_powers, on_axis, scaled};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, StarPoint};

/// Weights of the pairs of points at a distance of `k + ½` on every axis; `UP` from a center, whose
/// pairs are boundaries k + 1 and −k, otherwise from a low boundary, whose pairs are centers k and
/// −k − 1.
#[derive(Clone, Copy)]
struct Pairs<T, const N: usize, const R: usize, const UP: bool>([[T; R]; N]);

/// From low boundaries to centers, and from centers to low boundaries: whether pairs are shifted
/// up.
const TO_CENTERS: bool = true;
const TO_BOUNDARIES: bool = false;

impl<T: Element + Float, const N: usize, const R: usize, const UP: bool> Pairs<T, N, R, UP> {
    fn first_derivatives(spacing: [f64; N]) -> Result<Self, KernelError> {
        let () = Radius::<R>::CHECK;
        let exact = coefficients::staggered::<R>(1);
        let mut weights = [[T::zero(); R]; N];
        for (weights, factor) in weights.iter_mut().zip(inverse_powers(spacing, 1)?) {
            *weights = scaled(exact, factor)?;
        }
        Ok(Self(weights))
    }

    #[inline(always)]
    fn derivative(&self, axis: usize, u: &StarPoint<'_, T, N, R>) -> T {
        let mut sum = T::zero();
        unrolled!(k in 0..R <= 8, {
            let (low, high) = Self::pair(k);
            sum += self.0[axis][k] * (on_axis(u, axis, high) - on_axis(u, axis, low));
        });
        sum
    }

    /// Offsets of the pair number `k`.
    #[inline(always)]
    fn pair(k: usize) -> (isize, isize) {
        let (distance, shift) = (k as isize, isize::from(UP));
        (shift - 1 - distance, shift + distance)
    }
}

impl<T: Element + Float, const R: usize, const UP: bool> Pairs<T, 3, R, UP> {
    #[inline(always)]
    fn curl(&self, a: usize, v: &[StarPoint<'_, T, 3, R>; 3]) -> T {
        let (b, c) = others(a);
        self.derivative(b, &v[c]) - self.derivative(c, &v[b])
    }
}

fn derivative<T: Element + Float, const N: usize, const R: usize, const AXIS: usize, const UP: bool>(
    spacing: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    const { assert!(AXIS < N, "there is no such axis: AXIS in the type of the operator is at most N - 1") };
    let pairs = Pairs::<T, N, R, UP>::first_derivatives([spacing; N])?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| pairs.derivative(AXIS, &u),
    )
}

fn interpolation<T: Element + Float, const N: usize, const R: usize, const AXIS: usize, const UP: bool>()
-> impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync {
    const { assert!(AXIS < N, "there is no such axis: AXIS in the type of the operator is at most N - 1") };
    let () = Radius::<R>::CHECK;
    let weights: [T; R] =
        coefficients::staggered::<R>(0).map(|w| T::from(w).expect("a float takes numbers between −1 and 1"));
    #[inline(always)]
    move |u: StarPoint<'_, T, N, R>| {
        let mut sum = T::zero();
        unrolled!(k in 0..R <= 8, {
            let (low, high) = Pairs::<T, N, R, UP>::pair(k);
            sum += weights[k] * (on_axis(&u, AXIS, low) + on_axis(&u, AXIS, high));
        });
        sum
    }
}

fn gradient<T: Element + Float, const N: usize, const R: usize, const UP: bool>(
    spacing: [f64; N],
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> [T; N] + Copy + Send + Sync, KernelError> {
    let pairs = Pairs::<T, N, R, UP>::first_derivatives(spacing)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| {
            let mut gradient = [T::zero(); N];
            unrolled!(a in 0..N <= 4, {
                gradient[a] = pairs.derivative(a, &u);
            });
            gradient
        },
    )
}

fn divergence<T: Element + Float, const N: usize, const R: usize, const UP: bool>(
    spacing: [f64; N],
) -> Result<impl Fn([StarPoint<'_, T, N, R>; N]) -> T + Copy + Send + Sync, KernelError> {
    let pairs = Pairs::<T, N, R, UP>::first_derivatives(spacing)?;
    Ok(
        #[inline(always)]
        move |v: [StarPoint<'_, T, N, R>; N]| {
            let mut sum = T::zero();
            unrolled!(a in 0..N <= 4, {
                sum += pairs.derivative(a, &v[a]);
            });
            sum
        },
    )
}

fn curl<T: Element + Float, const R: usize, const UP: bool>(
    spacing: [f64; 3],
) -> Result<impl Fn([StarPoint<'_, T, 3, R>; 3]) -> [T; 3] + Copy + Send + Sync, KernelError> {
    let pairs = Pairs::<T, 3, R, UP>::first_derivatives(spacing)?;
    Ok(
        #[inline(always)]
        move |v: [StarPoint<'_, T, 3, R>; 3]| [pairs.curl(0, &v), pairs.curl(1, &v), pairs.curl(2, &v)],
    )
}

/// The derivative along `AXIS` at the low boundaries of cells from values at their centers.
///
/// # Errors
/// When the spacing is not positive, or weights leave the range of `T`.
pub fn derivative_to_boundaries<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>(
    spacing: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    derivative::<T, N, R, AXIS, TO_BOUNDARIES>(spacing)
}

/// The derivative along `AXIS` at the centers of cells from values at their boundaries.
///
/// # Errors
/// When the spacing is not positive, or weights leave the range of `T`.
pub fn derivative_to_centers<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>(
    spacing: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    derivative::<T, N, R, AXIS, TO_CENTERS>(spacing)
}

/// The value along `AXIS` at the low boundaries of cells from values at their centers; the mean of
/// two cells for radius 1, exact for polynomials of degree `2·R − 1`.
pub fn interpolation_to_boundaries<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>()
-> impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync {
    interpolation::<T, N, R, AXIS, TO_BOUNDARIES>()
}

/// The value along `AXIS` at the centers of cells from values at their boundaries; as
/// [`interpolation_to_boundaries`].
pub fn interpolation_to_centers<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>()
-> impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync {
    interpolation::<T, N, R, AXIS, TO_CENTERS>()
}

/// The gradient of values in cells, component `a` on the faces along axis `a`.
///
/// Components have different points: sweep over each with `gradient(u)[axis]`; the compiler drops
/// the unused components.
///
/// # Errors
/// When a spacing is not positive, or weights leave the range of `T`.
pub fn gradient_to_faces<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> [T; N] + Copy + Send + Sync, KernelError> {
    gradient::<T, N, R, TO_BOUNDARIES>(spacing)
}

/// The gradient of values on nodes, component `a` on the edges along axis `a`.
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn gradient_to_edges<T: Element + Float, const R: usize>(
    spacing: [f64; 3],
) -> Result<impl Fn(StarPoint<'_, T, 3, R>) -> [T; 3] + Copy + Send + Sync, KernelError> {
    gradient::<T, 3, R, TO_CENTERS>(spacing)
}

/// The divergence, in cells, of a vector whose component `a` lives on the faces along axis `a`.
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn divergence_to_cells<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn([StarPoint<'_, T, N, R>; N]) -> T + Copy + Send + Sync, KernelError> {
    divergence::<T, N, R, TO_CENTERS>(spacing)
}

/// The divergence, on nodes, of a vector whose component `a` lives on the edges along axis `a`.
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn divergence_to_nodes<T: Element + Float, const R: usize>(
    spacing: [f64; 3],
) -> Result<impl Fn([StarPoint<'_, T, 3, R>; 3]) -> T + Copy + Send + Sync, KernelError> {
    divergence::<T, 3, R, TO_BOUNDARIES>(spacing)
}

/// The curl, on edges, of a vector on faces. Components and orientation as in
/// [`curl`](super::curl).
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn curl_to_edges<T: Element + Float, const R: usize>(
    spacing: [f64; 3],
) -> Result<impl Fn([StarPoint<'_, T, 3, R>; 3]) -> [T; 3] + Copy + Send + Sync, KernelError> {
    curl::<T, R, TO_BOUNDARIES>(spacing)
}

/// The curl, on faces, of a vector on edges. Components and orientation as in
/// [`curl`](super::curl).
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn curl_to_faces<T: Element + Float, const R: usize>(
    spacing: [f64; 3],
) -> Result<impl Fn([StarPoint<'_, T, 3, R>; 3]) -> [T; 3] + Copy + Send + Sync, KernelError> {
    curl::<T, R, TO_CENTERS>(spacing)
}

/// The curl `∂v_y/∂x − ∂v_x/∂y` in the plane, on nodes, of a vector on faces: the vorticity. Axes
/// are (y, x).
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn curl_to_nodes_2d<T: Element + Float, const R: usize>(
    spacing: [f64; 2],
) -> Result<impl Fn([StarPoint<'_, T, 2, R>; 2]) -> T + Copy + Send + Sync, KernelError> {
    let pairs = Pairs::<T, 2, R, TO_BOUNDARIES>::first_derivatives(spacing)?;
    Ok(
        #[inline(always)]
        move |[v, u]: [StarPoint<'_, T, 2, R>; 2]| pairs.derivative(1, &v) - pairs.derivative(0, &u),
    )
}

/// The curl of `ψ` times the unit vector out of the plane, on faces, of `ψ` on nodes: the velocity
/// `v_y = −∂ψ/∂x`, `v_x = ∂ψ/∂y` of a stream function, which is free of divergence. Axes and
/// components are (y, x).
///
/// # Errors
/// As for [`gradient_to_faces`].
pub fn curl_to_faces_2d<T: Element + Float, const R: usize>(
    spacing: [f64; 2],
) -> Result<impl Fn(StarPoint<'_, T, 2, R>) -> [T; 2] + Copy + Send + Sync, KernelError> {
    let pairs = Pairs::<T, 2, R, TO_CENTERS>::first_derivatives(spacing)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, 2, R>| [-pairs.derivative(1, &u), pairs.derivative(0, &u)],
    )
}
