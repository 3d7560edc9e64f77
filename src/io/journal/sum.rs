//! A checksum that tells torn and different files apart. (The CRC of `crc32fast` has 32 bits; the
//! journal's format needs 64.)

use std::io::{self, Write};

/// FNV-1a of 64 bits, which is enough to find accidents.
pub(in crate::io) struct Sum(pub(in crate::io) u64);

impl Default for Sum {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    pub(in crate::io) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// A writer that sums the bytes that it passes on.
pub(in crate::io) struct Summing<W> {
    pub(in crate::io) inner: W,
    pub(in crate::io) sum: Sum,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.add(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
