//! Dimension scales: the coordinates of each axis as separate datasets, attached to the axes.
//!
//! The HDF5 dimension scale convention is a few attributes; xarray, netCDF and h5py read it. It
//! is written here by hand because its C functions live in a second library (`hdf5_hl`) that the
//! bindings do not link. Source: "HDF5 Dimension Scale Specification", The HDF Group.

use hdf5::types::VarLenArray;
use hdf5::{Dataset, File, ObjectReference1};

use crate::io::block::stored::Axis;
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::ffi::{self, ScaleUse};

/// Attribute of the dataset: for each axis, its scales.
const DIMENSION_LIST: &str = "DIMENSION_LIST";
/// Attribute of the scale: where it is used.
const REFERENCE_LIST: &str = "REFERENCE_LIST";

/// Gives every axis of a dataset its scale, making those that the file does not have yet.
///
/// A dataset with several components has one axis more than `axes`, whose scale only counts. With a
/// scale of `time`, that axis comes first.
pub(in crate::io) fn attach(
    file: &File,
    dataset: &Dataset,
    axes: &[Axis],
    time: Option<&Dataset>,
) -> hdf5::Result<()> {
    let mut references = Vec::new();
    for (number, length) in dataset.get_shape()?.into_iter().enumerate() {
        let scale = match (time, number) {
            (Some(time), 0) => time.clone(),
            _ => match axes.get(number - usize::from(time.is_some())) {
                Some(axis) => coordinates(file, axis, length)?,
                None => component_scale(file, length)?,
            },
        };
        add_use(file, &scale, dataset, number)?;
        references.push(VarLenArray::from_slice(&[file.reference::<ObjectReference1>(&scale.name())?]));
    }
    dataset.new_attr_builder().with_data(&references).create(DIMENSION_LIST)?;
    Ok(())
}

/// Why a field with these axes does not belong in a dataset that others were written to, if it does
/// not: their coordinates must be those in the file.
pub(in crate::io) fn mismatch(file: &File, axes: &[Axis], shape: &[usize]) -> hdf5::Result<Option<String>> {
    for (axis, &length) in axes.iter().zip(shape) {
        let present = if file.link_exists(&axis.name) {
            file.dataset(&axis.name)?.read_raw::<f64>()?
        } else {
            Vec::new()
        };
        if !present.iter().copied().eq((0..length).map(|index| axis.coordinate(index))) {
            return Ok(Some(format!(
                "it lies at {:?} from {:?} on, where earlier outputs did not; a file per output may vary",
                axis.name,
                axis.coordinate(0)
            )));
        }
    }
    Ok(None)
}

/// The scale with the coordinates of an axis.
fn coordinates(file: &File, axis: &Axis, length: usize) -> hdf5::Result<Dataset> {
    let values: Vec<f64> = (0..length).map(|index| axis.coordinate(index)).collect();
    if file.link_exists(&axis.name) {
        let scale = file.dataset(&axis.name)?;
        let present = if scale.ndim() == 1 { scale.read_raw::<f64>()? } else { Vec::new() };
        if present != values {
            return Err(hdf5::Error::from(format!(
                "the file has an axis {:?} with other coordinates ({} values, the first {:?}) than this \
                 field's ({length} values, the first {:?}); name one of them differently",
                axis.name,
                present.len(),
                present.first(),
                values.first(),
            )));
        }
        return Ok(scale);
    }
    let scale =
        file.new_dataset_builder().with_data(&values).obj_track_times(false).create(axis.name.as_str())?;
    make_scale(&scale, &axis.name)?;
    if let Some(units) = &axis.units {
        Attribute::from(units.as_str()).write(&scale, "units")?;
    }
    if let Some(letter) = letter(&axis.name) {
        Attribute::from(letter).write(&scale, "axis")?;
    }
    Ok(scale)
}

/// What the CF conventions call an axis, by which other tools know it whatever it is named: `X` for
/// `x`, `x_node` or `x_4to12`.
fn letter(name: &str) -> Option<&'static str> {
    let base = name.split('_').next().unwrap_or_default();
    ["X", "Y", "Z"].into_iter().find(|letter| letter.eq_ignore_ascii_case(base))
}

/// The scale of `length` components: their numbers from 0.
fn component_scale(file: &File, length: usize) -> hdf5::Result<Dataset> {
    let name = format!("component{length}");
    if file.link_exists(&name) {
        let scale = file.dataset(&name)?;
        if scale.attr("CLASS").is_err() || scale.shape() != [length] {
            let reason = "is not the scale of components but something else; name that differently";
            return Err(hdf5::Error::from(format!("the file's {name:?} {reason}")));
        }
        return Ok(scale);
    }
    let values: Vec<i32> = (0..length as i32).collect();
    let scale = file.new_dataset_builder().with_data(&values).obj_track_times(false).create(name.as_str())?;
    make_scale(&scale, &name)?;
    Ok(scale)
}

/// Marks a dataset as a dimension scale.
pub(in crate::io) fn make_scale(scale: &Dataset, name: &str) -> hdf5::Result<()> {
    for (attribute, text) in [("CLASS", "DIMENSION_SCALE"), ("NAME", name)] {
        let kind = ffi::null_terminated(text.len() + 1)?;
        let attribute = scale.new_attr_builder().empty_as(&kind).create(attribute)?;
        ffi::write_attribute(&attribute, format!("{text}\0").as_bytes())?;
    }
    Ok(())
}

/// Whether a dataset is a dimension scale.
pub(in crate::io) fn is_scale(dataset: &Dataset) -> hdf5::Result<bool> {
    Ok(dataset.attr_names()?.iter().any(|name| name == "CLASS"))
}

/// Notes in the scale that this axis of the dataset uses it.
fn add_use(file: &File, scale: &Dataset, dataset: &Dataset, axis: usize) -> hdf5::Result<()> {
    let mut uses: Vec<ScaleUse> = Vec::new();
    if scale.attr_names()?.iter().any(|name| name == REFERENCE_LIST) {
        uses = scale.attr(REFERENCE_LIST)?.read_raw()?;
        scale.delete_attr(REFERENCE_LIST)?;
    }
    uses.push(ScaleUse { dataset: file.reference(&dataset.name())?, dimension: axis as i32 });
    scale.new_attr_builder().with_data(&uses).create(REFERENCE_LIST)?;
    Ok(())
}
