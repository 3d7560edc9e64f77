//! Orders of accuracy.

use std::f64::consts::PI;

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Scheme;
use parhelion::testing::{on_ranks, on_ranks_and_threads};

use crate::euler;

/// Checks the order to which the error falls with the time step. (Twice the steps: the next term of
/// the error still shows a little.)
fn check(scheme: Scheme, what: &str, order: usize, error: impl Fn(usize) -> Result<f64>) -> Result<()> {
    let (coarse, fine) = (error(1)?, error(2)?);
    let found = (coarse / fine).log2();
    // For integrals, some schemes have a higher order: that of order 3 is Simpson's rule.
    let most = if what == "integral" { 5 } else { order };
    assert!(
        found > order as f64 - 0.35 && found < most as f64 + 0.35,
        "{scheme:?}, {what}: order {found:.2}, errors {coarse:e}, {fine:e}"
    );
    Ok(())
}

#[test]
fn an_ordinary_differential_equation() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([6]).build(world)?;
        for scheme in Scheme::ALL {
            check(scheme, "logistic growth", scheme.order(), |finer| {
                let mut u = grid.field::<f64>("u");
                u.fill(0.1);
                grid.runge_kutta(scheme, u.evolving::<0>(), ())
                    .step(0.25 / finer as f64)
                    .until(3.0)
                    .rule(|u, ()| u.center() * (1.0 - u.center()))?;
                let exact = 1.0 / (1.0 + 9.0 * (-3.0_f64).exp());
                Ok((u.probe([3])? - exact).abs())
            })?;
        }
        Ok(())
    });
}

/// Central differences carry a sine wave with a known phase velocity, so what is left is the error
/// in time.
#[test]
fn waves_on_a_grid() {
    on_ranks_and_threads([(1, 2), (3, 1)], |world| {
        const CELLS: usize = 24;
        let grid = Grid::builder([CELLS]).extent([1.0]).periodic([true]).build(world)?;
        let speed = (2.0 * PI / CELLS as f64).sin() * CELLS as f64 / (2.0 * PI);
        let exact = |time: f64| move |[x]: [f64; 1]| (2.0 * PI * (x - speed * time)).sin();
        for scheme in Scheme::ALL {
            check(scheme, "advection", scheme.order(), |finer| {
                let (mut u, mut wanted) = (grid.field::<f64>("u"), grid.field::<f64>("wanted"));
                u.fill_with(exact(0.0));
                wanted.fill_with(exact(0.5));
                grid.runge_kutta(scheme, u.star_evolving::<1>(), ())
                    .step(0.02 / finer as f64)
                    .until(0.5)
                    .rule(|u, ()| -0.5 * CELLS as f64 * (u.at::<1>() - u.at::<-1>()))?;
                u.zip_mut_with(&wanted, |u, wanted| *u -= wanted)?;
                Ok(u.norm_l2())
            })?;
        }
        Ok(())
    });
}

/// du/dt is the value beyond a wall, cos t: an integral by the nodes and weights of the scheme,
/// which shows whether stages have their own times.
#[test]
fn walls_have_the_time_of_the_stage() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([4]).build(world)?;
        for scheme in Scheme::ALL {
            check(scheme, "integral", scheme.order(), |finer| {
                let mut u = grid.field::<f64>("u");
                u.set_boundary(Face::low(0), Boundary::function(|_, time| time.cos()))?;
                u.set_time(0.3, 0.0);
                grid.runge_kutta(scheme, u.star_evolving::<1>(), ())
                    .step(0.2 / finer as f64)
                    .until(2.3)
                    .rule(|u, ()| u.at::<-1>())?;
                Ok((u.probe([0])? - (2.3_f64.sin() - 0.3_f64.sin())).abs())
            })?;
        }
        Ok(())
    });
}

/// Yee, Sandham, Djomehri, J. Comput. Phys. 150 (1999) 199: an isentropic vortex moves unchanged.
#[test]
fn a_vortex_moves_to_second_order() {
    on_ranks_and_threads([(2, 2)], |world| {
        let vortex = |center: f64| {
            move |[y, x]: [f64; 2]| {
                let [dy, dx] = [y, x].map(|a| a - center);
                let r2 = dy * dy + dx * dx;
                let strength = 5.0 / (2.0 * PI) * (0.5 * (1.0 - r2)).exp();
                let temperature = 1.0 - (euler::GAMMA - 1.0) / (2.0 * euler::GAMMA) * strength * strength;
                let rho = temperature.powf(1.0 / (euler::GAMMA - 1.0));
                [rho, 1.0 + strength * dx, 1.0 - strength * dy, rho * temperature]
            }
        };
        let error = |cells: usize| {
            let grid =
                Grid::builder([cells; 2]).extent([10.0; 2]).periodic([true; 2]).halo(2).build(world)?;
            let mut u = euler::new(&grid, vortex(5.0));
            euler::run(&grid, &mut u, Scheme::SspRk2, 0.5, 0.5)?;
            let mut wanted = grid.field::<f64>("wanted");
            wanted.fill_with(|place| vortex(5.5)(place)[0]);
            u[0].zip_mut_with(&wanted, |u, wanted| *u -= wanted)?;
            Ok::<_, parhelion::Error>(u[0].norm_l1() / (cells * cells) as f64)
        };
        let (coarse, fine) = (error(64)?, error(128)?);
        let order = (coarse / fine).log2();
        // A limiter clips the extremum in the middle of the vortex, which costs a little of the
        // second order.
        assert!(order > 1.75, "order {order:.2}, errors {coarse:e}, {fine:e}");
        Ok(())
    });
}
