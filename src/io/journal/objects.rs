//! Where things lie in an HDF5 file, read from its bytes.
//!
//! HDF5 1.10 cannot say where an attribute lies, and finds the place of one chunk only by walking
//! over all chunks of the dataset. Measured with 1.10.8, 100 chunks per output: with 10⁴ chunks its
//! call takes 30 ms per output and 1.2 s for all, which is needed once when a series is resumed;
//! with 10⁵ chunks 2 s per output and more than five minutes for all. Read from the tree itself,
//! 10⁵ chunks take a few milliseconds, so this module stays until `H5Dchunk_iter` (HDF5 1.14) can
//! be relied on.
//!
//! Only the oldest form of headers and indices is understood, in which files are written by
//! default. For others the answer is `None`, and the caller asks the library.
//!
//! Source: "HDF5 File Format Specification Version 3.0", III.A.1 (B-trees), IV.A.1.a (object
//! headers), IV.A.2.i (layouts).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::io::hdf5::ffi;

/// Begins an HDF5 file.
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// Types of messages in the header of an object.
const LAYOUT: u16 = 0x0008;
const CONTINUATION: u16 = 0x0010;
/// Stands for no address.
const NOWHERE: u64 = u64::MAX;
/// Longest part of a header that is accepted as undamaged.
const LONGEST: u64 = 1 << 20;

/// The objects of a file whose numbers have the usual sizes.
pub(in crate::io) struct Objects(File);

/// A part of the header of an object.
pub(in crate::io) struct HeaderMessage {
    pub(in crate::io) kind: u16,
    /// Place of its bytes in the file.
    pub(in crate::io) offset: u64,
    pub(in crate::io) bytes: Vec<u8>,
}

/// Little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

impl Objects {
    /// `None` if addresses in the file are not plain offsets of eight bytes.
    pub(in crate::io) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = Self(File::open(path)?);
        let start = file.bytes(0, 32)?;
        // the superblock: its version, sizes of offsets and lengths, address that all others count
        // from
        let plain = start.starts_with(SIGNATURE)
            && match start[8] {
                0 => start[13..15] == [8, 8] && number(&start[24..32]) == 0,
                2 | 3 => start[9..11] == [8, 8] && number(&start[12..20]) == 0,
                _ => false,
            };
        Ok(plain.then_some(file))
    }

    fn bytes(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the header of an object is damaged"));
        }
        let mut bytes = vec![0; length as usize];
        self.0.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// The header of an object of an open file, as far as it is on disk; `None` if it is of another
    /// version.
    pub(in crate::io) fn messages(
        &self,
        file: &hdf5::File,
        path: &str,
    ) -> io::Result<Option<Vec<HeaderMessage>>> {
        let address = ffi::address(file, path).map_err(|error| io::Error::other(error.to_string()))?;
        let prefix = self.bytes(address, 16)?;
        if prefix[0] != 1 {
            return Ok(None);
        }
        let count = number(&prefix[2..4]) as usize;
        let mut parts = vec![(address + 16, number(&prefix[8..12]))];
        let mut messages: Vec<HeaderMessage> = Vec::new();
        while let Some((start, length)) = parts.pop() {
            let bytes = self.bytes(start, length)?;
            let mut at = 0;
            while at + 8 <= bytes.len() && messages.len() < count {
                let (kind, size) = (number(&bytes[at..at + 2]), number(&bytes[at + 2..at + 4]) as usize);
                let Some(data) = bytes.get(at + 8..at + 8 + size) else { break };
                if kind as u16 == CONTINUATION && size >= 16 {
                    parts.push((number(&data[..8]), number(&data[8..16])));
                }
                messages.push(HeaderMessage {
                    kind: kind as u16,
                    offset: start + at as u64 + 8,
                    bytes: data.to_vec(),
                });
                at += 8 + size;
            }
        }
        Ok(Some(messages))
    }

    /// First byte and the one after the last of all chunks of a dataset whose first index on the
    /// slowest axis is in `range`; `None` if they are indexed in another way.
    pub(in crate::io) fn chunks(
        &self,
        file: &hdf5::File,
        dataset: &str,
        range: Range<u64>,
    ) -> io::Result<Option<Vec<(u64, u64)>>> {
        let Some(messages) = self.messages(file, dataset)? else { return Ok(None) };
        let layout = messages.into_iter().find(|message| message.kind == LAYOUT).map(|it| it.bytes);
        // version 3, chunked
        let Some(layout) = layout.filter(|layout| layout.len() >= 11 && layout[..2] == [3, 2]) else {
            return Ok(None);
        };
        let mut found = Vec::new();
        let keys = usize::from(layout[2]);
        let root = number(&layout[3..11]);
        if root != NOWHERE {
            self.branch((root, None), keys, &range, &mut found)?;
        }
        Ok(Some(found))
    }

    /// Adds the chunks below a node of the tree, which must be of this level if it is known.
    fn branch(
        &self,
        (address, level): (u64, Option<u8>),
        keys: usize,
        range: &Range<u64>,
        found: &mut Vec<(u64, u64)>,
    ) -> io::Result<()> {
        let head = self.bytes(address, 24)?;
        if head[..5] != *b"TREE\x01" || level.is_some_and(|level| level != head[5]) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the index of chunks is damaged"));
        }
        let entries = number(&head[6..8]) as usize;
        // a key: bytes of the chunk, filters left out, first index per axis and within an element;
        // then the child
        let key = 8 + 8 * keys;
        let bytes = self.bytes(address + 24, (entries * (key + 8) + key) as u64)?;
        let first = |entry: usize| number(&bytes[entry * (key + 8) + 8..][..8]);
        for entry in 0..entries {
            let at = entry * (key + 8);
            let child = number(&bytes[at + key..][..8]);
            // an inner node's next key tells where the child ends
            if head[5] == 0 && range.contains(&first(entry)) {
                found.push((child, child + number(&bytes[at..at + 4])));
            } else if head[5] > 0 && first(entry) < range.end && first(entry + 1) >= range.start {
                self.branch((child, Some(head[5] - 1)), keys, range, found)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hdf5::plist::dataset_create::{AllocTime, FillTime};

    use super::*;

    /// A file with a chunked dataset, and others beside it.
    fn file(directory: &Path, shape: [usize; 3], compressed: bool) -> hdf5::File {
        let file = hdf5::File::create(directory.join("a.h5")).unwrap();
        file.new_dataset_builder().with_data(&[1, 2, 3]).create("plain").unwrap();
        let mut builder = file.new_dataset::<f64>().chunk([1, 2, 3]);
        if compressed {
            builder = builder.deflate(1);
        } else {
            builder = builder.alloc_time(Some(AllocTime::Early)).fill_time(FillTime::Never);
        }
        let dataset = builder.shape(shape).create("chunked").unwrap();
        if compressed {
            let values: Vec<f64> = (0..shape.iter().product()).map(|n| (n % 7) as f64).collect();
            dataset.write_raw(&values).unwrap();
        }
        // messages that do not fit the first part of the header
        for number in 0..9 {
            dataset.new_attr_builder().with_data(&[number; 20]).create(&*format!("more{number}")).unwrap();
        }
        file.flush().unwrap();
        file
    }

    #[test]
    fn chunks_are_where_the_library_says() {
        for compressed in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            // 40 · 3 · 3 chunks: a node of the tree has at most 64
            let (shape, counts) = ([40, 5, 7], [40, 3, 3]);
            let file = file(directory.path(), shape, compressed);
            let objects = Objects::open(&directory.path().join("a.h5")).unwrap().unwrap();
            let dataset = file.dataset("chunked").unwrap();
            for range in [0..40, 0..1, 7..8, 39..40, 20..33, 5..5] {
                let mut expected = Vec::new();
                for number in range.start * 9..range.end * 9 {
                    let first = [number / 9, number / 3 % counts[1] * 2, number % counts[2] * 3];
                    let (start, length) = ffi::chunk_place(&dataset, &first).unwrap().unwrap();
                    expected.push((start, start + length));
                }
                let range = range.start as u64..range.end as u64;
                let found = objects.chunks(&file, "chunked", range.clone()).unwrap().unwrap();
                assert_eq!(found, expected, "{range:?}");
            }
            assert!(objects.chunks(&file, "plain", 0..1).unwrap().is_none());
        }
    }

    #[test]
    fn a_hundred_thousand_chunks_are_looked_up_in_one_go() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path(), [1000, 20, 30], false);
        let objects = Objects::open(&directory.path().join("a.h5")).unwrap().unwrap();
        let begun = std::time::Instant::now();
        let found = objects.chunks(&file, "chunked", 0..1000).unwrap().unwrap();
        let all = begun.elapsed();
        assert_eq!(found.len(), 100_000);
        let begun = std::time::Instant::now();
        assert_eq!(objects.chunks(&file, "chunked", 999..1000).unwrap().unwrap(), found[99_900..]);
        let last = begun.elapsed();
        let dataset = file.dataset("chunked").unwrap();
        let begun = std::time::Instant::now();
        for number in (0..100_000).step_by(9973) {
            let first = [number / 100, number / 10 % 10 * 2, number % 10 * 3];
            let (start, length) = ffi::chunk_place(&dataset, &first).unwrap().unwrap();
            assert_eq!(found[number], (start, start + length));
        }
        println!("all: {all:?}, one output: {last:?}, the library: {:?} for 11 chunks", begun.elapsed());
    }

    #[test]
    fn other_forms_of_files_are_left_to_the_library() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new.h5");
        let file = hdf5::File::with_options().with_fapl(|list| list.libver_latest()).create(&path).unwrap();
        file.new_dataset::<f64>().chunk([1, 1]).shape([4, 4]).create("chunked").unwrap();
        file.flush().unwrap();
        if let Some(objects) = Objects::open(&path).unwrap() {
            assert!(objects.chunks(&file, "chunked", 0..4).unwrap().is_none());
        }
        let path = directory.path().join("behind.h5");
        let file = hdf5::File::with_options().with_fcpl(|list| list.userblock(512)).create(&path).unwrap();
        file.flush().unwrap();
        assert!(Objects::open(&path).unwrap().is_none());
    }
}
