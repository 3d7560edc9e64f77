//! Halos deeper than the grid's, for several steps between two exchanges.

use parhelion_kernels::{Array, Element, Layout};

use super::Validity;
use crate::error::ErrorKind;
use crate::{Error, Field, Result};

impl<T: Element, const N: usize> Field<T, N> {
    /// Makes the halo in memory at least this wide on each side.
    ///
    /// # Errors
    /// When the field does not fit into memory then.
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
        self.spare.clear();
        // What is new of the halo is not filled.
        self.validity = Validity::stale();
        self.poison_halo();
        Ok(())
    }

    /// Makes the second set of arrays, unless it is there.
    pub(crate) fn prepare_spare(&mut self) {
        if self.spare.is_empty() {
            let pool = self.grid.world().pool();
            self.spare = self.components.iter().map(|_| Array::zeros(pool, self.layout)).collect();
        }
    }
}
