//! The depth to which each side of a halo is valid.

use parhelion_kernels::{Element, Pattern};

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;

/// Depth to which a halo holds the current values of neighbors and boundary conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidHalo<const N: usize> {
    /// `[low, high]` for each axis, in cells.
    pub(crate) depth: [[usize; 2]; N],
    /// Whether edges and corners are valid to that depth too.
    pub(crate) corners: bool,
}

impl<const N: usize> ValidHalo<N> {
    pub(crate) fn stale() -> Self {
        Self { depth: [[0; 2]; N], corners: false }
    }

    /// Returns whether a stencil of this radius and pattern may read the halo.
    pub(crate) fn serves(&self, radius: usize, pattern: Pattern) -> bool {
        let corners = self.corners || pattern == Pattern::Star || N == 1;
        radius == 0 || corners && self.depth.iter().flatten().all(|&depth| depth >= radius)
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// Depth in cells to which each side of the halo is valid, `[low, high]` for each axis.
    pub fn halo_depth(&self) -> [[usize; 2]; N] {
        let halo = self.grid.halo();
        std::array::from_fn(|a| [0, 1].map(|side| self.valid_halo.depth[a][side].min(halo[a][side])))
    }

    /// Returns whether a stencil of this radius and pattern may read the halo now.
    pub fn halo_serves(&self, radius: usize, pattern: Pattern) -> bool {
        self.valid_halo.serves(radius, pattern)
    }

    /// # Errors
    /// When a stencil of this radius and pattern would read stale halo cells.
    pub(crate) fn require_halo(&self, radius: usize, pattern: Pattern) -> Result<()> {
        if self.valid_halo.serves(radius, pattern) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Argument,
            format!(
                "the halo of field '{}' is stale for a {pattern:?} stencil of radius {radius}: it is valid to depth {:?} \
                 {} corners; call exchange() (halo widths are {:?}) after the last write",
                self.name(),
                self.halo_depth(),
                if self.valid_halo.corners { "with" } else { "without" },
                self.grid().halo()
            ),
        ))
    }

    /// # Errors
    /// When the grid's halo is thinner than `radius`.
    pub(crate) fn check_radius(&self, radius: usize) -> Result<()> {
        let halo = self.grid.halo();
        let Some(a) = (0..N).find(|&a| halo[a][0].min(halo[a][1]) < radius) else { return Ok(()) };
        Err(Error::on_all_ranks(
            ErrorKind::Geometry,
            format!(
                "a stencil of radius {radius} cannot be applied to field '{}': its halo on axis {a} is {:?}; build the grid \
                 with halo({radius})",
                self.name(),
                halo[a],
            ),
        ))
    }

    pub(crate) fn set_valid_halo(&mut self, valid: ValidHalo<N>) {
        self.valid_halo = valid;
    }

    /// Marks the halo stale. Called by everything that writes to the interior.
    pub(crate) fn invalidate_halo(&mut self) {
        if self.valid_halo != ValidHalo::stale() {
            self.valid_halo = ValidHalo::stale();
            self.poison_halo();
        }
    }

    /// In debug builds, writes NaN to the whole halo, so that reads of stale cells are noticed.
    pub(crate) fn poison_halo(&mut self) {
        let Some(poison) = T::POISON.filter(|_| cfg!(debug_assertions)) else { return };
        let pool = self.grid.world().pool();
        for component in &mut self.components {
            let layout = *component.layout();
            for shell in layout.whole().shells(&layout.interior()) {
                component.view_mut().for_each_row(pool, shell, |_, row| row.fill(poison));
            }
        }
    }
}
