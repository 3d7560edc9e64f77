//! Sweeps over fields: rules with several inputs and outputs.

use parhelion_kernels::{Inputs, KernelError, Outputs, PointOf, sweep, update};

use crate::error::{Error, ErrorKind, Result};
use crate::grid::Grid;
use crate::stopwatch::Kind;
use parhelion_kernels::Region;

impl<const N: usize> Grid<N> {
    /// Writes `rule(neighborhood)` to every point of `region` of the outputs, on all threads.
    ///
    /// `region` is local, usually [`Field::region_local`](crate::field::Field::region_local) of an
    /// output. `outputs` is [`Field::view_mut`](crate::field::Field::view_mut) of a field, or a
    /// tuple of those. `inputs` is [`Field::reach`](crate::field::Field::reach) or
    /// [`star_reach`](crate::field::Field::star_reach) of a field, or a tuple of those. The radius
    /// of an input is part of its type, and a stale halo is refused.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16, 16]).periodic([true, true]).build(&world)?;
    /// let (mut u, c, mut dy, mut dx) =
    ///     (grid.field::<f64>("u"), grid.field::<f64>("c"), grid.field::<f64>("dy"), grid.field::<f64>("dx"));
    /// u.exchange()?;
    /// type In<'a> = (StarPoint<'a, f64, 2, 1>, Point<'a, f64, 2, 0>);
    /// grid.sweep(
    ///     u.region_local(),
    ///     (dy.view_mut(), dx.view_mut()),
    ///     (u.star_reach::<1>()?, c.reach::<0>()?),
    ///     |(u, c): In<'_>| (c.center() * (u.at::<1, 0>() - u.at::<-1, 0>()), c.center() * (u.at::<0, 1>() - u.at::<0, -1>())),
    /// )?;
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an output lacks points of the region, or an input points around it.
    pub fn sweep<O: Outputs<N>, I: Inputs<N>>(
        &self,
        region: Region<N>,
        outputs: O,
        inputs: I,
        rule: impl for<'p> Fn(PointOf<'p, I, N>) -> O::Value + Sync,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Sweep);
        sweep(self.world().pool(), region, outputs, inputs, rule).map_err(refused)?;
        timing.finish(region.len(), I::BYTES + O::BYTES);
        Ok(())
    }

    /// Like [`sweep`](Self::sweep), but in place: the rule also gets the old values of the outputs.
    ///
    /// # Errors
    /// As for [`sweep`](Self::sweep).
    pub fn update<O: Outputs<N>, I: Inputs<N>>(
        &self,
        region: Region<N>,
        outputs: O,
        inputs: I,
        rule: impl for<'p> Fn(O::Value, PointOf<'p, I, N>) -> O::Value + Sync,
    ) -> Result<()> {
        let timing = self.world().measure().start(Kind::Update);
        update(self.world().pool(), region, outputs, inputs, rule).map_err(refused)?;
        timing.finish(region.len(), I::BYTES + 2 * O::BYTES);
        Ok(())
    }
}

fn refused(error: KernelError) -> Error {
    Error::new(ErrorKind::Argument, error.to_string())
}
