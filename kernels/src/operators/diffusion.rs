//! Diffusion with a coefficient that varies in space.

use num_traits::Float;

use super::{inverse_powers, on_axis, weight};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, StarPoint};

/// `div(c grad u)` in conservative form, of order 2, from values of `c` and `u` at the centers of
/// cells: the flux through a face is `mean(c below, c above)·(u above − u below) / spacing`, the
/// same for both cells.
///
/// `mean` is [`arithmetic_mean`] for smooth coefficients, [`harmonic_mean`] for layers of different
/// materials, or a custom function.
///
/// ```
/// use parhelion_kernels::{Array, Layout, Pool, StarPoint, operators, sweep};
///
/// let pool = Pool::new(1)?;
/// let layout = Layout::new([4, 4], [[1, 1]; 2], size_of::<f64>())?;
/// let [c, u, mut change] = std::array::from_fn(|_| Array::<f64, 2>::zeros(&pool, layout));
/// let diffusion = operators::diffusion::<f64, 2>([0.5, 0.5], operators::harmonic_mean)?;
/// let inputs = (c.view().star_reach::<1>(), u.view().star_reach::<1>());
/// type In<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
/// sweep(&pool, layout.interior(), change.view_mut(), inputs, |(c, u): In<'_>| diffusion(c, u))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When a spacing is not positive, or weights leave the range of `T`.
pub fn diffusion<T: Element + Float, const N: usize>(
    spacing: [f64; N],
    mean: impl Fn(T, T) -> T + Copy + Send + Sync,
) -> Result<impl Fn(StarPoint<'_, T, N, 1>, StarPoint<'_, T, N, 1>) -> T + Copy + Send + Sync, KernelError> {
    let mut factors = [T::zero(); N];
    for (factor, exact) in factors.iter_mut().zip(inverse_powers(spacing, 2)?) {
        *factor = weight(exact)?;
    }
    Ok(
        #[inline(always)]
        move |c: StarPoint<'_, T, N, 1>, u: StarPoint<'_, T, N, 1>| {
            let mut sum = T::zero();
            unrolled!(a in 0..N <= 4, {
                let low = mean(on_axis(&c, a, -1), c.center()) * (u.center() - on_axis(&u, a, -1));
                let high = mean(c.center(), on_axis(&c, a, 1)) * (on_axis(&u, a, 1) - u.center());
                sum += factors[a] * (high - low);
            });
            sum
        },
    )
}

/// `(a + b) / 2`.
#[inline(always)]
pub fn arithmetic_mean<T: Float>(a: T, b: T) -> T {
    (a + b) / (T::one() + T::one())
}

/// `2·a·b / (a + b)` for non-negative numbers, 0 if one of them is 0: the coefficient of two layers
/// in a row, with which the flux through the face between them is exact. It is symmetric in `a` and
/// `b`, and does not form `a·b`, so only `a + b` must stay in the range of `T`.
#[inline(always)]
pub fn harmonic_mean<T: Float>(a: T, b: T) -> T {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    let mean = (T::one() + T::one()) * less * (more / (less + more));
    if less == T::zero() { T::zero() } else { mean }
}
