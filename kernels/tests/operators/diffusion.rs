//! Diffusion with variable coefficients.

use parhelion_kernels::{Region, StarPoint, operators};

use crate::common::{
    applied, assert_order, cells, exponential, filled, growth, noise, relative_error, spacing,
};

type Pair<'a, const N: usize> = (StarPoint<'a, f64, N, 1>, StarPoint<'a, f64, N, 1>);

fn order<const N: usize>(name: &str, mean: impl Fn(f64, f64) -> f64 + Copy + Send + Sync) {
    let coefficient = [0.5; N]; // growth of c = exp(k·x) along the axes
    assert_order(&format!("diffusion with the {name} mean, {N} axes"), 2, 0.1, |h| {
        let h = spacing(h);
        let c = filled([3; N], 1, exponential(h, [0.0; N], coefficient));
        let u = filled([3; N], 1, exponential(h, [0.0; N], growth()));
        let diffusion = operators::diffusion::<f64, N>(h, mean).unwrap();
        let inputs = (c.view().star_reach::<1>(), u.view().star_reach::<1>());
        let found = applied(cells(), inputs, |(c, u): Pair<'_, N>| diffusion(c, u));
        let factor: f64 = growth::<N>().iter().map(|k| k * (k + 0.5)).sum();
        relative_error(&found, |i| factor * c.view().get(i) * u.view().get(i))
    });
}

#[test]
fn diffusion_has_order_2_with_any_mean() {
    order::<1>("arithmetic", operators::arithmetic_mean);
    order::<3>("arithmetic", operators::arithmetic_mean);
    order::<3>("harmonic", operators::harmonic_mean);
    order::<2>("geometric", |a, b| (a * b).sqrt());
}

#[test]
fn nothing_is_lost_between_cells() {
    // Nothing flows where c is 0: outside a block of 4 × 4 × 4 cells.
    let block = Region::from_shape([4; 3]);
    let c = filled([4; 3], 1, |i| if block.contains(i) { 1.5 + noise(1, i) } else { 0.0 });
    let u = filled([4; 3], 1, |i| noise(2, i));
    let diffusion = operators::diffusion::<f64, 3>([0.5, 1.0, 2.0], operators::harmonic_mean).unwrap();
    let inputs = (c.view().star_reach::<1>(), u.view().star_reach::<1>());
    let change = applied(block, inputs, |(c, u): Pair<'_, 3>| diffusion(c, u));
    let (sum, sizes) = change.iter().fold((0.0, 0.0), |(s, t), &v: &f64| (s + v, t + v.abs()));
    // 64 cells, a dozen roundings in each
    assert!(sum.abs() < 64.0 * 12.0 * f64::EPSILON * sizes && sizes > 10.0, "{sum} of {sizes}");
}

#[test]
fn the_harmonic_mean_carries_a_flux_through_layers_exactly() {
    // Layers of coefficients 1 and 10 meet at the face between the cells 1 and 2; a flux of 5 needs
    // slopes 5 and 0.5.
    let c = filled([4], 1, |[i]| if i < 2 { 1.0 } else { 10.0 });
    let u = filled([4], 1, |[i]| {
        let x = i as f64 + 0.5 - 2.0;
        if x < 0.0 { 5.0 * x } else { 0.5 * x }
    });
    let change = |mean: fn(f64, f64) -> f64| {
        let diffusion = operators::diffusion::<f64, 1>([1.0], mean).unwrap();
        let inputs = (c.view().star_reach::<1>(), u.view().star_reach::<1>());
        applied(Region::from_shape([4]), inputs, |(c, u): Pair<'_, 1>| diffusion(c, u))
    };
    for value in change(operators::harmonic_mean) {
        assert!(value.abs() < 1e-14, "{value}"); // fluxes of 5, rounded a few times
    }
    assert!(change(operators::arithmetic_mean)[1].abs() > 1.0);
}

#[test]
fn means_are_symmetric_and_neither_overflow_nor_divide_by_zero() {
    let harmonic = operators::harmonic_mean::<f32>;
    assert_eq!(harmonic(1.0, 3.0), 1.5);
    assert_eq!(harmonic(3.0, 1.0), 1.5);
    assert_eq!((harmonic(0.0, 0.0), harmonic(0.0, 4.0), harmonic(4.0, 0.0)), (0.0, 0.0, 0.0));
    assert_eq!(harmonic(1e30, 1e30), 1e30);
    assert_eq!(harmonic(1e-30, 1e-30), 1e-30);
    assert!(harmonic(f32::NAN, 1.0).is_nan() && harmonic(1.0, f32::NAN).is_nan());
    assert_eq!(operators::arithmetic_mean(1.0, 4.0), 2.5);
}
