//! The HDF5 file of a checkpoint, as rank 0 makes and fills it.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hdf5::plist::dataset_create::{AllocTime, FillTime};
use hdf5::{Dataset, File};

use super::any_field::AnyField;
use super::description::Description;
use super::header::{HEADER, LONGEST_DESCRIPTION};
use crate::io::{Attribute, complaint, reserve};

/// Group of the fields' values.
const FIELDS: &str = "fields";
/// Group of what describes and protects them.
const ABOUT: &str = "checkpoint";

/// Path of a field's dataset.
pub(super) fn dataset_of(field: &str) -> String {
    format!("{FIELDS}/{field}")
}

/// The places of things in the new file.
pub(super) struct NewFileLayout {
    /// The description, with the places of the fields' values.
    pub(super) description: Description,
    /// The text of the description in the file.
    pub(super) text: String,
    /// Offset of the text.
    pub(super) text_offset: u64,
    /// Offset of the checksums.
    pub(super) checksums_offset: u64,
}

/// Makes the file with everything but the values, their checksums and the header, and reserves
/// space for the values.
pub(super) fn define(
    path: &Path,
    fields: &[(String, &dyn AnyField)],
    mut description: Description,
) -> Result<NewFileLayout, String> {
    let say = |error: hdf5::Error| complaint(&error);
    let file = File::with_options()
        .with_fcpl(|list| list.userblock(HEADER))
        // values begin at pages; no other program knows of the file yet, and some file systems have
        // no locks
        .with_fapl(|list| list.alignment(1 << 16, 4096).file_locking(false))
        .create(path)
        .map_err(say)?;
    let datasets = define_fields(&file, fields).map_err(say)?;
    for (record, dataset) in description.fields.iter_mut().zip(&datasets) {
        record.data.offset = dataset.offset().ok_or_else(|| format!("{:?} has no place", record.name))?;
    }
    // datasets hold on to their file
    drop(datasets);
    description.fields.sort_by_key(|record| record.data.offset);
    let mut blocks = 0;
    for record in &mut description.fields {
        record.data.first_checksum = blocks;
        blocks += record.data.blocks();
    }
    let text = serde_json::to_string_pretty(&description).map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST_DESCRIPTION {
        let length = text.len();
        return Err(format!(
            "its description and metadata have {length} bytes, more than {LONGEST_DESCRIPTION}; make large data a field"
        ));
    }
    let [text_offset, checksums_offset] = define_about(&file, text.as_bytes(), blocks).map_err(say)?;
    file.flush().and_then(|()| file.close()).map_err(say)?;
    for record in &description.fields {
        reserve(path, record.data.offset, record.data.length).map_err(|error| error.to_string())?;
    }
    Ok(NewFileLayout { description, text, text_offset, checksums_offset })
}

fn define_fields(file: &File, fields: &[(String, &dyn AnyField)]) -> hdf5::Result<Vec<Dataset>> {
    let group = file.create_group(FIELDS)?;
    let mut datasets = Vec::new();
    for (name, field) in fields {
        let dataset = group
            .new_dataset_builder()
            .empty_as(&field.datatype()?)
            .shape(field.record(name).shape())
            .alloc_time(Some(AllocTime::Early))
            .fill_time(FillTime::Never)
            .obj_track_times(false)
            .create(name.as_str())?;
        if !field.units().is_empty() {
            Attribute::from(field.units()).write(&dataset, "units")?;
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// The offsets of the description and of the checksums.
fn define_about(file: &File, text: &[u8], checksums: u64) -> hdf5::Result<[u64; 2]> {
    let group = file.create_group(ABOUT)?;
    let builder = || group.new_dataset_builder().obj_track_times(false);
    let described = builder().with_data(text).create("description")?;
    // a dataset of nothing has no place
    let kept = builder()
        .empty::<u32>()
        .shape([checksums.max(1) as usize])
        .alloc_time(Some(AllocTime::Early))
        .create("checksums")?;
    let place =
        |dataset: &Dataset| dataset.offset().ok_or_else(|| hdf5::Error::from("a dataset has no place"));
    Ok([place(&described)?, place(&kept)?])
}

/// Writes bytes at an offset and waits until they are on disk.
pub(super) fn write_at(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(bytes, offset)?;
    file.sync_all()
}
