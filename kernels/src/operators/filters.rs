//! Linear filters for images and volumes.

use num_traits::Float;

use super::weight;
use crate::unrolled::unrolled;
use crate::{Element, KernelError, Point, StarPoint};

/// Filters of more points stay loops, for the sake of the time it takes to compile them.
const LARGEST_UNROLLED: usize = 343;

/// A kernel along one axis: its weights from the center outwards.
#[derive(Clone, Copy)]
struct Kernel<T, const R: usize> {
    center: T,
    sides: [T; R],
}

/// No axis: all kernels of a product are even.
const NONE: usize = usize::MAX;

impl<T: Element + Float, const R: usize> Kernel<T, R> {
    /// `Σ weight(k)·value(k)` for k = −R … R, with opposite signs on both sides if `ODD`. (Whether a
    /// kernel is odd is part of the type: a branch on a value would keep the loop over cells scalar.)
    #[inline(always)]
    fn apply<const N: usize, const ODD: bool>(&self, value: impl Fn(isize) -> T) -> T {
        let mut sum = if ODD { T::zero() } else { self.center * value(0) };
        if const { R <= 8 && (2 * R + 1).pow(N as u32) <= LARGEST_UNROLLED } {
            unrolled!(k in 0..R <= 8, {
                sum += self.pair::<ODD>(k, value(-1 - k as isize), value(1 + k as isize));
            });
        } else {
            for k in 0..R {
                sum += self.pair::<ODD>(k, value(-1 - k as isize), value(1 + k as isize));
            }
        }
        sum
    }

    #[inline(always)]
    fn pair<const ODD: bool>(&self, k: usize, low: T, high: T) -> T {
        self.sides[k] * if ODD { high - low } else { low + high }
    }

    /// [`apply`](Self::apply) along an existing axis; the value itself along any other.
    #[inline(always)]
    fn along<const N: usize, const AXIS: usize, const ODD_AXIS: usize>(
        kernels: &[Self; N],
        value: impl Fn(isize) -> T,
    ) -> T {
        if AXIS >= N {
            value(0)
        } else if AXIS == ODD_AXIS {
            kernels[AXIS].apply::<N, true>(value)
        } else {
            kernels[AXIS].apply::<N, false>(value)
        }
    }

    /// The product of one kernel for each axis, that of `ODD_AXIS` odd: four nested sums, the last
    /// axis innermost.
    #[inline(always)]
    fn product<const N: usize, const ODD_AXIS: usize>(kernels: &[Self; N], u: &Point<'_, T, N, R>) -> T {
        const { assert!(N <= 4, "grids have at most four axes") };
        Self::along::<N, 0, ODD_AXIS>(
            kernels,
            #[inline(always)]
            |a| {
                Self::along::<N, 1, ODD_AXIS>(
                    kernels,
                    #[inline(always)]
                    |b| {
                        Self::along::<N, 2, ODD_AXIS>(
                            kernels,
                            #[inline(always)]
                            |c| {
                                Self::along::<N, 3, ODD_AXIS>(
                                    kernels,
                                    #[inline(always)]
                                    |d| neighbor(u, [a, b, c, d]),
                                )
                            },
                        )
                    },
                )
            },
        )
    }
}

/// The value at these offsets along the axes that there are.
#[inline(always)]
fn neighbor<T: Element, const N: usize, const R: usize>(u: &Point<'_, T, N, R>, offsets: [isize; 4]) -> T {
    let mut offset = [0; N];
    offset.copy_from_slice(&offsets[..N]);
    u.at_offset(offset)
}

/// The weights `exp(−k²/2σ²)`, normalized so that all `2·R + 1` add up to 1.
fn gaussian_kernel<T: Element + Float, const R: usize>(sigma: f64) -> Result<Kernel<T, R>, KernelError> {
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(KernelError::new(format!("a Gaussian needs a positive width, not {sigma} cells")));
    }
    let exact: [f64; R] = std::array::from_fn(|k| (-0.5 * ((1 + k) as f64 / sigma).powi(2)).exp());
    let total = 1.0 + 2.0 * exact.iter().rev().sum::<f64>();
    let mut sides = [T::zero(); R];
    for (side, exact) in sides.iter_mut().zip(exact) {
        // The tail of a narrow Gaussian may vanish in T.
        *side = T::from(exact / total).unwrap_or(T::zero());
    }
    Ok(Kernel { center: weight(1.0 / total)?, sides })
}

/// The Gaussian filter on the box of radius `R`, `sigma` cells wide along each axis, in one pass of
/// `(2·R + 1)^N` points.
///
/// The weights `exp(−k²/2σ²)` are cut off at `R` and normalized; `R ≥ 3·σ` keeps 99.7 % of the
/// curve. Beyond a radius of 1 or 2 a pass of [`gaussian_along`] for each axis takes less work.
///
/// ```
/// use parhelion_kernels::{operators, stencil};
///
/// let blur = stencil::<f32, 3, 1>(operators::gaussian::<f32, 3, 1>([0.5; 3])?);
/// # let _ = blur;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When a width is not positive.
pub fn gaussian<T: Element + Float, const N: usize, const R: usize>(
    sigma: [f64; N],
) -> Result<impl Fn(Point<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    let mut kernels = [Kernel { center: T::one(), sides: [T::zero(); R] }; N];
    for (kernel, sigma) in kernels.iter_mut().zip(sigma) {
        *kernel = gaussian_kernel(sigma)?;
    }
    Ok(
        #[inline(always)]
        move |u: Point<'_, T, N, R>| Kernel::product::<N, NONE>(&kernels, &u),
    )
}

/// The Gaussian filter along axis `AXIS` only, `sigma` cells wide and cut off at `R`. Passes along
/// all axes, one after the other, are [`gaussian`] up to rounding.
///
/// ```
/// use parhelion_kernels::{operators, star_stencil};
///
/// let along_rows = star_stencil::<f32, 2, 6>(operators::gaussian_along::<f32, 2, 6, 1>(2.0)?);
/// # let _ = along_rows;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// # Errors
/// When the width is not positive.
pub fn gaussian_along<T: Element + Float, const N: usize, const R: usize, const AXIS: usize>(
    sigma: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, R>) -> T + Copy + Send + Sync, KernelError> {
    const { assert!(AXIS < N, "there is no such axis: AXIS in the type of the operator is at most N - 1") };
    let kernel = gaussian_kernel::<T, R>(sigma)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, R>| {
            kernel.apply::<1, false>(
                #[inline(always)]
                |k| super::on_axis(&u, AXIS, k),
            )
        },
    )
}

/// The Sobel filter: for each axis the difference `u(1) − u(−1)` along it, smoothed with weights 1,
/// 2, 1 along all others (Sobel and Feldman, 1968). Not normalized: `2·4^(N − 1)` times the slope
/// per cell.
///
/// ```
/// use parhelion_kernels::{Point, Pool, Region, View, ViewMut, operators, sweep};
///
/// let sobel = operators::sobel::<f32, 2>();
/// let image = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0];
/// let image = View::from_slice(&image, Region::new([-1, -1], [2, 2]));
/// let (mut dy, mut dx) = ([0.0], [0.0]);
/// let pixel = Region::from_shape([1, 1]);
/// let outputs = (ViewMut::from_slice(&mut dy, pixel), ViewMut::from_slice(&mut dx, pixel));
/// sweep(&Pool::new(1)?, pixel, outputs, image.reach::<1>(), |u: Point<'_, f32, 2, 1>| sobel(u).into())?;
/// assert_eq!((dy, dx), ([0.0], [8.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sobel<T: Element + Float, const N: usize>()
-> impl Fn(Point<'_, T, N, 1>) -> [T; N] + Copy + Send + Sync {
    let smooth = Kernel { center: T::one() + T::one(), sides: [T::one()] };
    let difference = Kernel { center: T::zero(), sides: [T::one()] };
    #[inline(always)]
    move |u: Point<'_, T, N, 1>| {
        let mut components = [T::zero(); N];
        unrolled!(a in 0..N <= 4, {
            let mut kernels = [smooth; N];
            kernels[a] = difference;
            components[a] = match a {
                0 => Kernel::product::<N, 0>(&kernels, &u),
                1 => Kernel::product::<N, 1>(&kernels, &u),
                2 => Kernel::product::<N, 2>(&kernels, &u),
                _ => Kernel::product::<N, 3>(&kernels, &u),
            };
        });
        components
    }
}

/// The length of the [`sobel`] vector: the strength of an edge.
pub fn sobel_magnitude<T: Element + Float, const N: usize>()
-> impl Fn(Point<'_, T, N, 1>) -> T + Copy + Send + Sync {
    let sobel = sobel::<T, N>();
    #[inline(always)]
    move |u: Point<'_, T, N, 1>| {
        let mut sum = T::zero();
        for component in sobel(u) {
            sum += component * component;
        }
        sum.sqrt()
    }
}
