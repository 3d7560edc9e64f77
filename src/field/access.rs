//! Access to single points, and views of the local array.

use ndarray::{ArrayView, ArrayViewMut};
use parhelion_kernels::{Array, Dimensions, Element, NdDim, Pattern, Reach, Region, View, ViewMut};

use crate::error::{Error, ErrorKind, Result};
use crate::field::{Component, ComponentMut, Field};
use crate::grid::Face;

impl<T: Element, const N: usize> Field<T, N> {
    /// The value of a point this rank owns, by local index.
    ///
    /// # Panics
    /// When the point is not in [`region_local`](Self::region_local).
    pub fn get_local(&self, index: [isize; N]) -> T {
        self.view().get(index)
    }

    /// Writes a point this rank owns, by local index.
    ///
    /// # Panics
    /// When the point is not in [`region_local`](Self::region_local).
    pub fn set_local(&mut self, index: [isize; N], value: T) {
        self.view_mut().set(index, value);
    }

    /// The value of a point by global index, or `None` where another rank owns it.
    pub fn get_global(&self, index: [usize; N]) -> Option<T> {
        self.component(0).get_global(index)
    }

    /// Writes a point by global index on the rank that owns it, and returns whether this rank does:
    /// `false` on all ranks for a point outside the field.
    ///
    /// Call it on all ranks with the same arguments: the other ranks' halos, which may hold the
    /// point, become stale too.
    pub fn set_global(&mut self, index: [usize; N], value: T) -> bool {
        self.component_mut(0).set_global(index, value)
    }

    /// Local index of a global one, or `None` where another rank owns the point.
    pub fn local_index(&self, index: [usize; N]) -> Option<[isize; N]> {
        let (global, region) = (index.map(|i| i as isize), self.region_global());
        region.contains(global).then(|| std::array::from_fn(|a| global[a] - region.start[a]))
    }

    /// Coordinates in space of a point by global index.
    pub fn coordinates(&self, index: [usize; N]) -> [f64; N] {
        self.grid.coordinates(index.map(|i| i as isize), self.centering)
    }

    /// The owned points, local frame, for kernels.
    pub fn view(&self) -> View<'_, T, N> {
        self.component(0).view()
    }

    /// The owned points, for kernels that write; see [`sweep`](crate::grid::Grid::sweep). The halo
    /// becomes stale.
    pub fn view_mut(&mut self) -> ViewMut<'_, T, N> {
        self.component_mut(0).view_mut()
    }

    /// The owned points and the halo around them to this depth, local frame, for kernels that read
    /// rows.
    ///
    /// # Errors
    /// When part of it is stale, or the halo is thinner.
    pub fn view_to(&self, depth: usize) -> Result<View<'_, T, N>> {
        self.component(0).view_to(depth)
    }

    /// The field as input of a rule that reads all neighbors within `R` points.
    ///
    /// # Errors
    /// When the halo is stale, or thinner than `R`.
    pub fn reach<const R: usize>(&self) -> Result<Reach<'_, T, N, R>> {
        self.component(0).reach()
    }

    /// The field as input of a rule that reads neighbors within `R` points on the axes.
    ///
    /// # Errors
    /// When the faces of the halo are stale, or thinner than `R`.
    pub fn star_reach<const R: usize>(&self) -> Result<Reach<'_, T, N, R, true>> {
        self.component(0).star_reach()
    }

    /// The owned points and the grid's halo around them.
    fn with_grid_halo(&self) -> Region<N> {
        self.layout.interior().grown(self.grid.halo())
    }

    /// All points of one component, stale or not, with all of the halo in memory.
    pub(crate) fn with_halo(&self, component: usize) -> View<'_, T, N> {
        self.components[component].view()
    }

    /// All points of every component in turn, stale or not.
    pub(crate) fn all_with_halo_mut(&mut self) -> impl Iterator<Item = ViewMut<'_, T, N>> {
        self.components.iter_mut().map(Array::view_mut)
    }

    /// The whole buffer of one component in the layout of [`layout`](Self::layout).
    #[cfg(feature = "hdf5")]
    pub(crate) fn buffer(&self, component: usize) -> &[T] {
        self.components[component].buffer()
    }

    #[cfg(feature = "hdf5")]
    pub(crate) fn buffer_mut(&mut self, component: usize) -> &mut [T] {
        self.invalidate_halo();
        self.components[component].buffer_mut()
    }

    /// # Errors
    /// When a region reaches into stale parts of the halo, or beyond it.
    fn require_valid(&self, region: &Region<N>) -> Result<()> {
        let interior = self.layout.interior();
        let readable = interior.grown(self.valid_halo.depth);
        let axes_left = (0..N)
            .filter(|&a| region.start[a] < interior.start[a] || region.end[a] > interior.end[a])
            .count();
        if readable.contains_region(region) && (axes_left <= 1 || self.valid_halo.corners) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Argument,
            format!(
                "the points {region:?} of field '{}' include stale halo points: the block is {interior:?}, the halo valid \
                 to depth {:?} {} corners; call exchange() after the last write",
                self.name,
                self.valid_halo.depth,
                if self.valid_halo.corners { "with" } else { "without" }
            ),
        ))
    }
}

impl<'a, T: Element, const N: usize> Component<'a, T, N> {
    /// The owned points, local frame, for kernels.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn view(self) -> View<'a, T, N> {
        self.field.with_halo(self.number).restricted(self.field.layout.interior())
    }

    /// The owned points and the halo around them to this depth, local frame, for kernels that read
    /// rows.
    ///
    /// # Errors
    /// When part of it is stale, or the halo is thinner.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn view_to(self, depth: usize) -> Result<View<'a, T, N>> {
        self.field.require_halo(depth, Pattern::Box)?;
        let region = self.field.layout.interior().grown([[depth; 2]; N]);
        Ok(self.field.with_halo(self.number).restricted(region))
    }

    /// The component as input of a rule that reads all neighbors within `R` points.
    ///
    /// # Errors
    /// When the halo is stale, or thinner than `R`.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn reach<const R: usize>(self) -> Result<Reach<'a, T, N, R>> {
        self.field.require_halo(R, Pattern::Box)?;
        Ok(self.field.with_halo(self.number).reach())
    }

    /// The component as input of a rule that reads neighbors within `R` points on the axes.
    ///
    /// # Errors
    /// When the faces of the halo are stale, or thinner than `R`.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn star_reach<const R: usize>(self) -> Result<Reach<'a, T, N, R, true>> {
        self.field.require_halo(R, Pattern::Star)?;
        Ok(self.field.with_halo(self.number).star_reach())
    }

    /// The value of a point by global index, or `None` where another rank owns it.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn get_global(self, index: [usize; N]) -> Option<T> {
        self.field.local_index(index).map(|local| self.view().get(local))
    }

    /// All points with the halo, valid or stale: for tests of the exchange only, hence not in the
    /// documentation.
    #[doc(hidden)]
    pub fn halo_view(self) -> View<'a, T, N> {
        self.field.with_halo(self.number).restricted(self.field.with_grid_halo())
    }
}

impl<'a, T: Element, const N: usize> ComponentMut<'a, T, N> {
    /// The owned points, local frame, for kernels that write. The halo becomes stale.
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn view_mut(self) -> ViewMut<'a, T, N> {
        self.field.invalidate_halo();
        self.field.components[self.number].view_mut().restricted(self.field.layout.interior())
    }

    /// Writes a point by global index; see [`Field::set_global`].
    ///
    /// # Panics
    /// When the field has no such component.
    pub fn set_global(&mut self, index: [usize; N], value: T) -> bool {
        let local = self.field.local_index(index);
        if let Some(local) = local {
            self.reborrow().view_mut().set(local, value);
        }
        self.field.invalidate_halo();
        local.is_some()
    }
}

impl<T: Element, const N: usize> Field<T, N>
where
    Dimensions<N>: NdDim,
{
    /// The owned points as an `ndarray` view.
    pub fn interior(&self) -> ArrayView<'_, T, <Dimensions<N> as NdDim>::Dim> {
        self.view().to_ndarray()
    }

    /// The owned points as a mutable `ndarray` view. The halo becomes stale.
    pub fn interior_mut(&mut self) -> ArrayViewMut<'_, T, <Dimensions<N> as NdDim>::Dim> {
        self.view_mut().into_ndarray()
    }

    /// The owned points and the halo around them as an `ndarray` view.
    ///
    /// # Errors
    /// When part of the halo is stale: call [`exchange`](Self::exchange) first.
    pub fn whole(&self) -> Result<ArrayView<'_, T, <Dimensions<N> as NdDim>::Dim>> {
        let whole = self.with_grid_halo();
        self.require_valid(&whole)?;
        Ok(self.with_halo(0).restricted(whole).to_ndarray())
    }

    /// The halo beyond one face, without edges and corners, as an `ndarray` view.
    ///
    /// # Errors
    /// When it is stale: call [`exchange`](Self::exchange) first. When there is no such axis.
    pub fn halo(&self, face: Face) -> Result<ArrayView<'_, T, <Dimensions<N> as NdDim>::Dim>> {
        if face.axis >= N {
            let message = format!("field '{}' has no axis {}, only {N} axes", self.name, face.axis);
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let (interior, whole) = (self.layout.interior(), self.with_grid_halo());
        let (start, end) = if face.high {
            (interior.end[face.axis], whole.end[face.axis])
        } else {
            (whole.start[face.axis], interior.start[face.axis])
        };
        let region = interior.with_axis(face.axis, start, end);
        self.require_valid(&region)?;
        Ok(self.with_halo(0).restricted(region).to_ndarray())
    }
}
