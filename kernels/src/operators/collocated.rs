//! Central differences for fields on the same points.

use num_traits::Float;

use super::coefficients::central;
use super::{Radius, inverse_powers, on_axis, scaled, weight};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, StarPoint};

/// The Laplacian `Σ ∂²u/∂x_a²` by central differences of order `2·R`: `2·N·R + 1` points.
///
/// Weights after Fornberg (see [`coefficients`](super::coefficients)); a constant field gives 0 up
/// to rounding.
///
/// ```
/// use parhelion_kernels::{operators, star_stencil};
///
/// let laplacian = operators::laplacian::<f32, 2, 2>([0.5, 0.5])?; // 9 points, order 4
/// let smooth = star_stencil::<f32, 2, 2>(|u| u.center() + 0.01 * laplacian(u));
/// # let _ = smooth;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When a spacing is not positive, or so small or large that weights leave the range of `T`.
pub fn laplacian<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    let () = Radius::<R>::CHECK;
    let (_, _, second) = central::<R>(2);
    let mut weights = [[T::zero(); R]; N];
    let mut center = 0.0;
    for (weights, factor) in weights.iter_mut().zip(inverse_powers(spacing, 2)?) {
        *weights = scaled(second, factor)?;
        // From the rounded weights, so all add up to 0 up to rounding.
        center -= 2.0 * weights.iter().map(|w| w.to_f64().unwrap_or(f64::NAN)).sum::<f64>();
    }
    let center: T = weight(center)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| {
            let mut sum = center * u.center();
            unrolled!(a in 0..N <= 4, {
                unrolled!(k in 0..R <= 8, {
                    let distance = 1 + k as isize;
                    sum += weights[a][k] * (on_axis(&u, a, -distance) + on_axis(&u, a, distance));
                });
            });
            sum
        },
    )
}

/// The derivative of order `derivative` along axis `AXIS` by central differences on `2·R + 1`
/// points, exact for polynomials of degree `2·R`: of order `2·R` for the first two derivatives and
/// two orders less for each further two.
///
/// ```
/// use parhelion_kernels::{operators, star_stencil};
///
/// // u_t + u_xxx = 0
/// let third = operators::derivative::<f64, 1, 2, 0>(3, 0.1)?;
/// let airy = star_stencil::<f64, 1, 2>(|u| u.center() - 1e-5 * third(u));
/// # let _ = airy;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When `derivative` is more than `2·R`, the spacing is not positive, or weights leave the range of
/// `T`.
pub fn derivative<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>(
    derivative: usize,
    spacing: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    let () = Radius::<R>::CHECK;
    const { assert!(AXIS < N, "there is no such axis") };
    if derivative > 2 * R {
        return Err(KernelError::new(format!(
            "derivative {derivative} needs a radius of at least {}, not {R}",
            derivative.div_ceil(2)
        )));
    }
    let [factor] = inverse_powers([spacing], derivative as i32)?;
    let (center, low, high) = central::<R>(derivative);
    let (center, low, high): (T, [T; R], [T; R]) =
        (weight(center * factor)?, scaled(low, factor)?, scaled(high, factor)?);
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| {
            let mut sum = center * u.center();
            unrolled!(k in 0..R <= 8, {
                let distance = 1 + k as isize;
                sum += low[k] * on_axis(&u, AXIS, -distance) + high[k] * on_axis(&u, AXIS, distance);
            });
            sum
        },
    )
}

/// First derivatives by central differences: weights of `u(k + 1) − u(−k − 1)` on every axis.
#[derive(Clone, Copy)]
struct First<T, const N: usize, const R: usize>([[T; R]; N]);

impl<T: Element + Float, const N: usize, const R: usize> First<T, N, R> {
    fn new(spacing: [f64; N]) -> Result<Self, KernelError> {
        let () = Radius::<R>::CHECK;
        let (_, _, first) = central::<R>(1);
        let mut weights = [[T::zero(); R]; N];
        for (weights, factor) in weights.iter_mut().zip(inverse_powers(spacing, 1)?) {
            *weights = scaled(first, factor)?;
        }
        Ok(Self(weights))
    }

    #[inline(always)]
    fn along(&self, axis: usize, u: &StarPoint<'_, T, N, R>) -> T {
        let mut sum = T::zero();
        unrolled!(k in 0..R <= 8, {
            let distance = 1 + k as isize;
            sum += self.0[axis][k] * (on_axis(u, axis, distance) - on_axis(u, axis, -distance));
        });
        sum
    }
}

impl<T: Element + Float, const R: usize> First<T, 3, R> {
    #[inline(always)]
    fn curl(&self, a: usize, v: &[StarPoint<'_, T, 3, R>; 3]) -> T {
        let (b, c) = others(a);
        self.along(b, &v[c]) - self.along(c, &v[b])
    }
}

/// The gradient by central differences of order `2·R`: one derivative for each axis, slowest first.
///
/// Example: see [the module](super).
///
/// # Errors
/// When a spacing is not positive, or weights leave the range of `T`.
pub fn gradient<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> [T; N] + Copy + Send + Sync, KernelError> {
    let first = First::<T, N, R>::new(spacing)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| {
            let mut gradient = [T::zero(); N];
            unrolled!(a in 0..N <= 4, {
                gradient[a] = first.along(a, &u);
            });
            gradient
        },
    )
}

/// The divergence `Σ ∂v_a/∂x_a` by central differences of order `2·R`; component `a` of the vector
/// points along axis `a`.
///
/// ```
/// use parhelion_kernels::{Pool, Region, StarPoint, View, ViewMut, operators, sweep};
///
/// let divergence = operators::divergence::<f64, 2, 1>([1.0, 1.0])?;
/// let seen = Region::new([-1, -1], [2, 2]);
/// let vy = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0];
/// let vx = [0.0, 5.0, 10.0, 0.0, 5.0, 10.0, 0.0, 5.0, 10.0];
/// let v = (View::from_slice(&vy, seen).star_reach::<1>(), View::from_slice(&vx, seen).star_reach::<1>());
/// let mut result = [0.0];
/// let cell = Region::from_shape([1, 1]);
/// type Velocity<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
/// let output = ViewMut::from_slice(&mut result, cell);
/// sweep(&Pool::new(1)?, cell, output, v, |v: Velocity<'_>| divergence(v.into()))?;
/// assert_eq!(result, [6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`gradient`].
pub fn divergence<T: Element + Float, const N: usize, const R: usize>(
    spacing: [f64; N],
) -> Result<impl Fn([StarPoint<'_, T, N, R>; N]) -> T + Copy + Send + Sync, KernelError> {
    let first = First::<T, N, R>::new(spacing)?;
    Ok(
        #[inline(always)]
        move |v: [StarPoint<'_, T, N, R>; N]| {
            let mut sum = T::zero();
            unrolled!(a in 0..N <= 4, {
                sum += first.along(a, &v[a]);
            });
            sum
        },
    )
}

/// The axes `(b, c)` of `(curl v)_a = ∂v_c/∂x_b − ∂v_b/∂x_c`: axes 0, 1, 2 are z, y, x, and (x, y,
/// z) is right-handed.
#[inline(always)]
pub(super) const fn others(a: usize) -> (usize, usize) {
    ((a + 2) % 3, (a + 1) % 3)
}

/// The curl by central differences of order `2·R`. Components are ordered like the axes, (z, y, x),
/// and (x, y, z) is right-handed: `(curl v)_x = ∂v_z/∂y − ∂v_y/∂z` and so on.
///
/// # Errors
/// As for [`gradient`].
pub fn curl<T: Element + Float, const R: usize>(
    spacing: [f64; 3],
) -> Result<impl Fn([StarPoint<'_, T, 3, R>; 3]) -> [T; 3] + Copy + Send + Sync, KernelError> {
    let first = First::<T, 3, R>::new(spacing)?;
    Ok(
        #[inline(always)]
        move |v: [StarPoint<'_, T, 3, R>; 3]| [first.curl(0, &v), first.curl(1, &v), first.curl(2, &v)],
    )
}

/// The curl in the plane, `∂v_y/∂x − ∂v_x/∂y` with axes (y, x), by central differences of order
/// `2·R`.
///
/// # Errors
/// As for [`gradient`].
pub fn curl_2d<T: Element + Float, const R: usize>(
    spacing: [f64; 2],
) -> Result<impl Fn([StarPoint<'_, T, 2, R>; 2]) -> T + Copy + Send + Sync, KernelError> {
    let first = First::<T, 2, R>::new(spacing)?;
    Ok(
        #[inline(always)]
        move |[v, u]: [StarPoint<'_, T, 2, R>; 2]| first.along(1, &v) - first.along(0, &u),
    )
}
