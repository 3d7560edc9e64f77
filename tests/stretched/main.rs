//! Grids whose cells differ in width along some axes.

mod elliptic;
mod grids;
#[path = "../common/refused.rs"]
#[allow(dead_code, reason = "shared with tests that look at files")]
mod refused;

/// Between −½ and ½, without a pattern.
fn noise<const N: usize>(index: [usize; N]) -> f64 {
    let hash =
        index.iter().fold(17_u64, |h, &i| (h ^ i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
    hash as f64 / u64::MAX as f64 - 0.5
}

/// Thin cells at both ends of 0 to 1: widths differ by a factor of 7.
fn smooth(s: f64) -> f64 {
    s - 0.12 * (std::f64::consts::TAU * s).sin()
}
