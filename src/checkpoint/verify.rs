//! Comparing the bytes of a file with their checksums.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crc32fast::Hasher;

use super::description::Description;
use crate::error::{Error, ErrorKind, Result};
use crate::world::World;

/// Bytes that are read at once.
const BUFFER: u64 = 1 << 20;

/// The checksum of bytes `begin..end` of a file, added to what the hasher has seen.
fn hash_bytes(
    file: &File,
    (begin, end): (u64, u64),
    buffer: &mut Vec<u8>,
    hasher: &mut Hasher,
) -> io::Result<()> {
    let mut at = begin;
    while at < end {
        buffer.resize(BUFFER.min(end - at) as usize, 0);
        file.read_exact_at(buffer, at)?;
        hasher.update(buffer);
        at += buffer.len() as u64;
    }
    Ok(())
}

/// The checksum of all bytes after the header that are no values of fields.
pub(super) fn structure_crc(file: &File, description: &Description, file_length: u64) -> io::Result<u32> {
    let (mut hasher, mut buffer) = (Hasher::new(), Vec::new());
    for gap in description.gaps(file_length) {
        hash_bytes(file, gap, &mut buffer, &mut hasher)?;
    }
    Ok(hasher.finalize())
}

/// The blocks that this rank checks.
pub(super) fn share(world: &World, blocks: u64) -> Range<u64> {
    let (rank, ranks) = (world.rank() as u128, world.size() as u128);
    let bound = |rank: u128| (u128::from(blocks) * rank / ranks) as u64;
    bound(rank)..bound(rank + 1)
}

/// Compares each rank's [`share`] of the blocks with the checksums that are `expected` of them, and
/// says what is damaged: `None` if nothing is. The answer is the same on every rank.
///
/// Collective.
pub(super) fn find_damage(
    world: &World,
    path: &Path,
    description: &Description,
    expected: &[u32],
) -> Result<Option<String>> {
    let opened = File::open(path)
        .map_err(|error| Error::new(ErrorKind::File, format!("cannot read {}: {error}", path.display())));
    let file = world.agree(opened)?;
    let (mut buffer, mut first, mut count) = (Vec::new(), u64::MAX, 0);
    for (number, &expected) in share(world, description.blocks()).zip(expected) {
        // a block that cannot be read is as useless as a damaged one
        if !matches!(block_crc(&file, description, number, &mut buffer), Ok(found) if found == expected) {
            first = first.min(number);
            count += 1;
        }
    }
    let (mut first, mut count) = ([first], [count]);
    world.all_min(&mut first);
    world.all_sum(&mut count);
    Ok((count[0] > 0).then(|| describe_damage(description, first[0], count[0])))
}

fn block_crc(file: &File, description: &Description, number: u64, buffer: &mut Vec<u8>) -> io::Result<u32> {
    let (field, block) = description.find_block(number).ok_or(io::ErrorKind::InvalidData)?;
    let (offset, length) = field.data.block(block);
    let mut hasher = Hasher::new();
    hash_bytes(file, (offset, offset + length), buffer, &mut hasher)?;
    Ok(hasher.finalize())
}

/// Where the first damaged block is, for people.
fn describe_damage(description: &Description, first: u64, count: i64) -> String {
    let blocks = description.blocks();
    let Some((field, block)) = description.find_block(first) else {
        return format!("{count} of {blocks} blocks are damaged");
    };
    let (offset, length) = field.data.block(block);
    let start = offset - field.data.offset;
    format!(
        "{count} of its {blocks} blocks of values are damaged, the first in field {:?}: values {:?} to {:?}, bytes {offset} to {}",
        field.name,
        field.index_of(start),
        field.index_of(start + length - 1),
        offset + length - 1,
    )
}

/// Lets the system forget its copy of a file that is on disk, as far as it does, so that the next
/// reader sees what is there.
pub(super) fn forget_cached(path: &Path) {
    #[cfg(target_os = "linux")]
    if let Ok(file) = File::open(path) {
        use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
        // only advice; where it is not taken, the copy in memory is compared
        let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = path;
}
