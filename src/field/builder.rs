//! Making fields.

use std::marker::PhantomData;

use parhelion_kernels::{Array, Element, Layout};

use super::{Boundary, Field, ValidHalo};
use crate::error::{Error, ErrorKind, Result};
use crate::grid::{Centering, Grid};

/// Builder of a [`Field`]; made by [`Grid::field_builder`].
#[derive(Clone, Debug)]
pub struct FieldBuilder<T, const N: usize> {
    grid: Grid<N>,
    name: String,
    units: String,
    centering: Centering,
    components: usize,
    element: PhantomData<fn() -> T>,
}

impl<const N: usize> Grid<N> {
    /// Makes a cell-centered field of zeros with one component and walls without flux.
    ///
    /// A field with the name of an axis, such as `x`, is refused when it is written to a file.
    /// [`field_builder`](Self::field_builder) refuses it at once.
    pub fn field<T: Element>(&self, name: impl Into<String>) -> Field<T, N> {
        FieldBuilder::new(self, name.into()).build_unchecked()
    }

    /// Starts a field that is staggered or has several components.
    pub fn field_builder<T: Element>(&self, name: impl Into<String>) -> FieldBuilder<T, N> {
        FieldBuilder::new(self, name.into())
    }
}

impl<T: Element, const N: usize> FieldBuilder<T, N> {
    fn new(grid: &Grid<N>, name: String) -> Self {
        let (units, centering) = (String::new(), Centering::Cell);
        Self { grid: grid.clone(), name, units, centering, components: 1, element: PhantomData }
    }

    /// Position of the values within a cell.
    pub fn centering(mut self, centering: Centering) -> Self {
        self.centering = centering;
        self
    }

    /// Number of components, at least 1.
    pub fn components(mut self, components: usize) -> Self {
        self.components = components;
        self
    }

    /// Physical units, for files.
    pub fn units(mut self, units: impl Into<String>) -> Self {
        self.units = units.into();
        self
    }

    /// Makes the field, all zero.
    ///
    /// # Errors
    /// When there is no component, the centering names an axis that the grid does not have, the
    /// first block of a staggered axis with walls is too thin to mirror points about its low wall,
    /// or the name is that of the field's coordinates along an axis in files (such as `x`, or
    /// `x_node` where it is staggered).
    pub fn build(self) -> Result<Field<T, N>> {
        if (0..N).any(|a| self.grid.coordinate_name(a, self.centering) == self.name) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "a field cannot be named '{}', because files store its coordinates along an axis under that name; choose \
                     another name for the field, or for the axis with axis_names",
                    self.name
                ),
            ));
        }
        self.build_with_any_name()
    }

    /// Like [`build`](Self::build), for fields that are not written to files.
    pub(crate) fn build_with_any_name(self) -> Result<Field<T, N>> {
        let axis = match self.centering {
            Centering::Face(axis) | Centering::Edge(axis) => axis,
            Centering::Cell | Centering::Node => 0,
        };
        if self.components == 0 || axis >= N {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' was asked for with {} components and centering {:?}; it needs at least 1 component and an \
                     axis below {N}",
                    self.name, self.components, self.centering
                ),
            ));
        }
        let (grid, halo) = (&self.grid, self.grid.halo());
        let first = grid.decomposition().block([0; N]).shape();
        for a in (0..N).filter(|&a| self.centering.staggered(a) && !grid.topology().periodic()[a]) {
            let [low, high] = halo[a];
            // Point 0 lies on the wall, so that point `low` is the image of the outermost halo
            // point.
            if grid.topology().procs()[a] > 1 && high == 0 && first[a] <= low {
                return Err(Error::on_all_ranks(
                    ErrorKind::Geometry,
                    format!(
                        "field '{}', staggered on axis {a} with halo {:?}, needs blocks of at least {} cells there, but the \
                         first has {}; use fewer ranks on this axis or a halo of 1 on its high side",
                        self.name,
                        halo[a],
                        low + 1,
                        first[a]
                    ),
                ));
            }
        }
        Ok(self.build_unchecked())
    }

    /// The field of a builder that needs no checks.
    pub(crate) fn build_unchecked(self) -> Field<T, N> {
        let shape = self.grid.region_global(self.centering).shape();
        let layout = Layout::new(shape, self.grid.halo(), size_of::<T>())
            .expect("the grid checked that its largest possible field fits");
        let pool = self.grid.world().pool();
        let walls = || std::array::from_fn(|_| [Boundary::default(), Boundary::default()]);
        let mut field = Field {
            name: self.name,
            units: self.units,
            centering: self.centering,
            layout,
            components: (0..self.components).map(|_| Array::zeros(pool, layout)).collect(),
            spare: Vec::new(),
            boundaries: (0..self.components).map(|_| walls()).collect(),
            valid_halo: ValidHalo::stale(),
            start_time: None,
            time_step: 0.0,
            steps: 0,
            blocking: None,
            grid: self.grid,
        };
        field.poison_halo();
        field
    }
}
