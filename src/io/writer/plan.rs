//! The plan of a dataset: what the user asked for, checked, and its definition in the file.

use std::path::Path;

use hdf5::plist::dataset_create::{AllocTime, FillTime};
use hdf5::types::OwnedDynValue;
use hdf5::{Dataset, Extent, File, SimpleExtents};

use super::xdmf;
use crate::error::{Error, ErrorKind, Result};
use crate::io::block::chunking;
use crate::io::block::portion::Portion;
use crate::io::block::selection::AxisRun;
use crate::io::block::stored::Stored;
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::{compression, kinds, scales};
use crate::io::options::{Chunking, WriteOptions};
use crate::io::ranks::{largest, same_everywhere};
use crate::io::transfer::mode::TransferMode;
use crate::world::World;
use parhelion_kernels::{Element, ElementKind};

/// The attribute with the value of points that were never written.
const FILL_VALUE: &str = "_FillValue";
/// Attributes that connect datasets and scales, which users may not set.
const RESERVED: [&str; 5] = ["CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", FILL_VALUE];

/// A dataset that can be written, and that is the same on all ranks.
pub(in crate::io) struct DatasetPlan {
    /// What the dataset holds; its shape and axes are those of the chosen part of the field.
    pub(in crate::io) item: xdmf::Item,
    /// The part of the field that is written, per axis.
    runs: Vec<AxisRun>,
    /// Per axis of the field; `None` for a contiguous dataset.
    chunks: Option<Vec<usize>>,
    /// Numbers and parameters of the filters of chunks.
    filters: Vec<(i32, Vec<u32>)>,
    pub(in crate::io) mode: TransferMode,
    attributes: Vec<(String, Attribute)>,
}

impl DatasetPlan {
    /// What becomes of a field. Collective.
    ///
    /// # Errors
    /// When ranks differ or such a dataset is impossible; the same on every rank.
    pub(in crate::io) fn new<F: Stored>(
        world: &World,
        file: &Path,
        field: &F,
        options: &WriteOptions,
    ) -> Result<Self> {
        let placement = field.placement();
        let mut item = xdmf::Item {
            name: options.name.as_deref().unwrap_or(field.name()).to_owned(),
            kind: if options.single { single(F::Value::KIND) } else { F::Value::KIND },
            units: field.units().map(str::to_owned),
            axes: field.axes(),
            shape: placement.file_shape.clone(),
            components: field.components(),
        };
        let what = "the name, type, axes, shape or options of a field to be written";
        // the values of attributes are rank 0's
        let names: Vec<&str> = options.attributes.iter().map(|(name, _)| name.as_str()).collect();
        let layout = (&options.chunking, &options.compression, options.independent);
        same_everywhere(world, what, &(format!("{item:?}"), &options.selection, layout, names))?;
        let filters = options.compression.as_ref().map_or(Vec::new(), |mode| mode.resolve(world));
        let local = || {
            check_names(&item)?;
            check_options(&item, options)?;
            if let Some(reason) = compression::refusal(&filters) {
                return Err(Error::new(ErrorKind::Argument, format!("{:?} {reason}", item.name)));
            }
            let check = |component| placement.check(field.component(component).len());
            (0..item.components).try_for_each(check)?;
            options.selection.runs(&item.shape)
        };
        let runs = world.agree(local().map_err(|error| {
            let message = format!("cannot write {:?} to {}: {error}", item.name, file.display());
            Error::new(error.kind(), message)
        }))?;
        for (axis, run) in runs.iter().enumerate() {
            item.axes[axis] = item.axes[axis].part(run, item.shape[axis]);
            item.shape[axis] = run.count;
        }
        let mut attributes = options.attributes.clone();
        for (name, text) in [("units", field.units()), ("long_name", field.long_name())] {
            if let (Some(text), false) = (text, attributes.iter().any(|(known, _)| known == name)) {
                attributes.push((name.to_owned(), Attribute::from(text)));
            }
        }
        let mode = TransferMode::independently(options.independent);
        let mut plan = Self { item, runs, chunks: None, filters, mode, attributes };
        match &options.chunking {
            Chunking::Contiguous if plan.filters.is_empty() => {}
            Chunking::Given(chunks) => plan.set_chunks(chunks.clone()),
            _ => plan.choose_chunks(world, field),
        }
        Ok(plan)
    }

    /// Chunks that suit the ranks' parts. Collective.
    fn choose_chunks<F: Stored>(&mut self, world: &World, field: &F) {
        let count = self.portion(field, None).count;
        let most: Vec<usize> = count.iter().map(|&n| largest(world, n as u64) as usize).collect();
        self.set_chunks(chunking::divide(&most, self.element()));
    }

    /// Sees to it that there are chunks, as datasets with an axis of time need them. Collective.
    pub(in crate::io) fn require_chunks<F: Stored>(&mut self, world: &World, field: &F) {
        if self.chunks.is_none() {
            self.choose_chunks(world, field);
        }
    }

    fn set_chunks(&mut self, mut chunks: Vec<usize>) {
        chunks
            .iter_mut()
            .zip(&self.item.shape)
            .for_each(|(chunk, &length)| *chunk = (*chunk).min(length).max(1));
        self.chunks = (!self.is_empty()).then_some(chunks);
    }

    pub(in crate::io) fn is_compressed(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Whether the dataset has no values.
    pub(in crate::io) fn is_empty(&self) -> bool {
        self.item.shape.contains(&0)
    }

    /// Bytes of the values of all components at a point.
    fn element(&self) -> usize {
        self.item.kind.size() * self.item.components
    }

    /// Bytes of all values.
    pub(in crate::io) fn bytes(&self) -> u64 {
        self.item.shape.iter().fold(self.element() as u64, |bytes, &n| bytes.saturating_mul(n as u64))
    }

    /// What this rank writes; `slot` gives the length of the axis of time and an index on it.
    pub(in crate::io) fn portion<F: Stored>(&self, field: &F, slot: Option<(usize, usize)>) -> Portion {
        Portion::to_write(&field.placement(), &self.runs, self.item.components, slot)
    }

    /// Makes the dataset with everything but its values, and reserves their place in the file. On
    /// rank 0.
    ///
    /// With a scale of `time`, that axis comes first, of length one and extendable.
    pub(in crate::io) fn define(&self, file: &File, time: Option<&Dataset>) -> hdf5::Result<Dataset> {
        let item = &self.item;
        if file.link_exists(&item.name) {
            return Err(hdf5::Error::from("the file already holds something of that name"));
        }
        let last = (item.components > 1).then_some(item.components);
        let lengths = item.shape.iter().copied().chain(last).map(Extent::fixed);
        let shape: Vec<Extent> = time.map(|_| Extent::resizable(1)).into_iter().chain(lengths).collect();
        let mut builder = file
            .new_dataset_builder()
            .empty_as(&kinds::datatype(item.kind, kinds::COMPLEX_MEMBERS)?)
            .shape(SimpleExtents::from_vec(shape))
            // the other ranks find all space reserved: MPI-IO cannot do that
            .alloc_time(Some(AllocTime::Early))
            .fill_time(FillTime::Never)
            // equal fields make equal files
            .obj_track_times(false);
        if let Some(chunks) = &self.chunks {
            let chunk: Vec<usize> =
                time.map(|_| 1).into_iter().chain(chunks.iter().copied()).chain(last).collect();
            builder = builder.chunk(chunk);
        }
        for (number, parameters) in self.filters.iter().filter(|_| self.chunks.is_some()) {
            builder = builder.add_filter(*number, parameters);
        }
        let none: Option<OwnedDynValue> = match item.kind {
            ElementKind::F32 => Some(f32::NAN.into()),
            ElementKind::F64 => Some(f64::NAN.into()),
            _ => None,
        };
        if let Some(none) = none {
            builder = builder.fill_value(none);
        }
        let dataset = builder.create(item.name.as_str())?;
        match item.kind {
            ElementKind::F32 => attach(&dataset, f32::NAN)?,
            ElementKind::F64 => attach(&dataset, f64::NAN)?,
            _ => {}
        }
        for (name, value) in &self.attributes {
            value.write(&dataset, name)?;
        }
        scales::attach(file, &dataset, &item.axes, time)?;
        Ok(dataset)
    }
}

fn attach<T: hdf5::H5Type>(dataset: &Dataset, none: T) -> hdf5::Result<()> {
    dataset.new_attr_builder().empty::<T>().create(FILL_VALUE)?.write_scalar(&none)
}

/// The kind with single precision, for floating-point and complex kinds.
fn single(kind: ElementKind) -> ElementKind {
    match kind {
        ElementKind::F64 => ElementKind::F32,
        ElementKind::ComplexF64 => ElementKind::ComplexF32,
        other => other,
    }
}

fn refuse(reason: String) -> Result<()> {
    Err(Error::new(ErrorKind::Argument, reason))
}

/// Refuses names that a dataset and its axes cannot have.
fn check_names(item: &xdmf::Item) -> Result<()> {
    let name = &item.name;
    let names: Vec<&str> = item.axes.iter().map(|axis| axis.name.as_str()).chain([name.as_str()]).collect();
    let bad = |name: &str| name.is_empty() || name.contains(['/', '\0']) || name == ".";
    let repeated = |n: usize| names[..n].contains(&names[n]);
    if let Some(name) = names.iter().find(|name| bad(name)) {
        refuse(format!("{name:?} cannot be the name of a dataset: give one without \"/\""))
    } else if let Some(n) = (0..names.len()).find(|&n| repeated(n)) {
        let second = if n < item.axes.len() { "another axis" } else { "the field" };
        refuse(format!(
            "{:?} would name both an axis and {second}; rename one of them, or the dataset with WriteOptions::name",
            names[n]
        ))
    } else if item.components == 0 {
        refuse(format!("field {name:?} has no components"))
    } else if item.axes.len() != item.shape.len() {
        refuse(format!("field {name:?} has {} axes but {} coordinates", item.shape.len(), item.axes.len()))
    } else {
        Ok(())
    }
}

/// Refuses options that do not fit each other or the field.
fn check_options(item: &xdmf::Item, options: &WriteOptions) -> Result<()> {
    let name = &item.name;
    let floating = matches!(item.kind, ElementKind::F32 | ElementKind::ComplexF32);
    if options.single && !floating {
        return refuse(format!(
            "{name:?} holds {} values: only floating-point ones can be stored as f32",
            item.kind
        ));
    }
    if options.compression.is_some() && options.independent {
        return refuse(format!(
            "{name:?} cannot be compressed by each rank independently: HDF5 needs all of them at once; leave out one"
        ));
    }
    if let Some((reserved, _)) = options.attributes.iter().find(|(name, _)| RESERVED.contains(&&**name)) {
        return refuse(format!("attribute {reserved:?} of {name:?} is the library's"));
    }
    let Chunking::Given(chunks) = &options.chunking else { return Ok(()) };
    let refusal = chunking::refusal(chunks, item.shape.len(), item.kind.size() * item.components);
    refusal.map_or(Ok(()), |reason| refuse(format!("{name:?} cannot be chunked: {reason}")))
}

#[cfg(test)]
mod tests {
    use hdf5::OpenMode;

    use super::*;
    use crate::field::Field;
    use crate::grid::{Centering, Grid};
    use crate::io::block::selection::Selection;
    use crate::io::file::open::{open_alone, with_dataset};
    use crate::io::file::storage::cannot;
    use crate::io::transfer;
    use crate::io::transfer::sharing::SharingLimits;
    use crate::messages::on_root;
    use crate::testing::on_ranks;

    /// Limits as far below the blocks of the test as those of MPI are below blocks of many GiB.
    fn small() -> TransferMode {
        let limits = SharingLimits { long_enough: 100, at_once: 120 };
        TransferMode { independent: false, largest_call: 100, staging: 40, limits }
    }

    fn number([z, y, x]: [usize; 3]) -> f64 {
        ((z * 100 + y) * 100 + x) as f64
    }

    fn field(grid: &Grid<3>, components: usize) -> Result<Field<f64, 3>> {
        grid.field_builder("u").centering(Centering::Face(1)).components(components).build()
    }

    fn there_and_back(
        world: &World,
        path: &Path,
        options: &WriteOptions,
        components: usize,
        [from, to]: [[usize; 3]; 2],
    ) -> Result<()> {
        let mut u = field(&Grid::builder([5, 6, 7]).procs(from).build(world)?, components)?;
        for component in 0..components {
            u.component_mut(component).fill_indexed(|index| number(index) + 0.25 * component as f64);
        }
        let plan = DatasetPlan::new(world, path, &u, options)?;
        let fail = |reason: &str| cannot("use", path, reason);
        on_root(world.comm(), || {
            let define = || {
                let file = open_alone(path, OpenMode::Create)?;
                plan.define(&file, None)?;
                file.close()
            };
            define().map_err(|error: hdf5::Error| fail(&error.to_string()))
        })?;
        let portion = plan.portion(&u, None);
        with_dataset(world, (path, "u", OpenMode::ReadWrite), fail, |dataset| {
            transfer::write(world, dataset, (&u, &portion), plan.item.kind, &small())
        })?;
        let mut back = field(&Grid::builder([5, 6, 7]).procs(to).build(world)?, components)?;
        let runs = Selection::default().runs(&portion.file_shape())?;
        let portion = Portion::to_read(&back.placement(), &portion.file_shape(), &runs, &[0, 1, 2]);
        with_dataset(world, (path, "u", OpenMode::Read), fail, |dataset| {
            transfer::read(world, dataset, (&mut back, &portion), &small())
        })?;
        for component in 0..components {
            for local in back.region_local().indices() {
                let start = back.region_global().start;
                let global = std::array::from_fn(|a| (start[a] + local[a]) as usize);
                let found = back.component(component).view().get(local);
                assert_eq!(found, number(global) + 0.25 * component as f64, "{options:?} {from:?} {to:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn blocks_beyond_the_limits_go_in_many_calls() {
        let path = std::env::temp_dir().join("parhelion-pieces.h5");
        // blocks are uneven, so that ranks make different numbers of calls
        on_ranks([1, 2, 3, 4], |world| {
            let n = world.size();
            for components in [1, 3] {
                for options in [
                    WriteOptions::new().chunked(),
                    WriteOptions::new().chunks([2, 4, 3]),
                    WriteOptions::new().chunks([2, 4, 3]).compressed(1),
                ] {
                    there_and_back(world, &path, &options, components, [[1, n, 1], [1, 1, n]])?;
                }
            }
            // contiguous: with short and with long rows, and planes that ranks share
            let mut grids = vec![[1, 1, n], [1, n, 1], [n, 1, 1]];
            grids.extend((n == 4).then_some([1, 2, 2]));
            for (number, &from) in grids.iter().enumerate() {
                for &to in &grids {
                    for options in
                        [WriteOptions::new(), WriteOptions::new().as_f32(), WriteOptions::new().independent()]
                    {
                        there_and_back(world, &path, &options, 1 + 2 * (number % 2), [from, to])?;
                    }
                }
            }
            world.barrier();
            if world.rank() == 0 {
                std::fs::remove_file(&path)?;
            }
            Ok(())
        });
    }
}
