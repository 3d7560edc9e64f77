//! Coordinates, halos, walls, rules and reductions.

use std::f64::consts::PI;

use parhelion::Result;
use parhelion::kernels::{AxisPoint, FaceCells, operators};
use parhelion::prelude::*;
use parhelion::stepping::{Blocking, Receivers, Sources};
use parhelion::testing::{on_ranks, same_on};

use crate::refused::{assert_contains, refused};
use crate::smooth;

/// Widths from 0.5 to 1.5 without a pattern, so that a shift shows.
fn faces(cells: usize, seed: usize) -> Vec<f64> {
    let width = |i: usize| 0.5 + ((i + 7 * seed + 1) as f64 * 0.618_033_988_7).fract();
    (0..=cells).map(|n| -1.0 + (0..n).map(width).sum::<f64>()).collect()
}

#[test]
fn what_are_no_faces_of_an_axis_is_refused_by_all_ranks() {
    on_ranks([1, 3], |world| {
        let builder = || Grid::builder([3, 4]);
        let bad = |faces: &[f64]| refused(world, builder().faces(0, faces).build(world));
        assert_contains(&bad(&[0.0, 1.0, 2.0]), &["axis 0", "3 cells, but 3 face", "give 4"]);
        assert_contains(&bad(&[0.0, 1.0, f64::NAN, 2.0]), &["face 2 is at NaN"]);
        assert_contains(
            &bad(&[0.0, 1.0, 1.0, 2.0]),
            &["face 2 is at 1, but face 1 before it at 1", "increase"],
        );
        assert_contains(&bad(&[3.0, 2.0, 1.0, 0.0]), &["face 1 is at 2"]);
        assert_contains(&bad(&[-1e308, 0.0, 1.0, 1e308]), &["length, inf"]);
        let mapped = refused(world, builder().mapping(1, |s| (s - 0.6).abs()).build(world));
        assert_contains(&mapped, &["axis 1", "face 1 is at"]);
        assert_contains(&refused(world, builder().mapping(1, f64::ln).build(world)), &["face 0 is at -inf"]);
        assert_contains(&refused(world, builder().faces(2, &[0.0; 4]).build(world)), &["axis 2", "2 axes"]);
        if world.size() > 1 {
            let mine = [0.0, 1.0, 2.0 + world.rank() as f64, 9.0];
            let differing = refused(world, builder().faces(0, &mine).build(world));
            assert_contains(&differing, &["differ among ranks", "same coordinates"]);
        }
        Ok(())
    });
}

#[test]
fn points_and_their_halo_lie_where_the_faces_say() {
    on_ranks([1, 2, 4], |world| {
        let (z, x) = (faces(9, 1), faces(8, 2));
        let grid = Grid::builder([9, 5, 8])
            .extent([9.0, 2.5, 8.0])
            .faces(0, &z)
            .faces(2, &x)
            .periodic([false, false, true])
            .halo(2)
            .build(world)?;
        assert!(grid.is_stretched() && grid.spacing()[0].is_nan() && grid.spacing()[1] == 0.5);
        assert_eq!(grid.origin(), [-1.0, 0.0, -1.0]);
        let wanted = grid.axis(0).length() * 2.5 * grid.axis(2).length();
        assert!((grid.volume() - wanted).abs() < 1e-12 * wanted);
        let length = x[8] - x[0];
        for centering in [Centering::Cell, Centering::Node, Centering::Face(2)] {
            // Neumann walls of this slope continue a linear function; so does the real distance.
            let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
            u.set_boundary(Face::low(0), Boundary::Neumann(-3.0))?;
            u.set_boundary(Face::high(0), Boundary::neumann_at(|_| 3.0))?;
            u.set_boundary(Face::low(1), Boundary::function(|[z, y, x], _| 3.0 * z + y + (PI * x).sin()))?;
            u.fill_with(|[z, y, x]| 3.0 * z + y + (PI * x).sin());
            u.exchange()?;
            let (start, shape) = (u.region_global().start, u.shape_global());
            let along = |faces: &[f64], staggered: bool, i: usize| {
                if staggered { faces[i] } else { 0.5 * (faces[i] + faces[i + 1]) }
            };
            for local in u.region_local().grown([[2, 2], [1, 0], [2, 2]]).indices() {
                let global: [isize; 3] = std::array::from_fn(|a| start[a] + local[a]);
                // What exists beyond a wall or a periodic end belongs to these.
                let staggered = [0, 1, 2].map(|a| centering.staggered(a));
                let last = shape[0] as isize - 1;
                let (mut k, mut image) = (global[0], false);
                if !(0..=last).contains(&k) {
                    let shift = if staggered[0] { 0 } else { 1 };
                    k = if k < 0 { -k - shift } else { 2 * last + shift - k };
                    image = true;
                }
                let inside = along(&z, staggered[0], k as usize);
                let wall = if global[0] < 0 { z[0] } else { z[9] };
                let place_z = if image { 2.0 * wall - inside } else { inside };
                let place_y = 0.5 * (global[1] as f64 + if staggered[1] { 0.0 } else { 0.5 });
                let turn = global[2].div_euclid(8);
                let place_x = along(&x, staggered[2], global[2].rem_euclid(8) as usize);
                let wanted = 3.0 * place_z + place_y + (PI * place_x).sin();
                let found = u.view_to(2)?.get(local);
                assert!((found - wanted).abs() < 1e-12, "{centering:?} {global:?}: {found} {wanted}");
                let place = grid.coordinates(global, centering);
                let wanted = [place_z, place_y, place_x + turn as f64 * length];
                assert!((0..3).all(|a| (place[a] - wanted[a]).abs() < 1e-12), "{place:?} {wanted:?}");
            }
        }
        Ok(())
    });
}

/// Between walls of given value a linear function stays one, to rounding.
#[test]
fn dirichlet_walls_lie_at_the_outer_faces() {
    on_ranks([1, 3], |world| {
        let y = faces(12, 3);
        let grid = Grid::builder([12, 3]).faces(0, &y).halo(2).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.set_boundary(Face::low(0), Boundary::Dirichlet(2.0 * y[0]))?;
        u.set_boundary(Face::high(0), Boundary::dirichlet_at(|[y, _]| 2.0 * y))?;
        u.fill_with(|[y, _]| 2.0 * y);
        u.exchange()?;
        let start = u.region_global().start;
        for local in u.region_local().grown([[2, 2], [0, 0]]).indices() {
            let center = grid.axis(0).center(local[0] + start[0]);
            assert!((u.view_to(2)?.get(local) - 2.0 * center).abs() < 1e-12);
        }
        Ok(())
    });
}

#[test]
fn integrals_weigh_points_with_their_volume() {
    same_on([(1, 1), (2, 2), (3, 1), (4, 1)], |world| {
        let (y, x) = (faces(11, 4), faces(10, 5));
        let grid = Grid::builder([11, 10]).faces(0, &y).faces(1, &x).periodic([false, true]).build(world)?;
        let [ly, lx] = [0, 1].map(|a| grid.axis(a).length());
        let mut text = String::new();
        for centering in [Centering::Cell, Centering::Node, Centering::Face(0), Centering::Face(1)] {
            let mut u = grid.field_builder::<f64>("u").centering(centering).components(2).build()?;
            u.fill(1.0);
            assert!((u.integral() - 2.0 * ly * lx).abs() < 1e-12, "{centering:?}: {}", u.integral());
            assert!((u.mean_by_volume() - 1.0).abs() < 1e-14);
            // Midpoint and trapezoidal rule are exact for linear functions.
            u.component_mut(0).fill_with(|[y, _]| y);
            u.component_mut(1).fill(0.0);
            let exact = 0.5 * (y[11] * y[11] - y[0] * y[0]) * lx;
            assert!((u.integral() - exact).abs() < 1e-12, "{centering:?}: {} {exact}", u.integral());
            let squares: f64 = u.integral_of(|u| u * u);
            assert!((u.norm_l2_by_volume() - squares.sqrt()).abs() < 1e-12);
            text += &format!("{:x} {:x} ", u.integral().to_bits(), squares.to_bits());
        }
        Ok(text)
    });
}

/// Counts of the places of cells by hand.
#[test]
fn places_are_found_in_their_cells() {
    on_ranks([1], |world| {
        let grid = Grid::builder([4, 3]).faces(0, &[0.0, 1.0, 3.0, 6.0, 10.0]).build(world)?;
        let cases = [([0.0, 0.0], Some([0, 0])), ([1.0, 2.9], Some([1, 2])), ([10.0, 3.0], Some([3, 2]))];
        for (place, cell) in cases.into_iter().chain([([-0.1, 1.0], None), ([5.0, f64::NAN], None)]) {
            assert_eq!(grid.cell_at(place), cell, "{place:?}");
        }
        let between = |low, high| grid.region_between(low, high);
        assert_eq!(between([0.5, 0.6], [4.5, 9.0]), Region::new([0, 1], [2, 3]));
        assert!(between([2.1, 0.0], [2.2, 3.0]).is_empty() && between([9.0, 0.0], [1.0, 3.0]).is_empty());
        Ok(())
    });
}

type Weighted<'p> = (StarPoint<'p, f64, 2, 1>, (AxisPoint<'p, f64, 2, 0>, AxisPoint<'p, f64, 2, 0>));

/// The Laplacian of a field whose halo is filled.
fn laplacian(u: &Field<f64, 2>, name: &str) -> Result<Field<f64, 2>> {
    let (grid, mut result) = (u.grid(), u.grid().field::<f64>(name));
    let (region, weights) = (u.region_local(), grid.second_differences::<f64>());
    grid.sweep(
        region,
        result.view_mut(),
        (u.star_reach::<1>()?, weights.reach()),
        |(u, w): Weighted<'_>| operators::stretched_laplacian(u, w),
    )?;
    Ok(result)
}

#[test]
fn the_laplacian_of_linear_functions_is_zero_whatever_the_widths() {
    same_on([(1, 1), (2, 2), (3, 1), (4, 1)], |world| {
        let (y, x) = (faces(13, 6), faces(12, 7));
        let grid = Grid::builder([13, 12]).faces(0, &y).faces(1, &x).build(world)?;
        let mut u = grid.field::<f64>("u");
        for face in Face::all::<2>() {
            let slope = if face.axis == 0 { 2.0 } else { -3.0 };
            u.set_boundary(face, Boundary::Neumann(if face.high { slope } else { -slope }))?;
        }
        u.fill_with(|[y, x]| 2.0 * y - 3.0 * x);
        u.exchange()?;
        let result = laplacian(&u, "laplacian")?;
        // Differences of numbers up to 50, times weights of at most 8.
        assert!(result.norm_max() < 1e-11, "{}", result.norm_max());
        u.fill(0.7);
        for face in Face::all::<2>() {
            u.set_boundary(face, Boundary::Reflecting)?;
        }
        u.exchange()?;
        let flat = laplacian(&u, "flat")?;
        assert_eq!(flat.norm_max(), 0.0);
        Ok(format!("{:x}", result.fingerprint()))
    });
}

#[test]
fn on_a_smooth_mapping_the_laplacian_is_of_second_order() {
    on_ranks([1, 2], |world| {
        let error = |n: usize| -> Result<f64> {
            let grid = Grid::builder([n, n]).mapping(0, smooth).mapping(1, |s| 2.0 * smooth(s));
            let grid = grid.periodic([false, true]).build(world)?;
            let (mut u, mut exact) = (grid.field::<f64>("u"), grid.field::<f64>("exact"));
            u.fill_with(|[y, x]| (PI * y).cos() * (PI * x).sin()); // no flux through the walls
            exact.fill_with(|[y, x]| -2.0 * PI * PI * (PI * y).cos() * (PI * x).sin());
            u.exchange()?;
            exact.zip_mut_with(&laplacian(&u, "laplacian")?, |exact, found| *exact -= found)?;
            Ok(exact.norm_max())
        };
        let (coarse, fine) = (error(40)?, error(80)?);
        let order = (coarse / fine).log2();
        assert!(order > 1.9, "errors {coarse} and {fine}: order {order}");
        Ok(())
    });
}

/// Diffusion with weights from tables along the axes, in passes of several steps: the bits of one
/// step at a time, which are those of any ranks; heat times volume is kept.
#[test]
fn tables_along_the_axes_are_read_in_blocked_passes() {
    same_on([(1, 1), (2, 2), (3, 1), (4, 1)], |world| {
        let (y, x) = (faces(23, 8), faces(26, 9));
        let grid = Grid::builder([23, 26]).faces(0, &y).faces(1, &x).periodic([false, true]).build(world)?;
        let weights = grid.second_differences::<f64>();
        let run = |blocking: Blocking<2>| -> Result<Field<f64, 2>> {
            let mut u = grid.field::<f64>("u");
            u.fill_indexed(|[j, i]| ((37 * j + i) as f64 * 0.618).fract());
            u.set_blocking(Some(blocking));
            let heat = u.integral();
            type Weights<'p> = (AxisPoint<'p, f64, 2, 0>, AxisPoint<'p, f64, 2, 0>);
            grid.evolve(
                u.star_evolving::<1>(),
                weights.reach(),
                11,
                |u: StarPoint<'_, f64, 2, 1>, w: Weights<'_>| {
                    u.center() + 0.05 * operators::stretched_laplacian(u, w)
                },
            )?;
            assert!((u.integral() - heat).abs() < 1e-12 * heat);
            Ok(u)
        };
        let plain = run(Blocking { levels: 1, tile: [usize::MAX; 2] })?.fingerprint();
        for tile in [[1, 5], [4, usize::MAX]] {
            assert_eq!(run(Blocking { levels: 4, tile })?.fingerprint(), plain, "{tile:?}");
        }
        Ok(format!("{plain:x}"))
    });
}

/// A table is read at its own indices on every rank, at an offset too.
#[test]
fn tables_have_global_indices() {
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([8, 9]).build(world)?;
        let table = grid.axis_values(|axis, i| (1000 * axis as i64) + i as i64);
        let mut u = grid.field_builder::<i64>("u").centering(Centering::Node).build()?;
        grid.sweep(u.region_local(), u.view_mut(), table.reach(), |at: AxisPoint<'_, i64, 2, 2>| {
            1_000_000 * at.along::<0, -2>() + at.along::<1, 1>()
        })?;
        let start = u.region_global().start;
        for [j, i] in u.region_local().indices() {
            let wanted = 1_000_000 * (j + start[0] - 2) as i64 + 1000 + (i + start[1] + 1) as i64;
            assert_eq!(u.view().get([j, i]), wanted);
        }
        Ok(())
    });
}

/// A source between two points of a stretched axis is shared by the distances to them, and a receiver
/// there reads what was added.
#[test]
fn sources_and_receivers_know_where_points_are() {
    on_ranks([1, 2], |world| {
        // Centers at 0.5, 2, 5, 9.5, 12.5, 14 and 15.25.
        let grid = Grid::builder([7]).faces(0, &[0.0, 1.0, 3.0, 7.0, 12.0, 13.0, 15.0, 15.5]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.set_time(0.0, 1.0);
        let mut sources = Sources::new();
        sources.add([2.75], |_| 8.0);
        let mut receivers = Receivers::new([[3.5], [0.25]]);
        let evolving = u.evolving::<0>().with_sources(&sources).with_receivers(&mut receivers);
        grid.evolve(evolving, (), 1, |u: Point<'_, f64, 1, 0>, ()| u.center())?;
        assert_eq!((u.probe([1])?, u.probe([2])?, u.sum()), (6.0, 2.0, 8.0));
        assert_eq!((receivers.series(0), receivers.series(1)), (&[4.0][..], &[0.0][..]));
        Ok(())
    });
}

#[test]
fn formulas_for_uniform_cells_refuse_a_stretched_axis() {
    on_ranks([1], |world| {
        let grid = Grid::builder([4, 4]).faces(0, &faces(4, 1)).build(world)?;
        let error = operators::laplacian::<f64, 2, 1>(grid.spacing()).map(|_| ()).unwrap_err();
        assert_contains(&error.to_string(), &["axis 0", "NaN", "stretched_laplacian"]);
        let mut u = grid.field::<f64>("u");
        let error = u.set_boundary(Face::low(0), Boundary::Extrapolated(1)).unwrap_err();
        assert_contains(&error.to_string(), &["axis 0 is stretched", "order 0"]);
        u.set_boundary(Face::low(0), Boundary::Extrapolated(0))?;
        u.set_boundary(Face::low(1), Boundary::Extrapolated(2))?;
        u.exchange()?;
        let (cells, mut change) = (u.region_local(), grid.field::<f64>("change"));
        let flux = |_: usize, u: FaceCells<'_, f64, 1>| [u.right::<0>() - u.left::<0>()];
        let done = grid.flux_divergence(cells, [change.view_mut()], u.star_reach::<1>()?, flux);
        assert_contains(&done.unwrap_err().to_string(), &["axis 0 is stretched", "axis_values"]);
        Ok(())
    });
}
