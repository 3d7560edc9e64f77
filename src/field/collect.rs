//! Collecting whole fields on one rank, and single points on all ranks.

use mpi::traits::{Communicator, Root};
use ndarray::{Array, ArrayView};
use parhelion_kernels::{Dimensions, Element, NdDim, Packing, Region, View, ViewMut};

use crate::error::{Error, ErrorKind, Result};
use crate::field::{Component, ComponentMut, Field};
use crate::messages::{receive, send};

/// Tag of messages that carry a block to or from one rank.
const BLOCK_TAG: i32 = 0;

impl<T: Element, const N: usize> Field<T, N>
where
    Dimensions<N>: NdDim,
{
    /// Collects all points of component 0 on rank `root` of the grid, which gets `Some(array)`.
    ///
    /// The root needs memory for the whole array. Write large fields to files instead.
    ///
    /// # Collective
    /// Over all ranks, with the same `root`.
    ///
    /// # Errors
    /// When there is no rank `root`.
    pub fn gather(&self, root: usize) -> Result<Option<Array<T, <Dimensions<N> as NdDim>::Dim>>> {
        self.component(0).gather(root)
    }

    /// Collects the points of component 0 in a box, such as a plane or a corner, on rank `root`.
    ///
    /// `region` is global. The root gets an array of the region's shape.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([8, 9]).build(&world)?;
    /// let mut u = grid.field::<i32>("u");
    /// u.fill_indexed(|[j, i]| (10 * j + i) as i32);
    /// if let Some(row) = u.gather_region(Region::new([3, 0], [4, 9]), 0)? {
    ///     assert_eq!((row.dim(), row[[0, 8]]), ((1, 9), 38));
    /// }
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks, with the same arguments.
    ///
    /// # Errors
    /// When there is no rank `root`, or the region leaves the field.
    pub fn gather_region(
        &self,
        region: Region<N>,
        root: usize,
    ) -> Result<Option<Array<T, <Dimensions<N> as NdDim>::Dim>>> {
        self.component(0).gather_region(region, root)
    }

    /// Sets all points of component 0 from an array on rank `root` of the grid; the other ranks
    /// pass `None`.
    ///
    /// # Collective
    /// Over all ranks, with the same `root`.
    ///
    /// # Errors
    /// When there is no rank `root`, or the root passes `None` or an array whose shape is not
    /// [`shape_global`](Self::shape_global). The error is the same on every rank.
    pub fn scatter(
        &mut self,
        root: usize,
        array: Option<ArrayView<'_, T, <Dimensions<N> as NdDim>::Dim>>,
    ) -> Result<()> {
        self.component_mut(0).scatter(root, array)
    }
}

impl<T: Element, const N: usize> Component<'_, T, N>
where
    Dimensions<N>: NdDim,
{
    /// Collects all points on rank `root` of the grid; see [`Field::gather`].
    ///
    /// # Collective
    /// Over all ranks, with the same `root`.
    ///
    /// # Errors
    /// As for [`Field::gather`], and when the field has no such component.
    pub fn gather(self, root: usize) -> Result<Option<Array<T, <Dimensions<N> as NdDim>::Dim>>> {
        self.gather_region(Region::from_shape(self.field.shape_global()), root)
    }

    /// Collects the points in a box on rank `root`; see [`Field::gather_region`].
    ///
    /// # Collective
    /// Over all ranks, with the same arguments.
    ///
    /// # Errors
    /// As for [`Field::gather_region`], and when the field has no such component.
    pub fn gather_region(
        self,
        region: Region<N>,
        root: usize,
    ) -> Result<Option<Array<T, <Dimensions<N> as NdDim>::Dim>>> {
        let field = self.field;
        field.check_transfer("gather", self.number, root)?;
        field.grid.world().check_same("Field::gather_region", &region)?;
        if !Region::from_shape(field.shape_global()).contains_region(&region) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' of shape {:?} does not have all points of {region:?}",
                    field.name,
                    field.shape_global()
                ),
            ));
        }
        let topology = field.grid.topology();
        let mine = field.to_local(region);
        let pack = |packed: &mut [T]| field.packing(mine).pack(field.pool(), self.view(), packed);
        if topology.rank() != root {
            if !mine.is_empty() {
                let mut packed = vec![T::zero(); mine.len()];
                pack(&mut packed);
                send(topology.comm(), root, BLOCK_TAG, bytemuck::cast_slice(&packed));
            }
            return Ok(None);
        }
        let mut array = vec![T::zero(); region.len()];
        let mut cells = ViewMut::from_slice(&mut array, region);
        let mut packed = Vec::new();
        for (rank, block) in field.blocks() {
            let part = block.intersection(&region);
            if part.is_empty() {
                continue;
            }
            packed.resize(part.len(), T::zero());
            if rank == root {
                pack(&mut packed);
            } else {
                receive(topology.comm(), rank, BLOCK_TAG, bytemuck::cast_slice_mut(&mut packed));
            }
            field.packing(part).unpack(field.pool(), &packed, cells.reborrow());
        }
        let shape = Dimensions::<N>::dim(&region.shape());
        Ok(Some(Array::from_shape_vec(shape, array).expect("the vector has one element for each point")))
    }
}

impl<T: Element, const N: usize> ComponentMut<'_, T, N>
where
    Dimensions<N>: NdDim,
{
    /// Sets all points from an array on rank `root`; see [`Field::scatter`].
    ///
    /// # Collective
    /// Over all ranks, with the same component and `root`.
    ///
    /// # Errors
    /// As for [`Field::scatter`], and when the field has no such component.
    pub fn scatter(
        &mut self,
        root: usize,
        array: Option<ArrayView<'_, T, <Dimensions<N> as NdDim>::Dim>>,
    ) -> Result<()> {
        let field = &mut *self.field;
        field.check_transfer("scatter", self.number, root)?;
        let shape = field.shape_global();
        let grid = field.grid.clone();
        let (world, topology) = (grid.world(), grid.topology());
        let checked = match &array {
            _ if topology.rank() != root => Ok(()),
            Some(array) if array.shape() == shape => Ok(()),
            Some(array) => Err(Error::new(
                ErrorKind::Argument,
                format!(
                    "an array of shape {:?} cannot fill field '{}' of shape {shape:?}",
                    array.shape(),
                    field.name
                ),
            )),
            None => Err(Error::new(
                ErrorKind::Argument,
                format!("rank {root}, the root of the scatter to field '{}', passed no array", field.name),
            )),
        };
        world.agree(checked)?;
        let local = field.region_local();
        let mut packed = Vec::new();
        if let Some(array) = array.filter(|_| topology.rank() == root) {
            let standard = array.as_standard_layout();
            let cells = View::from_slice(
                standard.as_slice().expect("an array in standard layout is a slice"),
                Region::from_shape(shape),
            );
            for (rank, block) in field.blocks() {
                packed.resize(block.len(), T::zero());
                field.packing(block).pack(world.pool(), cells, &mut packed);
                if rank == root {
                    let packing = field.packing(local);
                    packing.unpack(world.pool(), &packed, field.component_mut(self.number).view_mut());
                } else {
                    send(topology.comm(), rank, BLOCK_TAG, bytemuck::cast_slice(&packed));
                }
            }
        } else {
            packed.resize(local.len(), T::zero());
            receive(topology.comm(), root, BLOCK_TAG, bytemuck::cast_slice_mut(&mut packed));
            let packing = field.packing(local);
            packing.unpack(world.pool(), &packed, field.component_mut(self.number).view_mut());
        }
        Ok(())
    }
}

impl<T: Element, const N: usize> Component<'_, T, N> {
    /// The value at a global index, on every rank.
    ///
    /// # Collective
    /// Over all ranks, with the same component and index.
    ///
    /// # Errors
    /// When there is no such point or component.
    pub fn probe(self, index: [usize; N]) -> Result<T> {
        let (field, component) = (self.field, self.number);
        field.check_transfer("probe", component, 0)?;
        field.grid.world().check_same("Field::probe", &(component, index))?;
        if (0..N).any(|a| index[a] >= field.shape_global()[a]) {
            return Err(Error::on_all_ranks(
                ErrorKind::Argument,
                format!(
                    "field '{}' has no point {index:?}; its shape is {:?}",
                    field.name,
                    field.shape_global()
                ),
            ));
        }
        let owner = field.grid.decomposition().rank(field.grid.owner(index, field.centering));
        let mut value = [field.local_index(index).map_or(T::zero(), |local| self.view().get(local))];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut value);
        field.grid.topology().comm().process_at_rank(owner as i32).broadcast_into(bytes);
        Ok(value[0])
    }
}

impl<T: Element, const N: usize> Field<T, N> {
    /// The value of component 0 at a global index, on every rank.
    ///
    /// # Collective
    /// Over all ranks, with the same index.
    ///
    /// # Errors
    /// When there is no such point.
    pub fn probe(&self, index: [usize; N]) -> Result<T> {
        self.component(0).probe(index)
    }

    fn check_transfer(&self, what: &str, component: usize, root: usize) -> Result<()> {
        self.grid.world().check_same("Field::gather, scatter or probe", &(what, component, root))?;
        let ranks = self.grid.decomposition().ranks();
        if component < self.components() && root < ranks {
            return Ok(());
        }
        Err(Error::on_all_ranks(
            ErrorKind::Argument,
            format!(
                "cannot {what} component {component} of field '{}' with rank {root}: it has {} component(s) and the grid \
                 {ranks} rank(s)",
                self.name,
                self.components()
            ),
        ))
    }

    /// All ranks with their points in the global frame.
    fn blocks(&self) -> impl Iterator<Item = (usize, Region<N>)> + use<T, N> {
        let (grid, centering) = (self.grid.clone(), self.centering);
        (0..grid.decomposition().ranks())
            .map(move |rank| (rank, grid.block_at(grid.decomposition().coordinates(rank), centering)))
    }

    fn packing(&self, region: Region<N>) -> Packing<N> {
        Packing::new(vec![region]).expect("one box overlaps no other")
    }
}
