//! Our side of the problems of `devito_peer.py`.

use parhelion::kernels::{KernelError, operators};
use parhelion::prelude::*;

/// How far the stencils of order 8 reach.
pub(crate) const FAR: usize = 4;

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

/// `u_tt = Δu` by leapfrog, in place: the newest level takes the memory of the oldest.
struct Wave<L> {
    now: Field<f32, 3>,
    before: Field<f32, 3>,
    laplacian: L,
    factor: f32,
}

impl<L: Fn(StarPoint<'_, f32, 3, FAR>) -> f32 + Sync> Solver<f32> for Wave<L> {
    fn run(&mut self, steps: usize) -> parhelion::Result<()> {
        let grid = self.now.grid().clone();
        let (laplacian, factor) = (&self.laplacian, self.factor);
        // Step by step, each with its exchange: the library advances one level of time many steps at
        // once, but not two; when it does, that call replaces this loop.
        for _ in 0..steps {
            self.now.exchange_for(Pattern::Star, FAR)?;
            let (region, now) = (self.now.region_local(), self.now.star_reach::<FAR>()?);
            grid.update(region, self.before.output(), now, |before, u: StarPoint<'_, f32, 3, FAR>| {
                2.0 * u.center() - before + factor * laplacian(u)
            })?;
            self.before.swap(&mut self.now)?;
        }
        Ok(())
    }

    fn newest(&self) -> &Field<f32, 3> {
        &self.now
    }
}

/// The value of a point at the start.
pub(crate) type Start<'a> = &'a (dyn Fn([usize; 3]) -> f64 + Sync);

/// 7 points, double precision.
pub(crate) fn heat7(grid: &Grid<3>, start: Start<'_>) -> Result<Box<dyn Solver<f64>>, KernelError> {
    let mut u = grid.field::<f64>("u");
    u.fill_indexed(start);
    let laplacian = operators::laplacian::<f64, 3, 1>([1.0; 3])?;
    Ok(Box::new(Heat { u, rule: star_stencil::<f64, 3, 1>(move |u| u.center() + 0.1 * laplacian(u)) }))
}

/// 25 points, order 8, single precision.
pub(crate) fn heat25(grid: &Grid<3>, start: Start<'_>) -> Result<Box<dyn Solver<f32>>, KernelError> {
    let mut u = grid.field::<f32>("u");
    u.fill_indexed(|index| start(index) as f32);
    let laplacian = operators::laplacian::<f32, 3, FAR>([1.0; 3])?;
    Ok(Box::new(Heat { u, rule: star_stencil::<f32, 3, FAR>(move |u| u.center() + 0.05 * laplacian(u)) }))
}

/// Acoustic waves of constant speed, order 8 in space and 2 in time, single precision.
pub(crate) fn wave25(grid: &Grid<3>, start: Start<'_>) -> Result<Box<dyn Solver<f32>>, KernelError> {
    let [now, before] = [(); 2].map(|()| {
        let mut u = grid.field::<f32>("u");
        u.fill_indexed(|index| start(index) as f32);
        u
    });
    let laplacian = operators::laplacian::<f32, 3, FAR>([1.0; 3])?;
    Ok(Box::new(Wave { now, before, laplacian, factor: 0.1 }))
}
