//! Operators between cells, faces, edges and nodes.

use parhelion_kernels::operators::staggered;
use parhelion_kernels::{Array, Region, StarPoint, ViewMut, sweep};

use crate::common::{
    applied, assert_order, cells, exponential, exponentials, filled, growth, noise, pool, relative_error,
    spacing,
};

const CENTER: f64 = 0.5;
const BOUNDARY: f64 = 0.0;

fn coarse(radius: usize) -> f64 {
    0.2 * radius as f64
}

type Vector<'a, const R: usize> =
    (StarPoint<'a, f64, 3, R>, StarPoint<'a, f64, 3, R>, StarPoint<'a, f64, 3, R>);

/// Positions of the points of component `axis` of a vector on faces (or edges) in the cell.
fn faces<const N: usize>(axis: usize) -> [f64; N] {
    std::array::from_fn(|a| if a == axis { BOUNDARY } else { CENTER })
}
fn edges(axis: usize) -> [f64; 3] {
    std::array::from_fn(|a| if a == axis { CENTER } else { BOUNDARY })
}

/// Derivatives and interpolations along the first of two axes.
fn line_orders<const R: usize>() {
    let factor = growth::<2>()[0];
    let (boundary, center) = ([BOUNDARY, CENTER], [CENTER, CENTER]);
    for (from, to) in [(center, boundary), (boundary, center)] {
        let check = |what: &str, slope: bool| {
            assert_order(&format!("{what} from {from:?} to {to:?}, radius {R}"), 2 * R, coarse(R), |h| {
                let u = exponentials::<2>([h; 2], from, R);
                let exact = exponential([h; 2], to, growth());
                let inputs = u.view().star_reach::<R>();
                let found = match (slope, to == boundary) {
                    (true, true) => applied(
                        cells(),
                        inputs,
                        staggered::derivative_to_boundaries::<f64, 2, R, 0>(h).unwrap(),
                    ),
                    (true, false) => {
                        applied(cells(), inputs, staggered::derivative_to_centers::<f64, 2, R, 0>(h).unwrap())
                    }
                    (false, true) => {
                        applied(cells(), inputs, staggered::interpolation_to_boundaries::<f64, 2, R, 0>())
                    }
                    (false, false) => {
                        applied(cells(), inputs, staggered::interpolation_to_centers::<f64, 2, R, 0>())
                    }
                };
                relative_error(&found, |i| if slope { factor } else { 1.0 } * exact(i))
            });
        };
        check("derivative", true);
        check("interpolation", false);
    }
}

#[test]
fn derivatives_and_interpolations_have_orders_2_to_16() {
    line_orders::<1>();
    line_orders::<2>();
    line_orders::<3>();
    line_orders::<4>();
    line_orders::<6>();
    line_orders::<8>();
}

fn gradient_orders<const R: usize>() {
    for axis in 0..3 {
        let factor = growth::<3>()[axis];
        let component = |what: &str, from: [f64; 3], to: [f64; 3], onto_faces: bool| {
            assert_order(&format!("{what} {axis}, radius {R}"), 2 * R, coarse(R), |h| {
                let h = spacing(h);
                let u = exponentials::<3>(h, from, R);
                let inputs = u.view().star_reach::<R>();
                let found = if onto_faces {
                    let gradient = staggered::gradient_to_faces::<f64, 3, R>(h).unwrap();
                    applied(cells(), inputs, |u: StarPoint<'_, f64, 3, R>| gradient(u)[axis])
                } else {
                    let gradient = staggered::gradient_to_edges::<f64, R>(h).unwrap();
                    applied(cells(), inputs, |u: StarPoint<'_, f64, 3, R>| gradient(u)[axis])
                };
                let exact = exponential(h, to, growth());
                relative_error(&found, |i| factor * exact(i))
            });
        };
        component("gradient to faces", [CENTER; 3], faces(axis), true);
        component("gradient to edges", [BOUNDARY; 3], edges(axis), false);
    }
}

/// A vector `amplitude·exp(k·x)` whose component `a` is sampled at `points(a)`.
fn vector<const R: usize>(h: [f64; 3], points: fn(usize) -> [f64; 3]) -> [Array<f64, 3>; 3] {
    std::array::from_fn(|a| {
        let u = exponential(h, points(a), growth());
        filled([3; 3], R, move |i| AMPLITUDES[a] * u(i))
    })
}

/// Amplitudes of the components (z, y, x).
const AMPLITUDES: [f64; 3] = [1.0, -2.0, 0.5];

fn vector_orders<const R: usize>() {
    let [kz, ky, kx] = growth();
    let [vz, vy, vx] = AMPLITUDES;
    let curls = [kx * vy - ky * vx, kz * vx - kx * vz, ky * vz - kz * vy]; // z, y, x
    for (from_faces, from, to) in [
        (true, faces::<3> as fn(usize) -> [f64; 3], edges as fn(usize) -> [f64; 3]),
        (false, edges, faces::<3>),
    ] {
        for (axis, factor) in curls.into_iter().enumerate() {
            assert_order(
                &format!("curl {axis}, radius {R}, from faces: {from_faces}"),
                2 * R,
                coarse(R),
                |h| {
                    let h = spacing(h);
                    let v = vector::<R>(h, from);
                    let inputs = <(_, _, _)>::from(v.each_ref().map(|v| v.view().star_reach::<R>()));
                    let found = if from_faces {
                        let curl = staggered::curl_to_edges::<f64, R>(h).unwrap();
                        applied(cells(), inputs, |v: Vector<'_, R>| curl(v.into())[axis])
                    } else {
                        let curl = staggered::curl_to_faces::<f64, R>(h).unwrap();
                        applied(cells(), inputs, |v: Vector<'_, R>| curl(v.into())[axis])
                    };
                    let exact = exponential(h, to(axis), growth());
                    relative_error(&found, |i| factor * exact(i))
                },
            );
        }
        assert_order(&format!("divergence, radius {R}, from faces: {from_faces}"), 2 * R, coarse(R), |h| {
            let h = spacing(h);
            let v = vector::<R>(h, from);
            let inputs = <(_, _, _)>::from(v.each_ref().map(|v| v.view().star_reach::<R>()));
            let found = if from_faces {
                let divergence = staggered::divergence_to_cells::<f64, 3, R>(h).unwrap();
                applied(cells(), inputs, |v: Vector<'_, R>| divergence(v.into()))
            } else {
                let divergence = staggered::divergence_to_nodes::<f64, R>(h).unwrap();
                applied(cells(), inputs, |v: Vector<'_, R>| divergence(v.into()))
            };
            let exact = exponential(h, [if from_faces { CENTER } else { BOUNDARY }; 3], growth());
            relative_error(&found, |i| (kz * vz + ky * vy + kx * vx) * exact(i))
        });
    }
}

#[test]
fn gradients_divergences_and_curls_have_their_orders() {
    gradient_orders::<1>();
    gradient_orders::<2>();
    gradient_orders::<4>();
    vector_orders::<1>();
    vector_orders::<2>();
    vector_orders::<4>();
}

const H: [f64; 3] = [0.5, 0.8, 1.25];

/// Arrays of three components, computed on the interior grown by `halo`.
fn computed<const R: usize>(
    halo: usize,
    inputs: &[Array<f64, 3>; 3],
    rule: impl Fn([StarPoint<'_, f64, 3, R>; 3]) -> [f64; 3] + Sync,
) -> [Array<f64, 3>; 3] {
    let mut outputs: [_; 3] = std::array::from_fn(|_| filled([3; 3], halo, |_| 0.0));
    let region = outputs[0].layout().whole();
    let views: [ViewMut<'_, f64, 3>; 3] = outputs.each_mut().map(Array::view_mut);
    let inputs = <(_, _, _)>::from(inputs.each_ref().map(|v| v.view().star_reach::<R>()));
    sweep(&pool(), region, <(_, _, _)>::from(views), inputs, |v: Vector<'_, R>| rule(v.into()).into())
        .unwrap();
    outputs
}

/// Values that cancel: dozens of terms of size 100 at most, each rounded a few times.
fn assert_zero(what: &str, values: &[f64]) {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    assert!(largest < 1e-13 * 100.0, "{what}: {largest}");
}

fn identities<const R: usize>() {
    let noises: [_; 3] = std::array::from_fn(|a| filled([3; 3], 2 * R, |i| noise(a as u64, i)));
    let div_faces = staggered::divergence_to_cells::<f64, 3, R>(H).unwrap();
    let div_edges = staggered::divergence_to_nodes::<f64, R>(H).unwrap();
    let (to_edges, to_faces) =
        (staggered::curl_to_edges::<f64, R>(H).unwrap(), staggered::curl_to_faces::<f64, R>(H).unwrap());

    let curl = computed::<R>(R, &noises, to_faces);
    let inputs = <(_, _, _)>::from(curl.each_ref().map(|v| v.view().star_reach::<R>()));
    assert_zero("div curl of edges", &applied(cells(), inputs, |v: Vector<'_, R>| div_faces(v.into())));
    // The other divergence does not fit these points: what is tested is no zero of its own.
    let wrong = applied(cells(), inputs, |v: Vector<'_, R>| div_edges(v.into()));
    assert!(wrong.iter().any(|v| v.abs() > 0.1));

    let curl = computed::<R>(R, &noises, to_edges);
    let inputs = <(_, _, _)>::from(curl.each_ref().map(|v| v.view().star_reach::<R>()));
    assert_zero("div curl of faces", &applied(cells(), inputs, |v: Vector<'_, R>| div_edges(v.into())));

    let onto_faces = staggered::gradient_to_faces::<f64, 3, R>(H).unwrap();
    let onto_edges = staggered::gradient_to_edges::<f64, R>(H).unwrap();
    let gradient = computed::<R>(R, &noises, |[u, ..]| onto_faces(u));
    let inputs = <(_, _, _)>::from(gradient.each_ref().map(|v| v.view().star_reach::<R>()));
    let gradient_of_nodes = computed::<R>(R, &noises, |[u, ..]| onto_edges(u));
    let inputs_of_nodes = <(_, _, _)>::from(gradient_of_nodes.each_ref().map(|v| v.view().star_reach::<R>()));
    for axis in 0..3 {
        let curl = applied(cells(), inputs, |v: Vector<'_, R>| to_edges(v.into())[axis]);
        assert_zero("curl grad of cells", &curl);
        let curl = applied(cells(), inputs_of_nodes, |v: Vector<'_, R>| to_faces(v.into())[axis]);
        assert_zero("curl grad of nodes", &curl);
    }
}

#[test]
fn divergences_of_curls_and_curls_of_gradients_vanish() {
    identities::<1>();
    identities::<2>();
    identities::<5>();
}

fn plane_identities<const R: usize>() {
    let h = [0.5, 0.8];
    type Plane<'a, const R: usize> = (StarPoint<'a, f64, 2, R>, StarPoint<'a, f64, 2, R>);
    let psi = filled([3; 2], 2 * R, |i| noise(4, i));
    let (mut vy, mut vx) = (filled([3; 2], R, |_| 0.0), filled([3; 2], R, |_| 0.0));
    let region: Region<2> = vy.layout().whole();
    let curl = staggered::curl_to_faces_2d::<f64, R>(h).unwrap();
    let input = psi.view().star_reach::<R>();
    let rule = |psi: StarPoint<'_, f64, 2, R>| curl(psi).into();
    sweep(&pool(), region, (vy.view_mut(), vx.view_mut()), input, rule).unwrap();
    let divergence = staggered::divergence_to_cells::<f64, 2, R>(h).unwrap();
    let inputs = (vy.view().star_reach::<R>(), vx.view().star_reach::<R>());
    assert_zero("div curl in the plane", &applied(cells(), inputs, |v: Plane<'_, R>| divergence(v.into())));

    let gradient = staggered::gradient_to_faces::<f64, 2, R>(h).unwrap();
    let rule = |p: StarPoint<'_, f64, 2, R>| gradient(p).into();
    sweep(&pool(), region, (vy.view_mut(), vx.view_mut()), input, rule).unwrap();
    let curl = staggered::curl_to_nodes_2d::<f64, R>(h).unwrap();
    let inputs = (vy.view().star_reach::<R>(), vx.view().star_reach::<R>());
    assert_zero("curl grad in the plane", &applied(cells(), inputs, |v: Plane<'_, R>| curl(v.into())));
}

#[test]
fn the_identities_hold_in_the_plane() {
    plane_identities::<1>();
    plane_identities::<3>();
}

#[test]
fn the_plane_turns_like_space() {
    // A rotation v_y = 3·x, v_x = −3·y has the vorticity 6, and the stream function −3·(x² + y²)/2.
    type Plane<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
    let vy = filled([3; 2], 1, |[_, x]| 3.0 * (x as f64 + 0.5));
    let vx = filled([3; 2], 1, |[y, _]| -3.0 * (y as f64 + 0.5));
    let curl = staggered::curl_to_nodes_2d::<f64, 1>([1.0; 2]).unwrap();
    let inputs = (vy.view().star_reach::<1>(), vx.view().star_reach::<1>());
    assert_eq!(applied(cells(), inputs, |v: Plane<'_>| curl(v.into())), [6.0; 9]);
    let psi = filled([3; 2], 1, |[y, x]| -1.5 * (x * x + y * y) as f64);
    let curl = staggered::curl_to_faces_2d::<f64, 1>([1.0; 2]).unwrap();
    for (axis, expected) in [vy, vx].iter().enumerate() {
        let found =
            applied(cells(), psi.view().star_reach::<1>(), |p: StarPoint<'_, f64, 2, 1>| curl(p)[axis]);
        assert_eq!(found, crate::common::values(expected.view(), cells()));
    }
}
