//! Writing one checkpoint.

use std::fs::File;
use std::path::{Path, PathBuf};

use hdf5::OpenMode;
use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;

use super::description::Description;
use super::header::{CheckpointHeader, HEADER};
use super::snapshot::Checkpoint;
use super::{crc, file, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Draft, sync, with_datasets};
use crate::messages::on_root;
use crate::world::World;

/// The file, run and number of a checkpoint.
pub(super) struct CheckpointLabel<'a> {
    pub(super) target: &'a Path,
    pub(super) run: u64,
    pub(super) number: u64,
}

/// Writes all to a file that appears as the target when it is complete, and found to be so if
/// `read_back`. Collective.
pub(super) fn save(
    world: &World,
    label: &CheckpointLabel<'_>,
    checkpoint: &Checkpoint<'_>,
    read_back: bool,
) -> Result<()> {
    let fail = |reason: &str| {
        Error::new(ErrorKind::File, format!("cannot write checkpoint {}: {reason}", label.target.display()))
    };
    let fail_io = |error: std::io::Error| fail(&error.to_string());
    let (mut draft, mut header) = (None, None);
    let (path, text): (String, String) = on_root(world.comm(), || {
        let made = Draft::create(label.target)?;
        let places =
            file::define(&made.path, &checkpoint.fields, checkpoint.describe()).map_err(|e| fail(&e))?;
        header = Some(CheckpointHeader {
            file_length: 0,
            description: (places.text_offset, places.text.len() as u64),
            checksums: (places.checksums_offset, places.description.blocks()),
            description_crc: crc32fast::hash(places.text.as_bytes()),
            structure_crc: 0,
            run: label.run,
            number: label.number,
            step: checkpoint.step(),
        });
        let path = made.text()?;
        draft = Some(made);
        Ok((path, places.text))
    })?;
    let path = PathBuf::from(path);
    // the same text on all ranks
    let description: Description = serde_json::from_str(&text)
        .map_err(|error| Error::on_all_ranks(ErrorKind::File, error.to_string()))?;

    let names: Vec<String> = checkpoint.fields.iter().map(|(name, _)| file::dataset_of(name)).collect();
    if !names.is_empty() {
        with_datasets(world, (&path, &names, OpenMode::ReadWrite), fail, |datasets| {
            let mut done = Ok(());
            for (dataset, (_, field)) in datasets.iter().zip(&checkpoint.fields) {
                // all of them, even after a failure: the other ranks continue too
                let written = field.write(dataset);
                done = done.and(written);
            }
            done
        })?;
    }
    let checksums = checksums(world, checkpoint, &description);
    on_root(world.comm(), || {
        let header = header.as_mut().expect("rank 0 keeps the header until the end");
        let bytes: Vec<u8> = checksums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        file::write_at(&path, header.checksums.0, &bytes).map_err(fail_io)?;
        let file = File::open(&path).map_err(fail_io)?;
        header.file_length = file.metadata().map_err(fail_io)?.len();
        description.check(header.file_length, header.checksums.1).map_err(|reason| fail(&reason))?;
        header.structure_crc =
            verify::structure_crc(&file, &description, header.file_length).map_err(fail_io)?;
        Ok(())
    })?;
    // every node brings what its ranks wrote to disk
    world.agree(sync(&path).map_err(fail_io))?;
    if read_back {
        verify::forget_cached(&path);
        let share = verify::share(world, description.blocks());
        let expected = &checksums[share.start as usize..share.end as usize];
        if let Some(damage) = verify::find_damage(world, &path, &description, expected)? {
            let reason = format!("what was read back is not what was written: {damage}");
            return world.agree(Err(fail(&reason)));
        }
    }
    on_root(world.comm(), || {
        let header = header.expect("rank 0 keeps the header until the end");
        commit(&path, &header, &description, read_back).map_err(|reason| fail(&reason))?;
        draft.expect("rank 0 keeps the draft until the end").move_in_place()?;
        Ok(())
    })?;
    Ok(())
}

/// The checksums of all blocks, from the values in memory. Collective.
fn checksums(world: &World, checkpoint: &Checkpoint<'_>, description: &Description) -> Vec<u32> {
    let mut sums = Vec::new();
    for record in &description.fields {
        let (_, field) =
            checkpoint.fields.iter().find(|(name, _)| *name == record.name).expect("it was described");
        sums.extend(field.sums(&record.data));
    }
    let mut all = vec![0; sums.len()];
    if !sums.is_empty() {
        world.comm().all_reduce_into(&sums[..], &mut all[..], SystemOperation::bitwise_xor());
    }
    let mut rest = &mut all[..];
    for record in &description.fields {
        let (mine, others) = rest.split_at_mut(record.data.blocks() as usize);
        crc::complete(mine, record.data.length, record.data.block);
        rest = others;
    }
    all
}

/// Writes the header, which makes the file a checkpoint. With `read_back`, looks at the rest first
/// and at the header after. On rank 0.
fn commit(
    path: &Path,
    header: &CheckpointHeader,
    description: &Description,
    read_back: bool,
) -> Result<(), String> {
    let say = |error: std::io::Error| error.to_string();
    if read_back {
        let file = File::open(path).map_err(say)?;
        let found = verify::structure_crc(&file, description, header.file_length).map_err(say)?;
        if found != header.structure_crc {
            return Err(
                "what was read back is not what was written: the structure of the file differs".into()
            );
        }
    }
    let bytes = header.encode();
    file::write_at(path, 0, &bytes).map_err(say)?;
    if read_back {
        verify::forget_cached(path);
        let mut found = vec![0; HEADER as usize];
        let file = File::open(path).map_err(say)?;
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut found, 0).map_err(say)?;
        if found != bytes {
            return Err("what was read back is not what was written: the header differs".into());
        }
    }
    Ok(())
}
