//! Halo exchange of one field.

use parhelion_kernels::{Element, Pattern};

use crate::error::Result;
use crate::field::Field;
use crate::halo::HaloPlan;
use crate::measure::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// Fills the whole halo: from neighbors, across periodic axes, and beyond walls by the
    /// boundary conditions; edges and corners too.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([6]).periodic([true]).build(&world)?;
    /// let mut u = grid.field::<i32>("u");
    /// u.fill_indexed(|[i]| i as i32);
    /// assert!(u.halo(Face::low(0)).is_err());            // stale after the fill
    /// u.exchange()?;
    /// let first = u.region_global().start[0] as i32;
    /// assert_eq!(u.halo(Face::low(0))?[0], (first + 5) % 6); // its neighbor to the left
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When a boundary condition cannot be met.
    pub fn exchange(&mut self) -> Result<()> {
        self.exchange_for(Pattern::Box, self.grid.halo_deepest())
    }

    /// Fills as much of the halo as a stencil of this pattern and radius reads (on a side where the halo
    /// is thinner, all of it).
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same arguments.
    ///
    /// # Errors
    /// When `radius` exceeds every halo width.
    pub fn exchange_for(&mut self, pattern: Pattern, radius: usize) -> Result<()> {
        if radius > self.grid.halo_deepest() {
            // The plan's refusal says what is wrong.
            return HaloPlan::builder(&self.grid).field(self).depth(radius).build().map(drop);
        }
        self.exchange_widths(pattern, self.grid.halo_to(radius))
    }

    /// Fills the halo in memory to these widths.
    pub(crate) fn exchange_widths(&mut self, pattern: Pattern, widths: [[usize; 2]; N]) -> Result<()> {
        let grid = self.grid.clone();
        let mut plan = HaloPlan::take(&grid, &mut &mut *self, pattern, widths)?;
        let timing = grid.world().measure().start_on(Kind::Exchange, &self.name);
        let done = plan.exchange(&mut *self);
        timing.finish(0, 0);
        plan.give_back(&mut &mut *self);
        done
    }
}
