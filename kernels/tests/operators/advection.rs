//! Upwind and WENO advection.

use parhelion_kernels::{Region, StarPoint, View, operators};

use crate::common::{
    applied, assert_order, cells, exponentials, filled, growth, noise, relative_error, spacing,
};

/// A velocity that blows up some axes and down others.
fn wind<const N: usize>() -> [f64; N] {
    std::array::from_fn(|a| [-0.5, 1.0, 0.75, -2.0][a + 4 - N])
}

fn rate<const N: usize>(velocity: [f64; N]) -> f64 {
    growth::<N>().iter().zip(velocity).map(|(k, v)| k * v).sum()
}

fn upwind_order<const N: usize, const R: usize>() {
    for sign in [1.0, -1.0] {
        let velocity = wind::<N>().map(|v| sign * v);
        assert_order(&format!("upwind, {N} axes, radius {R}"), 2 * R - 1, 0.03 * (R * R) as f64, |h| {
            let h = spacing(h);
            let u = exponentials::<N>(h, [0.0; N], R);
            let transport = operators::upwind::<f64, N, R>(h).unwrap();
            let found = applied(cells(), u.view().star_reach::<R>(), |u: StarPoint<'_, f64, N, R>| {
                transport(u, velocity)
            });
            relative_error(&found, |i| rate(velocity) * u.view().get(i))
        });
    }
}

#[test]
fn upwind_schemes_have_odd_orders() {
    upwind_order::<1, 1>();
    upwind_order::<3, 1>();
    upwind_order::<3, 2>();
    upwind_order::<2, 3>();
    upwind_order::<4, 4>();
}

#[test]
fn the_first_order_scheme_sees_nothing_downwind() {
    let u = filled([1], 1, |[i]| [2.0, 5.0, f64::NAN][(i + 1) as usize]);
    let transport = operators::upwind::<f64, 1, 1>([0.5]).unwrap();
    let region = Region::from_shape([1]);
    let change = |v: f64| {
        applied(region, u.view().star_reach::<1>(), |u: StarPoint<'_, f64, 1, 1>| transport(u, [v]))[0]
    };
    assert_eq!(change(2.0), 12.0);
    assert!(change(-2.0).is_nan());
}

#[test]
fn the_third_order_scheme_has_the_weights_of_its_formula() {
    let u = filled([1], 2, |i| noise(3, i));
    let [a, b, c, d, e] = std::array::from_fn(|i| u.view().get([i as isize - 2]));
    let transport = operators::upwind::<f64, 1, 2>([1.0]).unwrap();
    let region = Region::from_shape([1]);
    for (v, expected) in [
        (3.0, 3.0 * (2.0 * d + 3.0 * c - 6.0 * b + a) / 6.0),
        (-3.0, -3.0 * (-2.0 * b - 3.0 * c + 6.0 * d - e) / 6.0),
    ] {
        let found =
            applied(region, u.view().star_reach::<2>(), |u: StarPoint<'_, f64, 1, 2>| transport(u, [v]))[0];
        assert!((found - expected).abs() < 1e-14, "{found} instead of {expected}"); // roundings of numbers below 6
    }
}

fn weno_order<const N: usize>(sign: f64) {
    let velocity = wind::<N>().map(|v| sign * v);
    assert_order(&format!("WENO, {N} axes"), 5, 0.08, |h| {
        let h = spacing(h);
        let u = exponentials::<N>(h, [0.0; N], 3);
        let weno = operators::weno5::<f64, N>(h, 1e-6).unwrap();
        let found = applied(cells(), u.view().star_reach::<3>(), |u: StarPoint<'_, f64, N, 3>| {
            weno(u, velocity.map(|v| [v, v]))
        });
        relative_error(&found, |i| rate(velocity) * u.view().get(i))
    });
}

#[test]
fn weno_has_order_5_on_smooth_data() {
    weno_order::<1>(1.0);
    weno_order::<1>(-1.0);
    weno_order::<2>(1.0);
    weno_order::<3>(-1.0);
    weno_order::<4>(1.0);
}

/// `u_t + v·u_x = 0` on a periodic axis of spacing `h`, by the third-order Runge–Kutta method of
/// Shu and Osher (1988).
fn transported(mut u: Vec<f64>, h: f64, v: f64, dt: f64, steps: usize) -> Vec<f64> {
    let weno = operators::weno5::<f64, 1>([h], 1e-6).unwrap();
    let n = u.len();
    let interior = Region::from_shape([n]);
    let euler = |u: &[f64]| {
        let with_halo: Vec<f64> = (0..n + 6).map(|i| u[(i + n - 3) % n]).collect();
        let view = View::from_slice(&with_halo, interior.grown([[3, 3]]));
        applied(interior, view.star_reach::<3>(), |u: StarPoint<'_, f64, 1, 3>| {
            u.center() - dt * weno(u, [[v, v]])
        })
    };
    let mix = |a: f64, u: &[f64], b: f64, w: &[f64]| -> Vec<f64> {
        u.iter().zip(w).map(|(u, w)| a * u + b * w).collect()
    };
    for _ in 0..steps {
        let first = euler(&u);
        let second = mix(0.75, &u, 0.25, &euler(&first));
        u = mix(1.0 / 3.0, &u, 2.0 / 3.0, &euler(&second));
    }
    u
}

/// `u_t + u_x = 0` with `u = sin(πx)` on −1 … 1 until t = 1.
#[test]
fn weno_has_order_5_at_the_extrema_of_a_sine_as_well() {
    let mean_error = |n: usize| {
        let h = 2.0 / n as f64;
        let x = |i: usize| -1.0 + (i as f64 + 0.5) * h;
        let steps = (2.0 * h.powf(-5.0 / 3.0)).ceil() as usize; // the error of time is of order h^5 too
        let start = (0..n).map(|i| (std::f64::consts::PI * x(i)).sin()).collect();
        let end = transported(start, h, 1.0, 1.0 / steps as f64, steps);
        let exact = |i: usize| (std::f64::consts::PI * (x(i) - 1.0)).sin();
        end.iter().enumerate().map(|(i, u)| (u - exact(i)).abs()).sum::<f64>() / n as f64
    };
    let errors = [20, 40, 80].map(mean_error);
    eprintln!("{errors:?}");
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 5.0).abs() < 0.3, "order {order}, {errors:?}");
    }
}

#[test]
fn weno_carries_a_step_without_overshoot_and_loses_nothing() {
    let n = 100;
    for v in [1.0, -1.0] {
        let start: Vec<f64> = (0..n).map(|i| f64::from(u8::from((30..60).contains(&i)))).collect();
        let end = transported(start, 0.01, v, 0.005, 40); // 20 cells
        let (low, high) = end.iter().fold((0.0_f64, 1.0_f64), |(l, h), &u| (l.min(u), h.max(u)));
        assert!(low > -0.01 && high < 1.01, "{low} to {high}");
        // 120 stages, each rounds 100 values of size 1 a few times
        assert!((end.iter().sum::<f64>() - 30.0).abs() < 1e-11);
        // Averages of the ends of the step, which has moved by 20 cells: they are 1 and 0.
        let at = |i: usize| end[(i as f64 + v * 20.0) as usize];
        assert!((at(45) - 1.0).abs() < 1e-3 && at(20).abs() < 1e-3 && at(70).abs() < 1e-3);
    }
}

#[test]
fn weno_takes_the_velocity_on_each_face() {
    // u = 1 everywhere: what is left is the divergence of the velocity.
    let u = filled([3; 2], 3, |_| 1.0);
    let v = filled([3; 2], 1, |[y, x]| (y * y + x) as f64);
    let weno = operators::weno5::<f64, 2>([1.0, 0.5], 1e-6).unwrap();
    type Pair<'a> = (StarPoint<'a, f64, 2, 3>, StarPoint<'a, f64, 2, 1>);
    let inputs = (u.view().star_reach::<3>(), v.view().star_reach::<1>());
    let found = applied(cells(), inputs, |(u, v): Pair<'_>| {
        weno(u, [[v.center(), v.along::<0, 1>()], [v.center(), v.along::<1, 1>()]])
    });
    for (found, [y, _]) in found.iter().zip(cells::<2>().indices()) {
        let exact = (2 * y + 1 + 2) as f64;
        assert!((found - exact).abs() < 1e-13, "{found} instead of {exact}"); // roundings of numbers below 30
    }
}

#[test]
fn weno_refuses_an_epsilon_that_would_divide_by_zero() {
    let refusal = |epsilon| operators::weno5::<f32, 1>([1.0], epsilon).err().unwrap().to_string();
    assert!(refusal(0.0).contains("positive epsilon, not 0"));
    assert!(refusal(1e-40).contains("range of f32"));
}

#[test]
fn weno_does_not_overflow_where_squares_of_differences_do_not() {
    // A step of 1e15 has a roughness of 1e30, whose square is beyond f32; and the scheme does not
    // know units.
    let change = |height: f32| {
        let u = filled([3], 3, |[i]| if i < 1 { height } else { 0.0 });
        let weno = operators::weno5::<f32, 1>([1.0], 1e-6 * f64::from(height).powi(2)).unwrap();
        applied(cells(), u.view().star_reach::<3>(), |u: StarPoint<'_, f32, 1, 3>| weno(u, [[1.0, 1.0]]))
    };
    for (large, small) in change(1e15).into_iter().zip(change(1.0)) {
        let error = large * 1e-15 - small;
        assert!(error.abs() < 1e-5, "{large} is not 1e15 · {small}"); // roundings of 6e-8 of values of size 1
    }
}
