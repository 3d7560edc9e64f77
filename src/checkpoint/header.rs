//! The header of a checkpoint file: what a reader needs before it may trust anything else. It is
//! written last, so that it marks the file as complete.

use serde::{Deserialize, Serialize};

/// Bytes before the HDF5 file proper, its "user block".
pub(super) const HEADER: u64 = 4096;
/// The format that this library writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;
/// Longest description that is written or read.
pub(super) const LONGEST_DESCRIPTION: u64 = 16 << 20;

/// No text file begins like this, and a transfer as text would change it.
const MAGIC: [u8; 16] = *b"\x89PARHELION-CP\r\n\x1a";
/// Where the header's own checksum lies, in every version.
const CHECKSUM: usize = HEADER as usize - 4;

/// What the header says. Offsets count from the beginning of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckpointHeader {
    /// Bytes of the whole file.
    pub(super) file_length: u64,
    /// Offset and length of the description.
    pub(super) description: (u64, u64),
    /// Offset and number of the blocks' checksums.
    pub(super) checksums: (u64, u64),
    pub(super) description_crc: u32,
    /// Of all bytes after the header that are no values of fields.
    pub(super) structure_crc: u32,
    /// What the checkpoints of one run, and of its continuations, have in common.
    pub(super) run: u64,
    /// Grows from checkpoint to checkpoint of a name.
    pub(super) number: u64,
    pub(super) step: u64,
}

/// The reason why a file cannot be used as a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Flaw {
    /// It is not a complete checkpoint, so an older one may be used.
    Damaged(String),
    /// It may be intact, but a person has to look at it.
    Unreadable(String),
}

impl CheckpointHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((HEADER as u32).to_le_bytes());
        let (description, checksums) = (self.description, self.checksums);
        for number in [self.file_length, description.0, description.1, checksums.0, checksums.1] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.description_crc.to_le_bytes());
        bytes.extend(self.structure_crc.to_le_bytes());
        for number in [self.run, self.number, self.step] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.resize(CHECKSUM, 0);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the first bytes of a file of this length.
    pub(super) fn decode(bytes: &[u8], actual_length: u64) -> Result<Self, Flaw> {
        let damaged = |reason: String| Err(Flaw::Damaged(reason));
        if bytes.len() < HEADER as usize {
            return damaged(format!("it has {} bytes, too few for a checkpoint", bytes.len()));
        }
        if bytes.iter().all(|&byte| byte == 0) {
            return damaged("it is incomplete: the header, which is written last, is missing".into());
        }
        if bytes[..MAGIC.len()] != MAGIC {
            return damaged("it is no checkpoint of this library: its first bytes are others".into());
        }
        let (covered, checksum) = bytes[..HEADER as usize].split_at(CHECKSUM);
        if crc32fast::hash(covered).to_le_bytes() != checksum {
            return damaged("its header (bytes 0 to 4095) is damaged".into());
        }
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let version = u32_at(16);
        if version != VERSION {
            return Err(Flaw::Unreadable(format!(
                "it has format version {version}, but this library reads version {VERSION}; use one that is newer"
            )));
        }
        let header = Self {
            file_length: u64_at(24),
            description: (u64_at(32), u64_at(40)),
            checksums: (u64_at(48), u64_at(56)),
            description_crc: u32_at(64),
            structure_crc: u32_at(68),
            run: u64_at(72),
            number: u64_at(80),
            step: u64_at(88),
        };
        if header.file_length != actual_length {
            let expected = header.file_length;
            let what = if expected > actual_length { "truncated" } else { "longer than it should be" };
            return damaged(format!("it is {what}: {actual_length} bytes instead of {expected}"));
        }
        let inside = |(offset, length): (u64, u64)| {
            offset >= HEADER && offset.checked_add(length).is_some_and(|end| end <= actual_length)
        };
        let table = (header.checksums.0, header.checksums.1.saturating_mul(4));
        if !inside(header.description) || !inside(table) {
            return damaged("its header points beyond the file".into());
        }
        if header.description.1 > LONGEST_DESCRIPTION {
            return damaged(format!("its description has {} bytes, too many", header.description.1));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> CheckpointHeader {
        CheckpointHeader {
            file_length: 10_000,
            description: (5000, 100),
            checksums: (6000, 3),
            description_crc: 1,
            structure_crc: 2,
            run: 3,
            number: 4,
            step: u64::MAX,
        }
    }

    /// Changes the header and makes its checksum right again.
    fn forged(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = header().encode();
        change(&mut bytes);
        let checksum = crc32fast::hash(&bytes[..CHECKSUM]);
        bytes[CHECKSUM..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let bytes = header().encode();
        assert_eq!(bytes.len() as u64, HEADER);
        assert_eq!(CheckpointHeader::decode(&bytes, 10_000), Ok(header()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = header().encode();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(CheckpointHeader::decode(&other, 10_000), Err(Flaw::Damaged(_))), "bit {bit}");
        }
    }

    #[test]
    fn other_files_and_other_versions_are_told_apart() {
        let reason = |bytes: &[u8], length| match CheckpointHeader::decode(bytes, length) {
            Err(Flaw::Damaged(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(b"short", 5).contains("too few"));
        assert!(reason(&[0; 4096], 4096).contains("incomplete"));
        assert!(reason(&[b'x'; 4096], 4096).contains("no checkpoint"));
        assert!(reason(&header().encode(), 9_999).contains("truncated: 9999 bytes instead of 10000"));
        assert!(reason(&header().encode(), 10_001).contains("longer"));
        let newer = forged(|bytes| bytes[16] = 2);
        let Err(Flaw::Unreadable(why)) = CheckpointHeader::decode(&newer, 10_000) else {
            panic!("read a newer format")
        };
        assert!(why.contains("version 2"), "{why}");
    }

    #[test]
    fn a_lying_header_is_refused() {
        for (at, value) in
            [(32, 9_950_u64), (32, u64::MAX), (40, u64::MAX), (48, 0), (56, u64::MAX / 2), (56, 1001)]
        {
            let lie = forged(|bytes| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes()));
            assert!(
                matches!(CheckpointHeader::decode(&lie, 10_000), Err(Flaw::Damaged(_))),
                "{value} at {at}"
            );
        }
    }
}
