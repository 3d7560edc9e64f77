//! Where and when a rule is applied, as an input of the rule.

use parhelion_kernels::Places;

use super::{Centering, Grid};

/// Gives a rule the index, coordinates, time and step of the point that it computes, as a
/// [`Place`](parhelion_kernels::Place); made by [`Grid::context`].
///
/// Use [`at`](Self::at) for an input of [`Grid::sweep`] or [`Grid::update`], at a given time, and
/// [`constant`](Self::constant) for [`Grid::evolve`], [`Grid::leapfrog`] and [`Grid::alternate`],
/// where time advances with each step. It causes no memory traffic.
///
/// ```
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([64]).extent([1.0]).periodic([true]).build(&world)?;
/// let mut u = grid.field::<f64>("u");
/// u.set_time(0.0, 0.25);
/// let here = grid.context(Centering::Cell);
/// // A source that is at x = 0.5 until time 1, and then moves on.
/// grid.evolve(u.star_evolving::<1>(), here.constant(), 8, |u, here: Place<'_, 1>| {
///     let ([x], t) = (here.position(), here.time());
///     let source = if (x - 0.5 - 0.1 * (t - 1.0).max(0.0)).abs() < 0.01 { 1.0 } else { 0.0 };
///     u.center() + 0.25 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>()) + source
/// })?;
/// // The initial values of a sweep.
/// grid.sweep(u.region_local(), u.view_mut(), here.at(0.0, 0), |here| here.position()[0])?;
/// assert_eq!(u.probe([3])?, 3.5 / 64.0);
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Context<const N: usize> {
    /// Global indices along each axis, of this rank's points and of those around them that a pass
    /// may compute.
    indices: [Vec<isize>; N],
    positions: [Vec<f64>; N],
    /// Local index of the first entry.
    start: [isize; N],
}

impl<const N: usize> Context<N> {
    /// Returns the context at a given time and step, as an input of a sweep.
    pub fn at(&self, time: f64, step: u64) -> Places<'_, N> {
        self.places().at(time, step)
    }

    pub(crate) fn places(&self) -> Places<'_, N> {
        let (indices, positions) = (self.indices.each_ref(), self.positions.each_ref());
        Places::new(indices.map(Vec::as_slice), positions.map(Vec::as_slice), self.start)
    }
}

impl<const N: usize> Grid<N> {
    /// Returns the context for rules on points of this centering.
    ///
    /// Indices are global. Halo points that a pass computes beyond a periodic end have the index
    /// and coordinates of the corresponding points inside.
    ///
    /// Example: see [`Context`].
    pub fn context(&self, centering: Centering) -> Context<N> {
        let block = self.region_global(Centering::Node);
        let (shape, periodic) = (self.decomposition().shape(), self.topology().periodic());
        // Halos are at most as deep as the next block.
        let more: [isize; N] = std::array::from_fn(|a| self.decomposition().thinnest(a) as isize + 1);
        let along = |a: usize| {
            let wrapped = move |i: isize| if periodic[a] { i.rem_euclid(shape[a] as isize) } else { i };
            (block.start[a] - more[a]..block.end[a] + more[a]).map(wrapped)
        };
        let position = |a: usize, i: isize| self.coordinates([i; N], centering)[a];
        Context {
            indices: std::array::from_fn(|a| along(a).collect()),
            positions: std::array::from_fn(|a| along(a).map(|i| position(a, i)).collect()),
            start: more.map(|more| -more),
        }
    }
}
