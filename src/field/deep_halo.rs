//! Memory of blocked steps: halos deeper than the grid's, and the second set of arrays.

use parhelion_kernels::{Array, Element, Layout, Pattern, Region};

use super::{ComponentWalls, ValidHalo};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;

impl<T: Element, const N: usize> Field<T, N> {
    /// Makes the halo in memory at least this wide on each side.
    ///
    /// # Errors
    /// When the field then does not fit into memory.
    pub(crate) fn deepen(&mut self, widths: [[usize; 2]; N]) -> Result<()> {
        let (interior, whole) = (self.layout.interior(), self.layout.whole());
        let present: [[usize; 2]; N] = std::array::from_fn(|a| {
            [interior.start[a] - whole.start[a], whole.end[a] - interior.end[a]].map(|width| width as usize)
        });
        let wanted = std::array::from_fn(|a| [0, 1].map(|side| present[a][side].max(widths[a][side])));
        if wanted == present {
            return Ok(());
        }
        let layout = Layout::new(interior.shape(), wanted, size_of::<T>()).map_err(|error| {
            Error::new(ErrorKind::Geometry, format!("halo {wanted:?} of field '{}': {error}", self.name))
        })?;
        self.spare.clear();
        let pool = self.grid.world().pool();
        for array in &mut self.components {
            let mut deeper = Array::zeros(pool, layout);
            let old = array.view();
            deeper.view_mut().for_each_row(pool, whole, |first, row| {
                row.copy_from_slice(old.row(first, row.len()));
            });
            *array = deeper;
        }
        self.layout = layout;
        // The new part of the halo is not filled.
        self.valid_halo = ValidHalo::stale();
        self.poison_halo();
        Ok(())
    }

    /// A separate field with the values and the walls of component 0, for trials.
    pub(crate) fn copy_of_first_component(&self) -> Self {
        let mut copy = self.grid.field_builder::<T>(self.name()).centering(self.centering).build_unchecked();
        copy.boundaries[0].clone_from(&self.boundaries[0]);
        (copy.start_time, copy.time_step, copy.steps) = (self.start_time, self.time_step, self.steps);
        let values = self.view();
        copy.view_mut().for_each_row(self.pool(), self.region_local(), |first, row| {
            row.copy_from_slice(values.row(first, row.len()));
        });
        copy
    }

    /// Makes the second set of arrays if it does not exist.
    pub(crate) fn prepare_spare(&mut self) {
        if self.spare.is_empty() {
            let pool = self.grid.world().pool();
            self.spare = self.components.iter().map(|_| Array::zeros(pool, self.layout)).collect();
        }
    }

    /// Every component's array, its second array if there is one, and its walls.
    pub(crate) fn arrays_and_walls(
        &mut self,
    ) -> impl Iterator<Item = (&mut Array<T, N>, Option<&mut Array<T, N>>, ComponentWalls<'_, T, N>)> {
        let (surroundings, mut spare) = (self.surroundings(), self.spare.iter_mut());
        let arrays = self.components.iter_mut().zip(&self.boundaries);
        arrays.map(move |(array, conditions)| (array, spare.next(), surroundings.of(conditions)))
    }

    /// Adopts the boundary conditions of `field`, of which it holds another time level, and sets
    /// the points on walls. (Its exchange would set them too, but there may be none.)
    pub(crate) fn become_level_of(&mut self, field: &Self) {
        self.boundaries.clone_from(&field.boundaries);
        self.set_walls();
    }

    /// Makes the values after `levels` steps the values of the field.
    pub(crate) fn finish_steps(&mut self, levels: usize) {
        if levels % 2 == 1 {
            std::mem::swap(&mut self.components, &mut self.spare);
        }
        self.finish_in_place(levels);
    }

    /// Like [`finish_steps`](Self::finish_steps), where the values were updated in place.
    pub(crate) fn finish_in_place(&mut self, steps: usize) {
        self.steps += steps as u64;
        self.valid_halo = ValidHalo::stale();
        self.poison_halo();
    }

    /// Like [`finish_steps`](Self::finish_steps), where `previous` served as the second array. It
    /// becomes the level before.
    pub(crate) fn finish_steps_with(&mut self, previous: &mut Self, levels: usize) {
        if levels % 2 == 1 {
            std::mem::swap(&mut self.layout, &mut previous.layout);
            std::mem::swap(&mut self.components, &mut previous.components);
            std::mem::swap(&mut self.spare, &mut previous.spare);
        }
        self.steps += levels as u64;
        (previous.start_time, previous.time_step, previous.steps) =
            (self.start_time, self.time_step, self.steps - 1);
        for field in [self, previous] {
            field.valid_halo = ValidHalo::stale();
            field.poison_halo();
        }
    }

    /// Makes the halo valid to `width` on open sides, for rules of `radius`, and the points on
    /// walls too. In memory, the halo is as wide around the points `hull`.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(crate) fn fill_deep_halo(&mut self, hull: &Region<N>, width: usize, radius: usize) -> Result<()> {
        self.set_walls();
        let grid = self.grid.clone();
        let open = grid.topology().open_sides();
        let needed = open.map(|sides| sides.map(|open| if open { width } else { radius }));
        let interior = self.layout.interior();
        self.deepen(std::array::from_fn(|a| {
            [needed[a][0], needed[a][1] + (hull.end[a] - interior.end[a]).max(0) as usize]
        }))?;
        if width == 0 {
            return Ok(());
        }
        let valid = (0..N).all(|a| (0..2).all(|side| self.valid_halo.depth[a][side] >= needed[a][side]));
        let mut serves = [u64::from(valid && self.valid_halo.corners)];
        grid.world().all_min(&mut serves);
        if serves[0] == 1 {
            return Ok(());
        }
        self.exchange_widths(Pattern::Box, [[width; 2]; N])
    }
}
