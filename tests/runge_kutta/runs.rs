//! Ends, hooks and refusals of runs.

use std::cell::RefCell;
use std::ops::ControlFlow;

use parhelion::prelude::*;
use parhelion::stepping::Scheme;
use parhelion::testing::on_ranks;
use parhelion::{Error, Result};

fn decaying(grid: &Grid<1>) -> Field<f64, 1> {
    let mut u = grid.field::<f64>("u");
    u.fill_with(|[x]| 1.0 + x);
    u
}

#[test]
fn hooks_are_called_at_their_times_and_may_stop_the_run() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8]).build(world)?;
        let mut u = decaying(&grid);
        let seen = RefCell::new(Vec::new());
        let progress = grid
            .runge_kutta(Scheme::SspRk2, u.evolving::<0>(), ())
            .step(0.25)
            .until(2.0)
            .at([0.3, 1.5, 3.0], |u, at| {
                seen.borrow_mut().push((u.field_mut().time(), at.time, at.steps));
                Ok(ControlFlow::Continue(()))
            })
            .rule(|u, ()| -u.center())?;
        assert_eq!(*seen.borrow(), [(0.3, 0.3, 2), (1.5, 1.5, 7), (2.0, 2.0, 9)]);
        assert_eq!((progress.time, u.time()), (2.0, 2.0));

        // Rank 0 alone stops it; the hook sets the values.
        let mut u = decaying(&grid);
        let progress = grid
            .runge_kutta(Scheme::Rk4, u.evolving::<0>(), ())
            .step(0.5)
            .steps(10)
            .every(2, |u, at| {
                u.field_mut().fill(at.time);
                Ok(if world.rank() == 0 && at.steps == 4 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })
            .rule(|u, ()| -u.center())?;
        assert_eq!((progress.steps, u.time(), u.probe([7])?), (4, 2.0, 2.0));
        Ok(())
    });
}

/// The rule for the signal rate sees the time and the number of the step that it limits.
#[test]
fn signal_rates_may_depend_on_time_and_step() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8]).build(world)?;
        let here = grid.context(Centering::Cell);
        let mut u = decaying(&grid);
        u.set_time(1.0, 0.0);
        let ends = RefCell::new(Vec::new());
        grid.runge_kutta(Scheme::SspRk3, u.evolving::<0>(), here.constant())
            .cfl(1.0, |_, here: Place<'_, 1>| here.time() * (1 + here.step()) as f64)
            .steps(2)
            .every(1, |_, at| {
                ends.borrow_mut().push(at.time);
                Ok(ControlFlow::Continue(()))
            })
            .rule(|u, _| -u.center())?;
        // From 1 by 1 / (1 · 1), from 2 by 1 / (2 · 2).
        assert_eq!(*ends.borrow(), [2.0, 2.25]);
        Ok(())
    });
}

#[test]
fn a_run_is_refused_with_its_numbers() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8]).build(world)?;
        let mut u = decaying(&grid);
        let refused = |result: Result<_>, text: &str| {
            let error = result.map(drop).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        let scheme = Scheme::ForwardEuler;
        let rule = |u: Point<'_, f64, 1, 0>, ()| -u.center();
        refused(grid.runge_kutta(scheme, u.evolving::<0>(), ()).until(1.0).rule(rule), "add step(length)");
        refused(grid.runge_kutta(scheme, u.evolving::<0>(), ()).step(0.1).rule(rule), "add until(time)");
        refused(
            grid.runge_kutta(scheme, u.evolving::<0>(), ()).step(-0.1).steps(1).rule(rule),
            "length -0.1",
        );
        let stopped = grid.runge_kutta(scheme, u.evolving::<0>(), ()).step(0.1).steps(3);
        refused(stopped.every(1, |_, _| Err(Error::other("enough"))).rule(rule), "enough");
        // The signal rate of one cell, on one rank, is not finite.
        let rates = grid
            .runge_kutta(scheme, u.evolving::<0>(), ())
            .cfl(0.5, |u, ()| if u > 7.0 { f64::NAN } else { u });
        refused(rates.until(9.0).rule(rule), "the largest signal rate after 0 steps");
        let mut vector = grid.field_builder::<f64>("v").components(2).build()?;
        refused(
            grid.runge_kutta(scheme, vector.evolving::<0>(), ()).step(0.1).steps(3).rule(rule),
            "it has 2 components",
        );
        let mut late = decaying(&grid);
        late.set_time(1.0, 0.0);
        let both = grid.runge_kutta(scheme, [u.evolving::<0>(), late.evolving::<0>()], ());
        refused(
            both.step(0.1).steps(3).rule(|[u, v], ()| [v.center(), u.center()]),
            "one centering and one time",
        );
        Ok(())
    });
}
