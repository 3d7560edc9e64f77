//! Our side of the problems of `devito_peer.py`.

use std::ops::Add;

use parhelion::prelude::*;

/// How far the stencils of order 8 reach.
pub(crate) const FAR: usize = 4;

/// The sum of the 6 neighbours at a distance.
#[inline(always)]
fn around<T: Element + Add<Output = T>, const R: usize>(u: &StarPoint<'_, T, 3, R>, d: isize) -> T {
    let z = u.at_offset([d, 0, 0]) + u.at_offset([-d, 0, 0]);
    let y = u.at_offset([0, d, 0]) + u.at_offset([0, -d, 0]);
    let x = u.at_offset([0, 0, d]) + u.at_offset([0, 0, -d]);
    z + y + x
}

/// The Laplacian of order 8 on cubic cells of size 1: all axes have the same weights, so neighbours are
/// added first.
#[inline(always)]
fn laplacian8(u: StarPoint<'_, f32, 3, FAR>) -> f32 {
    let near = 8.0 / 5.0 * around(&u, 1) - 1.0 / 5.0 * around(&u, 2);
    let far = 8.0 / 315.0 * around(&u, 3) - 1.0 / 560.0 * around(&u, 4);
    near + far - 3.0 * (205.0 / 72.0) * u.center()
}

/// A solver that goes on by steps.
pub(crate) trait Solver<T: Element> {
    /// Goes on by this many steps.
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
        grid.leapfrog(levels, (), steps, |before, u: StarPoint<'_, f32, 3, FAR>, ()| {
            2.0 * u.center() - before + 0.1 * laplacian8(u)
        })
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
    let rule = star_stencil::<f64, 3, 1>(|u| u.center() + 0.1 * (around(&u, 1) - 6.0 * u.center()));
    Box::new(Heat { u, rule })
}

/// 25 points, order 8, single precision.
pub(crate) fn heat25(grid: &Grid<3>, start: Start<'_>) -> Box<dyn Solver<f32>> {
    let mut u = grid.field::<f32>("u");
    u.fill_indexed(|index| start(index) as f32);
    Box::new(Heat { u, rule: star_stencil::<f32, 3, FAR>(|u| u.center() + 0.05 * laplacian8(u)) })
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
