//! Walls in time stepping: points on them, polynomials that leave, waves that leave, reflected
//! velocities, refusals.

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{on_ranks, on_ranks_and_threads};

const RANKS: [usize; 5] = [1, 2, 3, 4, 5];
const LAYOUTS: [(usize, usize); 6] = [(1, 1), (1, 4), (2, 2), (3, 1), (4, 1), (5, 1)];

fn blockings<const N: usize>() -> [Blocking<N>; 3] {
    [Blocking::PLAIN, Blocking { levels: 2, tile: [1; N] }, Blocking { levels: 3, tile: [usize::MAX; N] }]
}

#[test]
fn points_on_walls_have_the_walls_values_after_a_step() {
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([15]).build(world)?;
        for blocking in blockings() {
            for steps in 1..4 {
                let [mut u, mut v, mut before] = ["u", "v", "before"]
                    .map(|name| grid.field_builder::<f64>(name).centering(Centering::Node).build());
                let [u, v, before] = [&mut u, &mut v, &mut before].map(|field| field.as_mut().unwrap());
                for field in [&mut *u, &mut *v, &mut *before] {
                    field.set_boundary(Face::low(0), Boundary::Dirichlet(0.0))?;
                    field.set_boundary(Face::high(0), Boundary::dirichlet_at(|[x]| -x))?;
                    field.set_blocking(Some(blocking));
                }
                u.advance(&star_stencil::<f64, 1, 0>(|u| u.center() + 1.0), steps)?;
                let pair = (v.star_evolving::<1>().with_previous(before), ());
                grid.leapfrog(pair.0, pair.1, steps, |_, v: StarPoint<'_, f64, 1, 1>, ()| v.center() + 1.0)?;
                for field in [&*u, &*v] {
                    assert_eq!(
                        (field.probe([0])?, field.probe([15])?),
                        (0.0, -15.0),
                        "{blocking}, {steps} steps"
                    );
                    assert_eq!((field.probe([1])?, field.norm_max()), (steps as f64, 15.0));
                }
                assert_eq!((before.probe([0])?, before.probe([15])?), (0.0, -15.0));
                assert_eq!(before.probe([8])?, (steps - 1) as f64);
                grid.evolve(u.star_evolving::<1>(), (), steps, |u: StarPoint<'_, f64, 1, 1>, ()| {
                    u.center() + 1.0
                })?;
                assert_eq!((u.probe([0])?, u.probe([1])?, u.probe([15])?), (0.0, 2.0 * steps as f64, -15.0));
                // What the program writes itself stays until the next exchange.
                u.map_inplace(|value| *value += 1.0);
                assert_eq!(u.probe([0])?, 1.0);
                u.exchange()?;
                assert_eq!(u.probe([0])?, 0.0);
            }
        }
        Ok(())
    });
}

/// Lax–Wendroff is exact for polynomials of degree 2, and so is extrapolation of their order: all
/// numbers here are multiples of 1/4.
#[test]
fn polynomials_leave_through_extrapolating_walls() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let grid = Grid::builder([20]).build(world)?;
        let advection = star_stencil::<f64, 1, 1>(|u| {
            let (slope, curvature) =
                (u.at::<1>() - u.at::<-1>(), u.at::<1>() - 2.0 * u.center() + u.at::<-1>());
            u.center() - 0.25 * slope + 0.125 * curvature
        });
        for blocking in blockings() {
            for (order, centering) in
                (0..3).flat_map(|order| [(order, Centering::Cell), (order, Centering::Node)])
            {
                let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
                let exact = |x: f64, time: f64| (x - time).powi(order as i32);
                u.fill_with(|[x]| exact(x, 0.0));
                u.set_blocking(Some(blocking));
                for face in Face::all::<1>() {
                    u.set_boundary(face, Boundary::Extrapolated(order))?;
                }
                u.advance(&advection, 30)?;
                for index in u.region_local().indices() {
                    let [x] = u.coordinates([(index[0] + u.region_global().start[0]) as usize]);
                    assert_eq!(
                        u.get_local(index),
                        exact(x, 15.0),
                        "order {order}, {centering:?}, {blocking}, at {x}"
                    );
                }
            }
        }
        Ok(())
    });
}

/// The halo continues a polynomial of degree 2 in each coordinate, through edges and corners.
#[test]
fn extrapolating_walls_continue_a_polynomial() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let exact =
            |[z, y, x]: [f64; 3]| (1.0 + z * z - z) * (y * y + 3.0 * y) + (2.0 - y * x) * (z + 2.0 * x);
        let grid = Grid::builder([30, 31, 32]).halo(3).periodic([false; 3]).build(world)?;
        for centering in [Centering::Cell, Centering::Node, Centering::Face(2)] {
            let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
            for face in Face::all::<3>() {
                u.set_boundary(face, Boundary::Extrapolated(2))?;
            }
            u.fill_with(exact);
            u.exchange()?;
            let start = u.region_global().start;
            for index in u.region_local().grown([[3; 2]; 3]).indices() {
                let place = grid.coordinates([0, 1, 2].map(|a| index[a] + start[a]), centering);
                assert_eq!(u.component(0).halo_view().get(index), exact(place), "{centering:?} at {place:?}");
            }
        }
        Ok(())
    });
}

/// A pulse that runs to the right, in the scheme of Lax and Friedrichs at the largest step: each
/// step moves it by one cell, without any error. It leaves through a wall of order 0 and returns
/// from a solid one.
#[test]
fn a_pulse_leaves_through_an_open_wall_and_returns_from_a_solid_one() {
    type Wave<'p> = (StarPoint<'p, f64, 1, 1>, StarPoint<'p, f64, 1, 1>);
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([32]).build(world)?;
        for blocking in blockings() {
            let (mut pressure, mut velocity) = (grid.field::<f64>("pressure"), grid.field::<f64>("velocity"));
            let pulse = |[i]: [usize; 1]| if (10..13).contains(&i) { (i - 8) as f64 } else { 0.0 };
            let step = |(p, v): Wave<'_>, ()| {
                let mean = |u: StarPoint<'_, f64, 1, 1>| 0.5 * (u.at::<-1>() + u.at::<1>());
                let half_slope = |u: StarPoint<'_, f64, 1, 1>| 0.5 * (u.at::<1>() - u.at::<-1>());
                (mean(p) - half_slope(v), mean(v) - half_slope(p))
            };
            pressure.set_blocking(Some(blocking));
            for solid in [false, true] {
                pressure.fill_indexed(pulse);
                velocity.fill_indexed(pulse);
                for face in Face::all::<1>() {
                    if solid {
                        velocity.set_reflecting(face)?;
                        pressure.set_boundary(face, Boundary::Reflecting)?;
                    } else {
                        velocity.set_boundary(face, Boundary::Extrapolated(0))?;
                        pressure.set_boundary(face, Boundary::Extrapolated(0))?;
                    }
                }
                grid.evolve((pressure.star_evolving::<1>(), velocity.star_evolving::<1>()), (), 7, step)?;
                assert_eq!((pressure.probe([19])?, velocity.probe([19])?), (4.0, 4.0));
                // After 32 steps altogether it has gone, or comes back: cell 12 is mirrored to 64 −
                // 1 − 12 − 32.
                grid.evolve((pressure.star_evolving::<1>(), velocity.star_evolving::<1>()), (), 25, step)?;
                let (most, back) = (pressure.norm_max(), [pressure.probe([19])?, velocity.probe([19])?]);
                assert_eq!(
                    (most, back),
                    if solid { (4.0, [4.0, -4.0]) } else { (0.0, [0.0, 0.0]) },
                    "{blocking}"
                );
            }
        }
        Ok(())
    });
}

#[test]
fn a_wall_reflects_a_vector() {
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([10, 12]).build(world)?;
        let mut velocity = grid.field_builder::<f64>("velocity").components(2).build()?;
        let mut staggered = [0, 1]
            .map(|a| grid.field_builder::<f64>("v").centering(Centering::Face(a)).build())
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        velocity.fill(3.0);
        for v in &mut staggered {
            v.fill(3.0);
        }
        for face in Face::all::<2>() {
            velocity.set_reflecting(face)?;
            velocity.exchange()?;
            for (axis, v) in staggered.iter_mut().enumerate() {
                v.set_reflecting(face)?;
                v.exchange()?;
                if !grid.topology().at_wall(face) {
                    continue;
                }
                let sign = if axis == face.axis { -1.0 } else { 1.0 };
                let local = v.region_local();
                let last = |local: Region<2>| {
                    if face.high { local.end[face.axis] } else { local.start[face.axis] - 1 }
                };
                let at = |local: Region<2>, inward: isize| {
                    let mut index = [1, 1];
                    index[face.axis] = last(local) + if face.high { -inward } else { inward };
                    index
                };
                let halo = velocity.component(axis).halo_view().get(at(velocity.region_local(), 0));
                assert_eq!(halo, 3.0 * sign, "component {axis} beyond {face:?}");
                assert_eq!(v.component(0).halo_view().get(at(local, 0)), 3.0 * sign);
                if axis == face.axis {
                    assert_eq!(v.get_local(at(local, 1)), 0.0, "nothing flows through the wall");
                }
            }
        }
        let mut scalar = grid.field::<f64>("density");
        let error = scalar.set_reflecting(Face::low(0)).unwrap_err();
        assert!(
            error.is_argument() && error.to_string().contains("'density' (Cell, 1 component(s))"),
            "{error}"
        );
        let mut edges = grid.field_builder::<f64>("e").centering(Centering::Edge(0)).build()?;
        assert!(edges.set_reflecting(Face::low(0)).is_err());
        assert!(velocity.set_reflecting(Face::low(2)).is_err());
        Ok(())
    });
}

#[test]
fn walls_that_cannot_be_are_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([5, 8]).procs([world.size(), 1]).build(world)?;
        let mut u = grid.field::<f64>("u");
        let mut counts = grid.field::<i32>("counts");
        let refused = |result: Result<()>, why: &str| {
            let error = result.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            error
        };
        let error = refused(u.set_boundary(Face::low(1), Boundary::Extrapolated(3)), "it may be 0, 1 or 2");
        assert!(error.is_argument());
        refused(u.set_boundary(Face::low(1), Boundary::custom(0, |_| 0.0)), "it may read 1 to 64");
        refused(u.set_boundary(Face::low(1), Boundary::custom(65, |_| 0.0)), "it may read 1 to 64");
        refused(
            counts.set_boundary(Face::low(1), Boundary::Extrapolated(1)),
            "i32 is extrapolated with order 0 only",
        );
        counts.set_boundary(Face::low(1), Boundary::Extrapolated(0))?;
        // Blocks of 3 and 2 cells, or one of 5.
        u.set_boundary(Face::low(0), Boundary::Extrapolated(2))?;
        let thin = u.set_boundary(Face::high(0), Boundary::Extrapolated(2));
        if world.size() == 1 {
            thin?;
        } else {
            let why = "Extrapolated(2) at Face { axis: 0, high: true } of field 'u' reads 3 points inside the wall, but \
                       the blocks there have 2; use fewer ranks on axis 0";
            assert!(refused(thin, why).is_geometry());
            // The staggered field's last block has one point more.
            let mut nodes = grid.field_builder::<f64>("nodes").centering(Centering::Node).build()?;
            nodes.set_boundary(Face::high(0), Boundary::Extrapolated(2))?;
        }
        Ok(())
    });
}
