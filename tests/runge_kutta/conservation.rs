//! What flows out of a cell flows into its neighbors: totals, balances, and the bits on ranks and
//! threads.

use parhelion::Result;
use parhelion::kernels::FaceCells;
use parhelion::prelude::*;
use parhelion::stepping::Scheme;
use parhelion::testing::{on_ranks_and_threads, same_on};

use crate::euler;

const LAYOUTS: [(usize, usize); 5] = [(1, 1), (1, 3), (2, 2), (3, 1), (4, 1)];

/// A gas in which waves run in all directions.
fn restless([y, x]: [f64; 2]) -> euler::Primitive {
    [
        1.0 + 0.5 * (7.0 * x + 3.0 * y).sin(),
        0.4 * (5.0 * y).cos(),
        0.6 * (9.0 * x * y).sin(),
        if x * y < 0.2 { 1.0 } else { 0.3 },
    ]
}

/// A closed box: the momentum along an axis is antisymmetric about its walls.
fn close(u: &mut [Field<f64, 2>; 4]) -> Result<()> {
    for face in Face::all::<2>() {
        u[1 + face.axis].set_boundary(face, Boundary::Dirichlet(0.0))?;
    }
    Ok(())
}

#[test]
fn totals_change_by_rounding_only() {
    on_ranks_and_threads(LAYOUTS, |world| {
        for periodic in [true, false] {
            let grid =
                Grid::builder([40, 31]).extent([1.0; 2]).periodic([periodic; 2]).halo(2).build(world)?;
            let mut u = euler::new(&grid, restless);
            if !periodic {
                close(&mut u)?;
            }
            let before = u.each_ref().map(|field| field.sum());
            let progress = euler::run(&grid, &mut u, Scheme::SspRk3, 0.8, 0.3)?;
            // Walls exert forces, but let neither mass nor energy through.
            for k in if periodic { vec![0, 1, 2, 3] } else { vec![0, 3] } {
                let change = (u[k].sum() - before[k]).abs();
                // In each of 3 stages, every cell rounds its 5 terms of size 1 to 10 by at most
                // half a unit.
                let tolerance = f64::EPSILON
                    * 10.0
                    * (grid.decomposition().shape().iter().product::<usize>() as f64).sqrt()
                    * (15 * progress.steps) as f64;
                assert!(change <= tolerance, "component {k} changed by {change:e}, periodic {periodic}");
            }
            assert!(progress.steps > 20);
        }
        Ok(())
    });
}

/// What flows through the ends of a tube is all that changes its contents.
#[test]
fn totals_change_by_what_flows_through_walls() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let grid = Grid::builder([50]).extent([1.0]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_with(|[x]| (5.0 * x).cos());
        u.set_boundary(Face::low(0), Boundary::function(|_, time| 1.0 + time))?;
        let (mut content, mut flown) = (u.sum() / 50.0, 0.0);
        for step in 0..40 {
            let last = u.probe([49])?;
            grid.runge_kutta(Scheme::ForwardEuler, u.star_evolving::<1>(), ())
                .step(0.01)
                .steps(1)
                .fluxes(|_, u, ()| u.left::<0>(), |_, ()| 0.0)?;
            flown += 0.01 * (1.0 + 0.01 * f64::from(step) - last);
        }
        content += flown;
        // 40 steps round 50 cells of size 1, divided by 50.
        assert!((u.sum() / 50.0 - content).abs() < 40.0 * f64::EPSILON, "{} {content}", u.sum() / 50.0);
        Ok(())
    });
}

#[test]
fn bits_do_not_depend_on_ranks_and_threads() {
    same_on(LAYOUTS, |world| {
        let mut text = String::new();
        for scheme in Scheme::ALL {
            let grid = Grid::builder([23, 270]).extent([1.0; 2]).halo(2).build(world)?;
            let mut u = euler::new(&grid, restless);
            close(&mut u)?;
            let progress = euler::run(&grid, &mut u, scheme, 0.4, 0.02)?;
            text += &format!("{scheme:?} {} {:x} ", progress.steps, progress.last_step.to_bits());
            for field in &u {
                text += &format!("{:x} ", field.fingerprint());
            }
        }
        Ok(text)
    });
}

/// A divergence alone, beside the same by a rule that computes all faces of a cell.
#[test]
fn the_divergence_of_a_flux() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let grid =
            Grid::builder([11, 12, 13]).extent([1.0, 2.0, 3.0]).periodic([true, false, true]).build(world)?;
        let (mut u, mut once, mut twice) =
            (grid.field::<f64>("u"), grid.field::<f64>("once"), grid.field::<f64>("twice"));
        u.fill_with(|[z, y, x]| (3.0 * z).sin() + y * x);
        u.exchange()?;
        let flux = |axis: usize, left: f64, right: f64| (left * right - 1.0) * (1.0 + axis as f64);
        let region = u.region_local();
        grid.flux_divergence(
            region,
            [once.view_mut()],
            u.star_reach::<1>()?,
            |axis, u: FaceCells<'_, f64, 1>| [flux(axis, u.left::<0>(), u.right::<0>())],
        )?;
        let inverse = grid.spacing().map(|spacing| 1.0 / spacing);
        grid.sweep(region, twice.view_mut(), u.star_reach::<1>()?, |u: StarPoint<'_, f64, 3, 1>| {
            let c = u.center();
            let along =
                |axis: usize, low: f64, high: f64| (flux(axis, c, high) - flux(axis, low, c)) * inverse[axis];
            along(0, u.at::<-1, 0, 0>(), u.at::<1, 0, 0>())
                + along(1, u.at::<0, -1, 0>(), u.at::<0, 1, 0>())
                + along(2, u.at::<0, 0, -1>(), u.at::<0, 0, 1>())
        })?;
        assert_eq!(once.fingerprint(), twice.fingerprint());
        Ok(())
    });
}

/// Hydrostatic reconstruction (Audusse et al., SIAM J. Sci. Comput. 25 (2004) 2050) keeps a lake
/// over an uneven bottom with an island at rest.
#[test]
fn a_lake_stays_at_rest() {
    const G: f64 = 9.81;
    /// Depths on both sides of a face, above the higher bottom.
    fn depths([left, right]: [f64; 2], [low, high]: [f64; 2]) -> [f64; 2] {
        [(left + low - low.max(high)).max(0.0), (right + high - low.max(high)).max(0.0)]
    }
    on_ranks_and_threads(LAYOUTS, |world| {
        let grid = Grid::builder([120]).extent([1.0]).build(world)?;
        let inverse = 1.0 / grid.spacing()[0];
        let bottom = |[x]: [f64; 1]| 0.8 * (6.0 * x).sin() + 0.6 * x;
        let mut b = grid.field::<f64>("bottom");
        b.fill_with(bottom);
        let mut u = grid.field_builder::<f64>("depth and discharge").components(2).build()?;
        u.component_mut(0).fill_with(|place| (0.7 - bottom(place)).max(0.0));
        let before = u.component(0).gather(0)?;
        grid.runge_kutta(Scheme::SspRk2, u.star_evolving_components::<2, 1>(), b.constant::<1>())
            .cfl(
                0.4,
                move |[h, q], _| if h > 1e-12 { ((q / h).abs() + (G * h).sqrt()) * inverse } else { 0.0 },
            )
            .until(1.0)
            .fluxes(
                |_, [h, q], b| {
                    let [l, r] = depths([h.left::<0>(), h.right::<0>()], [b.left::<0>(), b.right::<0>()]);
                    let velocity = |h: f64, q: f64| if h > 1e-12 { q / h } else { 0.0 };
                    let (v, w) =
                        (velocity(h.left::<0>(), q.left::<0>()), velocity(h.right::<0>(), q.right::<0>()));
                    let fastest = (v.abs() + (G * l).sqrt()).max(w.abs() + (G * r).sqrt());
                    [
                        0.5 * (l * v + r * w - fastest * (r - l)),
                        0.5 * (l * v * v + r * w * w + 0.5 * G * (l * l + r * r) - fastest * (r * w - l * v)),
                    ]
                },
                |[h, _], b| {
                    let [_, low] = depths([h.at::<-1>(), h.center()], [b.at::<-1>(), b.center()]);
                    let [high, _] = depths([h.center(), h.at::<1>()], [b.center(), b.at::<1>()]);
                    [0.0, 0.5 * G * (high * high - low * low) * inverse]
                },
            )?;
        // The gradient of the pressure and the source cancel to rounding: 120 steps of some 1e-3
        // times G h²/dx · ε.
        let fastest = u.component(1).gather(0)?.map(|q| q.iter().fold(0.0_f64, |a, q| a.max(q.abs())));
        if let (Some(before), Some(after), Some(fastest)) = (before, u.component(0).gather(0)?, fastest) {
            assert!(fastest < 1e-13, "discharge {fastest:e}");
            assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-13));
            assert!(before.iter().any(|&h| h == 0.0), "there is an island");
        } else {
            assert!(world.rank() > 0);
        }
        Ok(())
    });
}
