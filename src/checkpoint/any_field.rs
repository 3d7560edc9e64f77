//! Fields of any type and number of axes, as a checkpoint needs them.

use hdf5::{Dataset, Datatype};

use super::crc::BlockSums;
use super::description::{ClockRecord, DataRecord, FieldRecord, GridRecord};
use super::exact::Exact;
use super::part::FieldComponent;
use crate::field::Field;
use crate::grid::{Centering, Grid};
use crate::io::{COMPLEX_MEMBERS, datatype, write_all};
use crate::world::World;
use parhelion_kernels::Element;

/// A [`Field`] whose type parameters are forgotten.
pub(super) trait AnyField {
    fn world(&self) -> &World;
    fn units(&self) -> &str;
    fn values_local(&self) -> (usize, usize);
    fn datatype(&self) -> hdf5::Result<Datatype>;

    /// The record of the field, without the place of its values.
    fn record(&self, name: &str) -> FieldRecord;

    /// Writes this rank's block. Collective.
    fn write(&self, dataset: &Dataset) -> hdf5::Result<()>;

    /// The remainders that this rank's block adds to the checksums.
    fn sums(&self, data: &DataRecord) -> Vec<u32>;
}

impl<T: Element, const N: usize> AnyField for Field<T, N> {
    fn world(&self) -> &World {
        self.grid().world()
    }

    fn units(&self) -> &str {
        self.units()
    }

    /// How many values this rank has, and the bytes of one.
    fn values_local(&self) -> (usize, usize) {
        (self.values_local(), size_of::<T>())
    }

    fn datatype(&self) -> hdf5::Result<Datatype> {
        datatype(T::KIND, COMPLEX_MEMBERS)
    }

    fn record(&self, name: &str) -> FieldRecord {
        let (grid, points) = (self.grid(), self.shape_global());
        let exact = |values: [f64; N]| values.map(Exact).to_vec();
        let values = points.iter().chain([&self.components()]).fold(1_u64, |all, &n| all * n as u64);
        let (start, step, steps) = self.clock();
        FieldRecord {
            name: name.to_owned(),
            element: T::KIND.to_string(),
            centering: match self.centering() {
                Centering::Cell => "cell".into(),
                Centering::Face(axis) => format!("face {axis}"),
                Centering::Edge(axis) => format!("edge {axis}"),
                Centering::Node => "node".into(),
            },
            points: points.to_vec(),
            components: self.components(),
            grid: GridRecord {
                cells: grid.decomposition().shape().to_vec(),
                periodic: grid.topology().periodic().to_vec(),
                origin: exact(grid.origin()),
                spacing: exact(std::array::from_fn(|a| grid.axis(a).mean_width())),
                faces: faces(grid),
            },
            clock: ClockRecord { start: start.map(Exact), step: Exact(step), steps },
            data: DataRecord::of_length(values * size_of::<T>() as u64),
        }
    }

    fn write(&self, dataset: &Dataset) -> hdf5::Result<()> {
        let mut done = Ok(());
        for component in 0..self.components() {
            // all of them, even after a failure: the other ranks continue too
            let written = write_all(self.grid().world(), dataset, &FieldComponent { field: self, component });
            done = done.and(written);
        }
        done
    }

    fn sums(&self, data: &DataRecord) -> Vec<u32> {
        let (shape, offset) = (self.shape_global(), self.region_global().start);
        let nothing = || BlockSums::new(data.length, data.block);
        let add = |component: usize| {
            self.component(component).view().fold_rows(
                self.grid().world().pool(),
                nothing,
                |sums, first, row| {
                    let index = |a: usize| (first[a] + offset[a]) as u64;
                    let start = (0..N).fold(component as u64, |value, a| value * shape[a] as u64 + index(a));
                    sums.add(start * size_of::<T>() as u64, bytemuck::cast_slice(row));
                },
            )
        };
        (0..self.components()).flat_map(add).fold(nothing(), BlockSums::merged).finish()
    }
}

/// The faces of stretched axes.
fn faces<const N: usize>(grid: &Grid<N>) -> Vec<Vec<Exact>> {
    let of_axis = |a: usize| match grid.axis(a) {
        axis if axis.is_stretched() => (0..=axis.cells()).map(|i| Exact(axis.face(i as isize))).collect(),
        _ => Vec::new(),
    };
    if grid.is_stretched() { (0..N).map(of_axis).collect() } else { Vec::new() }
}
