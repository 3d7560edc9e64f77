//! Time stepping: a stencil applied again and again.

use parhelion_kernels::{Array, Element, Region, Stencil};

use super::Validity;
use crate::error::ErrorKind;
use crate::measure::Kind;
use crate::{Error, Field, Result};

/// Parts into which the interior is swept while messages are under way; between two of them MPI
/// gets a chance to progress.
const PARTS_WHILE_WAITING: usize = 4;

impl<T: Element, const N: usize> Field<T, N> {
    /// Applies `stencil` to every component, `steps` times: each step exchanges what the stencil
    /// reads of the halo, meets the boundary conditions, and computes the points that need no
    /// halo while the messages are under way. The time moves on by one step each.
    ///
    /// The result has the same bits for any number of ranks and threads. (Staggered points that lie on
    /// walls of given value are set when the halo is next filled.)
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([32]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<f64>("u");
    /// u.fill_indexed(|[i]| if i == 16 { 1.0 } else { 0.0 });
    /// let heat = star_stencil::<f64, 1, 1>(|u| u.center() + 0.25 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>()));
    /// u.advance(&heat, 2)?;
    /// assert_eq!(u.probe([16])?, 0.375);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same stencil and number of steps.
    ///
    /// # Errors
    /// When the halo is thinner than the stencil's radius.
    pub fn advance<S: Stencil<T, N>>(&mut self, stencil: &S, steps: usize) -> Result<()> {
        let halo = self.grid.halo();
        if let Some(a) = (0..N).find(|&a| halo[a][0].min(halo[a][1]) < S::RADIUS) {
            return Err(Error::on_all_ranks(
                ErrorKind::Geometry,
                format!(
                    "a stencil of radius {} cannot be applied to field '{}': its halo on axis {a} is {:?}; build the grid \
                     with halo({})",
                    S::RADIUS,
                    self.name(),
                    halo[a],
                    S::RADIUS
                ),
            ));
        }
        let timing = self.grid.world().measure().start_on(Kind::Advance, &self.name);
        self.grid.world().check_same("Field::advance", &(steps, S::RADIUS, S::PATTERN))?;
        if self.spare.is_empty() {
            let pool = self.grid.world().pool();
            self.spare = self.components.iter().map(|_| Array::zeros(pool, self.layout)).collect();
        }
        // Ranks may differ in what they wrote last; whether to exchange is for all to decide.
        let mut serves = [u64::from(self.halo_serves(S::RADIUS, S::PATTERN))];
        self.grid.world().all_min(&mut serves);
        if serves[0] == 0 {
            self.invalidate_halo();
        }
        (0..steps).try_for_each(|_| self.step(stencil))?;
        timing.finish(self.layout.interior().len() * self.components.len() * steps, 2 * size_of::<T>());
        Ok(())
    }

    fn step<S: Stencil<T, N>>(&mut self, stencil: &S) -> Result<()> {
        let world = self.grid.world().clone();
        let interior = self.layout.interior();
        // The spare arrays step out of the field, which is borrowed while its halo is under way.
        let mut next = std::mem::take(&mut self.spare);
        let mut apply = |field: &Self, region: Region<N>| -> Result<()> {
            // A stencil sees no more than its radius promises, whoever wrote it.
            let seen = region.grown([[S::RADIUS; 2]; N]);
            for (component, output) in next.iter_mut().enumerate() {
                if region.is_empty() {
                    continue;
                }
                stencil
                    .apply(
                        world.pool(),
                        region,
                        output.view_mut().restricted(region),
                        field.with_halo(component).restricted(seen),
                    )
                    .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
            }
            Ok(())
        };
        if self.halo_serves(S::RADIUS, S::PATTERN) {
            apply(self, interior)?;
        } else {
            let mut plan = self.take_plan(S::PATTERN, S::RADIUS)?;
            let core = interior
                .shrunk(plan.remote_sides().map(|sides| sides.map(|remote| usize::from(remote) * S::RADIUS)));
            let mut exchange = plan.start(&mut *self)?;
            if !core.is_empty() {
                for part in 0..PARTS_WHILE_WAITING {
                    apply(exchange.fields(), core.part(part, PARTS_WHILE_WAITING))?;
                    exchange.progress();
                }
            }
            exchange.finish()?;
            self.plans.push(plan);
            for shell in interior.shells(&core) {
                apply(self, shell)?;
            }
        }
        self.spare = std::mem::replace(&mut self.components, next);
        self.steps += 1;
        self.validity = Validity::stale();
        self.poison_halo();
        Ok(())
    }
}
