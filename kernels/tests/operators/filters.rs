//! Sobel, Gaussian and median filters.

use num_traits::Float;
use parhelion_kernels::{Element, Point, Region, View, operators};

use crate::common::{applied, cells, filled, noise};

/// All offsets of a box.
fn offsets<const N: usize>(radius: usize) -> Vec<[isize; N]> {
    Region::from_shape([1; N]).grown([[radius, radius]; N]).indices().collect()
}

fn plus<const N: usize>(a: [isize; N], b: [isize; N]) -> [isize; N] {
    std::array::from_fn(|axis| a[axis] + b[axis])
}

fn check_sobel<T: Element + Float, const N: usize>() {
    // Small integers: every sum is exact, in any order.
    let image = filled([3; N], 1, |i| T::from((noise(5, i) * 100.0).round()).unwrap());
    let sobel = operators::sobel::<T, N>();
    let components: Vec<Vec<T>> = (0..N)
        .map(|a| applied(cells(), image.view().reach::<1>(), |u: Point<'_, T, N, 1>| sobel(u)[a]))
        .collect();
    let strength = applied(cells(), image.view().reach::<1>(), operators::sobel_magnitude::<T, N>());
    for (n, cell) in cells::<N>().indices().enumerate() {
        let mut squares = T::zero();
        for a in 0..N {
            let mut sum = T::zero();
            for offset in offsets::<N>(1) {
                let smooth = (0..N).filter(|&b| b != a && offset[b] == 0).count() as i32;
                let weight = offset[a] as f64 * 2.0_f64.powi(smooth);
                sum += T::from(weight).unwrap() * image.view().get(plus(cell, offset));
            }
            assert_eq!(components[a][n], sum, "axis {a} of cell {cell:?}");
            squares += sum * sum;
        }
        assert_eq!(strength[n], squares.sqrt());
    }
}

#[test]
fn sobel_is_the_product_of_a_difference_and_smoothings() {
    check_sobel::<f32, 1>();
    check_sobel::<f32, 2>();
    check_sobel::<f64, 3>();
    check_sobel::<f64, 4>();
}

fn check_gaussian<const N: usize, const R: usize>() {
    let sigma: [f64; N] = std::array::from_fn(|a| 0.6 + 0.3 * a as f64);
    let image = filled([3; N], R, |i| noise(6, i));
    let found = applied(cells(), image.view().reach::<R>(), operators::gaussian::<f64, N, R>(sigma).unwrap());
    let bell = |offset: [isize; N]| {
        (0..N).map(|a| (-0.5 * (offset[a] as f64 / sigma[a]).powi(2)).exp()).product::<f64>()
    };
    let total: f64 = offsets(R).into_iter().map(bell).sum();
    for (found, cell) in found.iter().zip(cells::<N>().indices()) {
        let sum: f64 = offsets(R).into_iter().map(|o| bell(o) * image.view().get(plus(cell, o))).sum();
        // weights below 1 that add up to 1: rounding of a few hundred terms in another order
        assert!((found - sum / total).abs() < 1e-14, "{found} instead of {}", sum / total);
    }
}

#[test]
fn gaussians_are_the_normalised_bell() {
    check_gaussian::<1, 4>();
    check_gaussian::<2, 1>();
    check_gaussian::<2, 3>();
    check_gaussian::<3, 1>();
    check_gaussian::<3, 2>();
    check_gaussian::<4, 1>();
}

#[test]
fn passes_along_the_axes_are_the_gaussian_of_the_box() {
    let sigma = [0.8, 1.1];
    let image = filled([3; 2], 4, |i| noise(7, i));
    let at_once =
        applied(cells(), image.view().reach::<2>(), operators::gaussian::<f64, 2, 2>(sigma).unwrap());
    let along = operators::gaussian_along::<f64, 2, 2, 1>(sigma[1]).unwrap();
    let rows = cells().grown([[2, 2]; 2]);
    let pass = applied(rows, image.view().star_reach::<2>(), along);
    let along = operators::gaussian_along::<f64, 2, 2, 0>(sigma[0]).unwrap();
    let found = applied(cells(), View::from_slice(&pass, rows).star_reach::<2>(), along);
    for (found, expected) in found.iter().zip(at_once) {
        assert!((found - expected).abs() < 1e-15, "{found} instead of {expected}"); // sums of numbers below 1
    }
}

#[test]
fn gaussians_keep_constants_and_narrow_ones_everything() {
    let image = filled([3; 3], 2, |_| 7.0_f32);
    let blur = operators::gaussian::<f32, 3, 2>([1.5; 3]).unwrap();
    for value in applied(cells(), image.view().reach::<2>(), blur) {
        assert!((value - 7.0).abs() < 7.0 * 15.0 * f32::EPSILON, "{value}"); // 5 weights on 3 axes, each rounded
    }
    let image = filled([3; 2], 1, |i| noise(8, i) as f32);
    let nothing = operators::gaussian::<f32, 2, 1>([0.05; 2]).unwrap(); // exp(−200) is 0 in f32
    let found = applied(cells(), image.view().reach::<1>(), nothing);
    assert_eq!(found, crate::common::values(image.view(), cells()));
    assert!(
        operators::gaussian::<f64, 2, 1>([1.0, 0.0])
            .err()
            .unwrap()
            .to_string()
            .contains("positive width, not 0")
    );
}

fn check_median<T: Element + PartialOrd, const N: usize>(value: impl Fn(f64) -> T) {
    let image = filled([5; N], 1, |i| value(noise(9, i)));
    let region = image.layout().interior();
    let found = applied(region, image.view().reach::<1>(), operators::median::<T, N>());
    for (found, cell) in found.iter().zip(region.indices()) {
        let mut all: Vec<T> =
            offsets(1).into_iter().map(|offset| image.view().get(plus(cell, offset))).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
        assert_eq!(*found, all[all.len() / 2], "cell {cell:?}");
    }
}

#[test]
fn medians_are_those_of_a_sort() {
    check_median::<f64, 1>(|x| x);
    check_median::<f64, 2>(|x| x);
    check_median::<f64, 3>(|x| x);
    check_median::<f32, 3>(|x| (x * 4.0).round() as f32); // many equal values
    check_median::<u8, 2>(|x| (x * 100.0 + 100.0) as u8);
    check_median::<i16, 3>(|x| (x * 30_000.0) as i16);
    check_median::<u64, 3>(|x| (x.abs() * 1e19) as u64);
}

#[test]
fn the_median_keeps_ramps_and_edges_and_removes_outliers() {
    let ramp = filled([3; 3], 1, |[z, y, x]| (9 * z + 3 * y + x) as f64);
    let found = applied(cells(), ramp.view().reach::<1>(), operators::median::<f64, 3>());
    assert_eq!(found, crate::common::values(ramp.view(), cells()));
    let edge = filled([3; 2], 1, |[y, x]| if x > 0 { 10 } else { i32::from([y, x] == [1, 0]) * 1000 });
    let found = applied(cells(), edge.view().reach::<1>(), operators::median::<i32, 2>());
    assert_eq!(found, [0, 10, 10, 0, 10, 10, 0, 10, 10]);
}
