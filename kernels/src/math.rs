//! Elementary functions that vectorize inside a rule.

/// The exponential function in single precision, without branches, so sweeps that call it stay
/// vectorized.
///
/// The result is at most 1 ulp from the exact value (a test compares with double precision). It is
/// 0 below −86.64 (results below 2.3e−38), ∞ above 88.72, and NaN for NaN. There are no fused
/// multiply-adds, so the bits do not depend on the processor. Range reduction and polynomial follow
/// Cody and Waite, *Software Manual for the Elementary Functions* (1980), with the coefficients of
/// Moshier's Cephes library (`expf`).
///
/// ```
/// assert_eq!(parhelion_kernels::exp_f32(0.0), 1.0);
/// assert!((parhelion_kernels::exp_f32(1.0) - std::f32::consts::E).abs() < 3e-7);
/// ```
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    /// The largest x with a finite result, and the smallest x for which half the result is normal.
    const LARGEST: f32 = 88.722_83;
    const SMALLEST: f32 = -86.643;
    /// Adding this rounds to an integer, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0; // 1.5·2^23
    const LN2_HIGH: f32 = 0.693_359_4; // few bits: its products with integers are exact
    const LN2_LOW: f32 = -2.121_944_4e-4;

    let clamped = x.clamp(SMALLEST, LARGEST);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_1e-4_f32;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_58e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + coefficient;
    }
    let mantissa = p * (r * r) + r + 1.0;
    // 2^n as 2 · 2^(n − 1), because 2^128 overflows but the product may not. ROUND's low bits are
    // zero.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(126 << 23));
    let result = 2.0 * (mantissa * power);
    let result = if x < SMALLEST { 0.0 } else { result };
    if x > LARGEST { f32::INFINITY } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units of the last place of the correctly rounded value.
    fn ulps(x: f32) -> f64 {
        let exact = f64::from(x).exp();
        let rounded = exact as f32;
        let ulp = f64::from(f32::from_bits(rounded.to_bits() + 1)) - f64::from(rounded);
        (f64::from(exp_f32(x)) - exact).abs() / ulp
    }

    #[test]
    fn is_within_one_ulp_of_double_precision() {
        let mut worst = (0.0, 0.0_f32);
        // every 61st of all numbers between the limits, of both signs
        for limit in [88.722_f32, -86.643] {
            for bits in (0..=limit.abs().to_bits()).step_by(61) {
                let x = f32::from_bits(bits).copysign(limit);
                let error = ulps(x);
                if error > worst.0 {
                    worst = (error, x);
                }
            }
        }
        assert!(worst.0 <= 1.0, "{} ulp at {}", worst.0, worst.1);
    }

    #[test]
    fn the_ends_are_zero_infinity_and_nan() {
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp_f32(-88.0), 0.0);
        assert_eq!(exp_f32(89.0), f32::INFINITY);
        assert_eq!(exp_f32(f32::INFINITY), f32::INFINITY);
        assert!(exp_f32(f32::NAN).is_nan());
        assert_eq!((exp_f32(0.0), exp_f32(-0.0)), (1.0, 1.0));
    }
}
