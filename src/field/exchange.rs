//! Halo exchange of one field.

use parhelion_kernels::{BoxCopy, Copies, Element, Pattern};

use super::{Field, ValidHalo};
use crate::error::Result;
use crate::grid::Grid;
use crate::halo::{
    Exchanged, FieldShape, HaloField, HaloFields, HaloFieldsSealed, HaloPlan, Inboxes, Incoming, Outboxes,
    ParcelPart,
};
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// Fills the whole halo, including edges and corners: from neighbors, across periodic axes, and
    /// beyond walls from the boundary conditions.
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

    /// Fills the part of the halo that a stencil of this pattern and radius reads. On a side where
    /// the halo is thinner, fills all of it.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same arguments.
    ///
    /// # Errors
    /// When `radius` exceeds every halo width.
    pub fn exchange_for(&mut self, pattern: Pattern, radius: usize) -> Result<()> {
        if radius > self.grid.halo_deepest() {
            // The plan's error says what is wrong.
            return HaloPlan::builder(&self.grid).field(self).depth(radius).build().map(drop);
        }
        self.exchange_widths(pattern, self.grid.halo_to(radius))
    }

    /// Fills the halo in memory to these widths.
    pub(crate) fn exchange_widths(&mut self, pattern: Pattern, widths: [[usize; 2]; N]) -> Result<()> {
        let grid = self.grid.clone();
        HaloPlan::with_kept(&grid, &mut { self }, pattern, widths, |plan, field| {
            let timing = grid.world().measure().start_on(Kind::Exchange, &field.name);
            let done = plan.exchange(&mut **field);
            timing.finish(0, 0);
            done
        })
    }
}

impl<T: Element, const N: usize> HaloField<N> for Field<T, N> {}
impl<T: Element, const N: usize> Exchanged<N> for Field<T, N> {
    fn halo_shape(&self) -> FieldShape {
        FieldShape { kind: T::KIND, components: self.components(), centering: self.centering() }
    }

    fn on_grid(&self, grid: &Grid<N>) -> bool {
        self.grid().same_as(grid)
    }

    fn pack<'a>(&'a self, parts: &[ParcelPart<N>], outboxes: &mut Outboxes<'a>, copies: &mut Copies<'a>) {
        for part in parts {
            let bytes = outboxes.take(part);
            let bytes = bytes.chunks_exact_mut(part.region.len() * size_of::<T>());
            bytes.enumerate().for_each(|(component, bytes)| {
                copies.pack(self.with_halo(component), part.region, bytes);
            });
        }
    }

    fn unpack<'a>(&'a mut self, incoming: &Incoming<N>, inboxes: &Inboxes<'a>, copies: &mut Copies<'a>) {
        for (component, cells) in self.all_with_halo_mut().enumerate() {
            copies.unpack(cells, &incoming.packing, |piece| {
                let part = &incoming.parts[piece];
                let len = part.region.len() * size_of::<T>();
                &inboxes.part(part)[component * len..][..len]
            });
        }
    }

    fn copy_within<'a>(&'a mut self, boxes: &BoxCopy<N>, copies: &mut Copies<'a>) {
        self.all_with_halo_mut().for_each(|cells| copies.within(cells, boxes));
    }

    fn fill_beyond_walls(&mut self, widths: [[usize; 2]; N], pattern: Pattern, received: bool) -> Result<()> {
        self.fill_walls(widths, pattern, received)
    }

    fn begin_exchange(&mut self) {
        self.invalidate_halo();
        self.set_walls();
    }

    fn set_halo_valid(&mut self, widths: [[usize; 2]; N], pattern: Pattern) {
        let (halo, open) = (self.grid().halo(), self.grid().topology().open_sides());
        let depth = |a: usize, side: usize| {
            if open[a][side] { widths[a][side] } else { widths[a][side].min(halo[a][side]) }
        };
        let depth = std::array::from_fn(|a| [0, 1].map(|side| depth(a, side)));
        self.set_valid_halo(ValidHalo { depth, corners: pattern == Pattern::Box || N == 1 });
    }
}

impl<T: Element, const N: usize> HaloFieldsSealed for &mut Field<T, N> {}
impl<T: Element, const N: usize> HaloFields<N> for &mut Field<T, N> {
    fn for_each<'a>(&'a mut self, visit: &mut dyn FnMut(&'a mut dyn Exchanged<N>)) {
        visit(&mut **self);
    }
}
