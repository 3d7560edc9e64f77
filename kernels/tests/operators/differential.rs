//! Laplacian, derivatives, gradient, divergence, curl, biharmonic.

use parhelion_kernels::{Point, StarPoint, operators};

use crate::common::{
    applied, assert_order, cells, exponential, exponentials, filled, growth, noise, relative_error, spacing,
};

/// Spacing at which errors of order `2·R` are small and yet far above rounding, for growth of about
/// 1 along an axis.
fn coarse(radius: usize) -> f64 {
    0.18 * radius as f64
}

fn laplacian_order<const N: usize, const R: usize>() {
    assert_order(&format!("Laplacian, {N} axes, radius {R}"), 2 * R, coarse(R), |h| {
        let h = spacing(h);
        let u = exponentials::<N>(h, [0.0; N], R);
        let laplacian = operators::laplacian::<f64, N, R>(h).unwrap();
        let found = applied(cells(), u.view().star_reach::<R>(), laplacian);
        let factor: f64 = growth::<N>().iter().map(|k| k * k).sum();
        relative_error(&found, |i| factor * u.view().get(i))
    });
}

#[test]
fn laplacians_have_orders_2_to_16() {
    laplacian_order::<3, 1>();
    laplacian_order::<3, 2>();
    laplacian_order::<3, 3>();
    laplacian_order::<3, 4>();
    laplacian_order::<3, 5>();
    laplacian_order::<3, 6>();
    laplacian_order::<3, 7>();
    laplacian_order::<3, 8>();
    laplacian_order::<1, 3>();
    laplacian_order::<2, 2>();
    laplacian_order::<4, 1>();
}

#[test]
fn the_laplacian_is_exact_for_polynomials_of_its_degree() {
    // 2·R + 1 = 5: all weights times values are below 1e6, rounding below 1e-9
    let u = filled([4, 5], 2, |[y, x]| (y.pow(5) - 2 * x.pow(4) * y + 7 * x.pow(3) + 3) as f64);
    let laplacian = operators::laplacian::<f64, 2, 2>([1.0, 1.0]).unwrap();
    let region = u.layout().interior();
    for (found, [y, x]) in applied(region, u.view().star_reach::<2>(), laplacian).iter().zip(region.indices())
    {
        let exact = 20 * y.pow(3) - 24 * x * x * y + 42 * x;
        assert!((found - exact as f64).abs() < 1e-9, "{found} instead of {exact} at {y}, {x}");
    }
}

#[test]
fn constants_have_no_laplacian_in_single_precision() {
    let u = filled([3; 3], 8, |_| 1000.0_f32);
    let laplacian = operators::laplacian::<f32, 3, 8>([1.0; 3]).unwrap();
    for value in applied(cells(), u.view().star_reach::<8>(), laplacian) {
        // Up to 25 additions round numbers of up to 9.3·1000 by 2^-24 of them each.
        assert!(value.abs() < 25.0 * 9300.0 * 6e-8, "{value}");
    }
}

fn derivative_order<const R: usize>(derivative: usize) {
    let order = 2 * R + 2 - 2 * derivative.div_ceil(2);
    assert_order(&format!("derivative {derivative}, radius {R}"), order, coarse(R), |h| {
        let u = exponentials::<2>([h; 2], [0.0; 2], R);
        let operator = operators::derivative::<f64, 2, R, 0>(derivative, h).unwrap();
        let found = applied(cells(), u.view().star_reach::<R>(), operator);
        let factor = growth::<2>()[0].powi(derivative as i32);
        relative_error(&found, |i| factor * u.view().get(i))
    });
}

#[test]
fn derivatives_of_any_order_converge() {
    derivative_order::<1>(1);
    derivative_order::<1>(2);
    derivative_order::<2>(3);
    derivative_order::<2>(4);
    derivative_order::<3>(3);
    derivative_order::<4>(4);
    derivative_order::<4>(7);
    derivative_order::<4>(8);
}

fn gradient_order<const N: usize, const R: usize>() {
    for axis in 0..N {
        let coarse = coarse(R) / growth::<N>()[axis].abs();
        assert_order(&format!("gradient along {axis} of {N}, radius {R}"), 2 * R, coarse, |h| {
            let h = spacing(h);
            let u = exponentials::<N>(h, [0.0; N], R);
            let gradient = operators::gradient::<f64, N, R>(h).unwrap();
            let found =
                applied(cells(), u.view().star_reach::<R>(), |u: StarPoint<'_, f64, N, R>| gradient(u)[axis]);
            relative_error(&found, |i| growth::<N>()[axis] * u.view().get(i))
        });
    }
}

#[test]
fn gradients_have_orders_2_to_16() {
    gradient_order::<3, 1>();
    gradient_order::<3, 2>();
    gradient_order::<3, 4>();
    gradient_order::<3, 8>();
    gradient_order::<1, 3>();
    gradient_order::<2, 5>();
    gradient_order::<4, 6>();
    gradient_order::<2, 7>();
}

/// Amplitudes of the components (z, y, x) of a vector.
const AMPLITUDES: [f64; 3] = [1.0, -2.0, 0.5];

type Vector<'a, const R: usize> =
    (StarPoint<'a, f64, 3, R>, StarPoint<'a, f64, 3, R>, StarPoint<'a, f64, 3, R>);

fn vector_orders<const R: usize>() {
    let [kz, ky, kx] = growth();
    let [vz, vy, vx] = AMPLITUDES;
    let field = |h: [f64; 3]| {
        AMPLITUDES.map(|amplitude| {
            let u = exponential(h, [0.0; 3], growth());
            filled([3; 3], R, move |i| amplitude * u(i))
        })
    };
    assert_order(&format!("divergence, radius {R}"), 2 * R, coarse(R), |h| {
        let h = spacing(h);
        let v = field(h);
        let inputs = v.each_ref().map(|v| v.view().star_reach::<R>());
        let divergence = operators::divergence::<f64, 3, R>(h).unwrap();
        let found = applied(cells(), <(_, _, _)>::from(inputs), |v: Vector<'_, R>| divergence(v.into()));
        let exact = exponential(h, [0.0; 3], growth());
        relative_error(&found, |i| (kz * vz + ky * vy + kx * vx) * exact(i))
    });
    let curls = [kx * vy - ky * vx, kz * vx - kx * vz, ky * vz - kz * vy]; // z, y, x
    for (axis, factor) in curls.into_iter().enumerate() {
        assert_order(&format!("curl {axis}, radius {R}"), 2 * R, coarse(R), |h| {
            let h = spacing(h);
            let v = field(h);
            let inputs = v.each_ref().map(|v| v.view().star_reach::<R>());
            let curl = operators::curl::<f64, R>(h).unwrap();
            let found = applied(cells(), <(_, _, _)>::from(inputs), |v: Vector<'_, R>| curl(v.into())[axis]);
            let exact = exponential(h, [0.0; 3], growth());
            relative_error(&found, |i| factor * exact(i))
        });
    }
}

#[test]
fn divergence_and_curl_have_their_orders() {
    vector_orders::<1>();
    vector_orders::<2>();
    vector_orders::<3>();
    vector_orders::<8>();
}

#[test]
fn the_curl_of_a_rotation_is_twice_its_rate() {
    // v = ω × r with ω = 3 along z: v_y = 3·x, v_x = −3·y
    let (vy, vx) = (filled([3; 2], 2, |[_, x]| 3.0 * x as f64), filled([3; 2], 2, |[y, _]| -3.0 * y as f64));
    let curl = operators::curl_2d::<f64, 2>([1.0; 2]).unwrap();
    type Plane<'a> = (StarPoint<'a, f64, 2, 2>, StarPoint<'a, f64, 2, 2>);
    let inputs = (vy.view().star_reach::<2>(), vx.view().star_reach::<2>());
    for value in applied(cells(), inputs, |v: Plane<'_>| curl(v.into())) {
        assert!((value - 6.0_f64).abs() < 1e-13, "{value}"); // a few roundings of numbers of size 10
    }
}

fn biharmonic_order<const N: usize>() {
    assert_order(&format!("biharmonic, {N} axes"), 2, 0.15, |h| {
        let h = spacing(h);
        let u = exponentials::<N>(h, [0.0; N], 2);
        let biharmonic = operators::biharmonic::<f64, N>(h).unwrap();
        let found = applied(cells(), u.view().reach::<2>(), biharmonic);
        let squares: f64 = growth::<N>().iter().map(|k| k * k).sum();
        relative_error(&found, |i| squares * squares * u.view().get(i))
    });
}

#[test]
fn the_biharmonic_operator_has_order_2() {
    biharmonic_order::<1>();
    biharmonic_order::<2>();
    biharmonic_order::<3>();
    biharmonic_order::<4>();
}

#[test]
fn the_biharmonic_operator_is_the_laplacian_of_the_laplacian() {
    let h = [0.5, 1.0, 2.0];
    let u = filled([4; 3], 2, |i| noise(1, i));
    let laplacian = operators::laplacian::<f64, 3, 1>(h).unwrap();
    let inner = u.layout().interior();
    let outer = inner.grown([[1, 1]; 3]);
    let once = applied(outer, u.view().star_reach::<1>(), laplacian);
    let once = parhelion_kernels::View::from_slice(&once, outer);
    let twice = applied(inner, once.star_reach::<1>(), laplacian);
    let biharmonic = operators::biharmonic::<f64, 3>(h).unwrap();
    for (found, expected) in applied(inner, u.view().reach::<2>(), biharmonic).iter().zip(twice) {
        // 25 roundings of terms below 200
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }
}

#[test]
fn points_of_other_kinds_fit_after_a_conversion() {
    let u = filled([3; 2], 3, |i| noise(2, i));
    let laplacian = operators::laplacian::<f64, 2, 1>([1.0; 2]).unwrap();
    let plain = applied(cells(), u.view().star_reach::<1>(), laplacian);
    let converted =
        applied(cells(), u.view().reach::<3>(), |u: Point<'_, f64, 2, 3>| laplacian(u.star().within()));
    assert_eq!(plain, converted);
}

#[test]
fn impossible_operators_are_refused_with_their_numbers() {
    let message = operators::laplacian::<f64, 2, 1>([0.1, 0.0]).err().unwrap().to_string();
    assert!(message.contains("axis 1 of [0.1, 0.0] has 0"), "{message}");
    assert!(operators::gradient::<f64, 1, 1>([f64::NAN]).is_err());
    assert!(operators::biharmonic::<f64, 1>([-1.0]).is_err());
    let message = operators::laplacian::<f32, 1, 1>([1e-25]).err().unwrap().to_string();
    assert!(message.contains("range of f32"), "{message}");
    assert!(operators::laplacian::<f32, 1, 1>([1e25]).is_err());
    let message = operators::laplacian::<f64, 2, 1>([1.0, 1e200]).err().unwrap().to_string();
    assert!(message.contains("to the power −2 leave the range of f64"), "{message}");
    let message = operators::derivative::<f64, 1, 1, 0>(3, 1.0).err().unwrap().to_string();
    assert!(message.contains("radius of at least 2, not 1"), "{message}");
}
