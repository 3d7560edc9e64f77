//! Advection with the fifth-order weighted essentially non-oscillatory scheme.

use num_traits::Float;

use super::{inverse_powers, on_axis, weight};
use crate::unrolled::unrolled;
use crate::{Element, KernelError, StarPoint};

/// `div(v u)` in conservative form by the fifth-order WENO scheme of Jiang and Shu (*Efficient
/// implementation of weighted ENO schemes*, J. Comput. Phys. 126 (1996) 202–228), axis by axis.
///
/// The closure takes the point of `u` and for each axis the velocity through the cell's low and
/// high face. The flux through a face is the velocity there times the value reconstructed from
/// upwind, the same for both cells: whatever leaves one enters the other. The order is 5 for a
/// constant velocity or, in 1-D, for one that depends on the position (`u` holds averages over
/// cells). It is 2 in several dimensions where the velocity varies across a face.
///
/// `epsilon` keeps the smoothness weights finite: 1e-6 in the paper, for values of order one. It
/// scales with the square of `u`; squares of differences of `u` must stay in the range of `T`.
///
/// ```
/// use parhelion_kernels::{operators, star_stencil};
///
/// let flux_balance = operators::weno5::<f64, 2>([0.1, 0.1], 1e-6)?;
/// let wind = [[1.0, 1.0], [-0.5, -0.5]]; // low and high face, along axis 0 and 1
/// let euler = star_stencil::<f64, 2, 3>(|u| u.center() - 0.01 * flux_balance(u, wind));
/// # let _ = euler;
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// A velocity field on faces enters the rule as one more point for each axis, `v`, whose faces are
/// `[v.center(), v.along::<AXIS, 1>()]`.
///
/// # Errors
/// When a spacing or `epsilon` is not positive, or leaves the range of `T`.
#[allow(clippy::type_complexity, reason = "a closure whose type has no other name")]
pub fn weno5<T: Element + Float, const N: usize>(
    spacing: [f64; N],
    epsilon: f64,
) -> Result<impl Fn(StarPoint<'_, T, N, 3>, [[T; 2]; N]) -> T + Copy + Send + Sync, KernelError> {
    if !(epsilon.is_finite() && epsilon > 0.0) {
        return Err(KernelError::new(format!(
            "WENO weights need a positive epsilon, not {epsilon}; the usual one is 1e-6 times the square of the values"
        )));
    }
    let mut factors = [T::zero(); N];
    for (factor, exact) in factors.iter_mut().zip(inverse_powers(spacing, 1)?) {
        *factor = weight(exact)?;
    }
    let reconstruction = Reconstruction::new(epsilon)?;
    Ok(
        #[inline(always)]
        move |u: StarPoint<'_, T, N, 3>, velocity: [[T; 2]; N]| {
            let mut sum = T::zero();
            unrolled!(a in 0..N <= 4, {
                let [low, high] = velocity[a];
                let (center, u) = (u.center(), &u);
                let [below2, below1, below] = [on_axis(u, a, -3), on_axis(u, a, -2), on_axis(u, a, -1)];
                let [above, above1, above2] = [on_axis(u, a, 1), on_axis(u, a, 2), on_axis(u, a, 3)];
                let low = low * reconstruction.upwind(low, [below2, below1, below, center, above, above1]);
                let high = high * reconstruction.upwind(high, [below1, below, center, above, above1, above2]);
                sum += factors[a] * (high - low);
            });
            sum
        },
    )
}

/// The numbers of the reconstruction in the type of the cells.
#[derive(Clone, Copy)]
struct Reconstruction<T> {
    epsilon: T,
    thirteen_twelfths: T,
    quarter: T,
    /// 1/6, 2/6, 5/6, 7/6, 11/6
    sixths: [T; 5],
    /// Optimal weights of the three substencils.
    optimal: [T; 3],
}

impl<T: Element + Float> Reconstruction<T> {
    fn new(epsilon: f64) -> Result<Self, KernelError> {
        let mut sixths = [T::zero(); 5];
        for (sixth, n) in sixths.iter_mut().zip([1.0, 2.0, 5.0, 7.0, 11.0]) {
            *sixth = weight(n / 6.0)?;
        }
        Ok(Self {
            epsilon: weight(epsilon)?,
            thirteen_twelfths: weight(13.0 / 12.0)?,
            quarter: weight(0.25)?,
            sixths,
            optimal: [weight(0.1)?, weight(0.6)?, weight(0.3)?],
        })
    }

    /// The value at the face in the middle of six cells, from the upwind side.
    #[inline(always)]
    fn upwind(&self, velocity: T, cells: [T; 6]) -> T {
        let [a, b, c, d, e, f] = cells;
        let forward = velocity > T::zero();
        let pick = |low: T, high: T| if forward { low } else { high };
        self.face([pick(a, f), pick(b, e), pick(c, d), pick(d, c), pick(e, b)])
    }

    /// The value at the face between the cells 2 and 3 of five (Jiang and Shu, section 2.2 with r =
    /// 3).
    #[inline(always)]
    fn face(&self, [a, b, c, d, e]: [T; 5]) -> T {
        let two = T::one() + T::one();
        let (three, four) = (two + T::one(), two + two);
        let [s1, s2, s5, s7, s11] = self.sixths;
        let candidates = [s2 * a - s7 * b + s11 * c, s5 * c - s1 * b + s2 * d, s2 * c + s5 * d - s1 * e];
        let curvature = [a - two * b + c, b - two * c + d, c - two * d + e];
        let slope = [a - four * b + three * c, b - d, three * c - four * d + e];
        let mut bounded = [T::zero(); 3];
        for s in 0..3 {
            let roughness =
                self.thirteen_twelfths * curvature[s] * curvature[s] + self.quarter * slope[s] * slope[s];
            bounded[s] = self.epsilon + roughness;
        }
        let [b0, b1, b2] = bounded;
        let less = |a, b| if b < a { b } else { a };
        let least = less(less(b0, b1), b2);
        let mut weights = [T::zero(); 3];
        for s in 0..3 {
            // In the paper 1 / bounded²; the common factor least² drops out below, and keeps all
            // within 0 … 1.
            let ratio = least / bounded[s];
            weights[s] = self.optimal[s] * (ratio * ratio);
        }
        let [w0, w1, w2] = weights;
        (w0 * candidates[0] + w1 * candidates[1] + w2 * candidates[2]) / (w0 + w1 + w2)
    }
}
