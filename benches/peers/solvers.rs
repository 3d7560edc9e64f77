//! The problems of `devito_peer.py`, solved with this library.

use parhelion::prelude::*;

use crate::stencils::{heat7 as heat7_rule, laplacian8, star25};

/// Radius of the stencils of order 8.
pub(crate) const FAR: usize = 4;

/// A solver that advances in steps.
pub(crate) trait Solver<T: Element> {
    /// Makes this many steps.
    fn run(&mut self, steps: usize) -> parhelion::Result<()>;
    /// The newest values.
    fn newest(&self) -> &Field<T, 3>;
}

/// `u_t = Δu` by one stencil.
struct Heat<T: Element, S> {
    u: Field<T, 3>,
    rule: S,
}

impl<T: Element, S: Stencil<T, 3>> Solver<T> for Heat<T, S> {
    fn run(&mut self, steps: usize) -> parhelion::Result<()> {
        self.u.advance(&self.rule, steps)
    }

    fn newest(&self) -> &Field<T, 3> {
        &self.u
    }
}

/// `u_tt = Δu` by leapfrog.
struct Wave {
    now: Field<f32, 3>,
    before: Field<f32, 3>,
}

impl Solver<f32> for Wave {
    fn run(&mut self, steps: usize) -> parhelion::Result<()> {
        let grid = self.now.grid().clone();
        let levels = self.now.star_evolving::<FAR>().with_previous(&mut self.before);
        grid.leapfrog(
            levels,
            (),
            steps,
            rule!(|before, u: StarPoint<'_, f32, 3, FAR>, ()| {
                2.0 * u.center() - before + 0.1 * laplacian8(u)
            }),
        )
    }

    fn newest(&self) -> &Field<f32, 3> {
        &self.now
    }
}

/// The value of a point at the start.
pub(crate) type Start<'a> = &'a (dyn Fn([usize; 3]) -> f64 + Sync);

/// 7 points, double precision.
pub(crate) fn heat7(grid: &Grid<3>, start: Start<'_>) -> Box<dyn Solver<f64>> {
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(start);
    let rule = heat7_rule();
    Box::new(Heat { u, rule })
}

/// 25 points, order 8, single precision.
pub(crate) fn heat25(grid: &Grid<3>, start: Start<'_>) -> Box<dyn Solver<f32>> {
    let mut u = grid.field::<f32>("u");
    u.fill_indexed(|index| start(index) as f32);
    Box::new(Heat { u, rule: star25() })
}

/// Acoustic waves of constant speed, order 8 in space and 2 in time, single precision.
pub(crate) fn wave25(grid: &Grid<3>, start: Start<'_>) -> Box<dyn Solver<f32>> {
    let [now, before] = [(); 2].map(|()| {
        let mut u = grid.field::<f32>("u");
        u.fill_indexed(|index| start(index) as f32);
        u
    });
    Box::new(Wave { now, before })
}
