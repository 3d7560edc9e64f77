//! CRC-32 of blocks whose bytes arrive in pieces: from several ranks and threads, in any order.
//!
//! A CRC is the remainder of a polynomial over GF(2), so it is linear: the remainder of a block is
//! the exclusive or of the remainders of its pieces, each multiplied by x^8 for every byte that
//! follows the piece in the block. Each rank adds up its own pieces, straight from its memory, and
//! an exclusive or over the ranks gives the checksum of the block, no matter which rank had which
//! piece. (The usual inversion of the first and last 32 bits adds a constant, which [`complete`]
//! does.)
//!
//! The polynomial is that of zlib and IEEE 802.3, bits reflected.

use crc32fast::Hasher;

const POLYNOMIAL: u32 = 0xEDB8_8320;
/// The polynomial 1: the highest bit is the coefficient of x^0.
const ONE: u32 = 1 << 31;

/// The product of two remainders.
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        if a >> bit & 1 == 1 {
            product ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ POLYNOMIAL } else { b >> 1 };
    }
    product
}

/// The remainder of x^(8·bytes).
fn power(mut bytes: u64) -> u32 {
    let (mut result, mut square) = (ONE, ONE >> 8);
    while bytes > 0 {
        if bytes & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        bytes >>= 1;
    }
    result
}

/// The remainders of the blocks of a run of bytes, from those of the bytes that were added.
#[derive(Clone, Debug)]
pub(super) struct BlockSums {
    /// Bytes of the whole run.
    length: u64,
    /// Bytes of a block; the last may have fewer.
    block: u64,
    sums: Vec<u32>,
    /// Remainder of the bytes of the current block that were added lately, up to `position`.
    register: u32,
    position: u64,
    /// Gaps between rows repeat: the powers for the latest of them.
    gaps: [(u64, u32); 2],
}

impl BlockSums {
    pub(super) fn new(length: u64, block: u64) -> Self {
        let blocks = length.div_ceil(block) as usize;
        Self { length, block, sums: vec![0; blocks], register: 0, position: 0, gaps: [(0, ONE); 2] }
    }

    /// Adds bytes that lie at `offset` of the run. Each byte of the run is to be added once, by one
    /// rank.
    pub(super) fn add(&mut self, offset: u64, mut bytes: &[u8]) {
        assert!(offset + bytes.len() as u64 <= self.length, "bytes beyond the run");
        self.move_to(offset);
        while !bytes.is_empty() {
            let left = (self.block - self.position % self.block).min(bytes.len() as u64) as usize;
            let (now, later) = bytes.split_at(left);
            // a hasher begins with the complement of its register
            let mut hasher = Hasher::new_with_initial(!self.register);
            hasher.update(now);
            self.register = !hasher.finalize();
            self.position += left as u64;
            if self.position.is_multiple_of(self.block) {
                self.flush_block(self.position / self.block - 1);
            }
            bytes = later;
        }
    }

    /// Continues at another place; the bytes in between are zeros.
    fn move_to(&mut self, offset: u64) {
        if self.position / self.block == offset / self.block && self.position <= offset {
            self.pad(offset - self.position);
        } else {
            self.flush();
        }
        self.position = offset;
    }

    fn pad(&mut self, zeros: u64) {
        if zeros == 0 || self.register == 0 {
            return;
        }
        if self.gaps[0].0 != zeros {
            self.gaps.swap(0, 1);
        }
        if self.gaps[0].0 != zeros {
            self.gaps[0] = (zeros, power(zeros));
        }
        self.register = multiply(self.register, self.gaps[0].1);
    }

    fn flush(&mut self) {
        if self.register != 0 {
            let block = self.position / self.block;
            let end = self.length.min((block + 1) * self.block);
            self.pad(end - self.position);
            self.flush_block(block);
        }
    }

    fn flush_block(&mut self, block: u64) {
        self.sums[block as usize] ^= std::mem::take(&mut self.register);
    }

    /// The remainders; the exclusive or of those of all ranks is what [`complete`] takes.
    pub(super) fn finish(mut self) -> Vec<u32> {
        self.flush();
        self.sums
    }

    /// Adds what another thread found.
    pub(super) fn merged(self, other: Self) -> Self {
        let mut merged = Self::new(self.length, self.block);
        merged.sums = self.finish();
        merged.sums.iter_mut().zip(other.finish()).for_each(|(sum, other)| *sum ^= other);
        merged
    }
}

/// Makes the remainders of all bytes of a run the usual CRC-32 of its blocks.
pub(super) fn complete(sums: &mut [u32], length: u64, block: u64) {
    let constant = |bytes| !multiply(u32::MAX, power(bytes));
    let whole = constant(block);
    let last = sums.len().saturating_sub(1);
    for (number, sum) in sums.iter_mut().enumerate() {
        *sum ^= if number == last { constant(length - number as u64 * block) } else { whole };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_in_any_order_by_any_rank_make_the_plain_checksum(
            bytes in prop::collection::vec(any::<u8>(), 1..400),
            block in 1..100_u64,
            cuts in prop::collection::vec(0..400_usize, 0..12),
            owners in prop::collection::vec(0..3_usize, 13),
            backwards: bool,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort();
            let mut pieces: Vec<_> = cuts.windows(2).zip(owners).collect();
            if backwards {
                pieces.reverse();
            }
            let length = bytes.len() as u64;
            let mut ranks = [(); 3].map(|()| BlockSums::new(length, block));
            for (cut, owner) in pieces {
                ranks[owner].add(cut[0] as u64, &bytes[cut[0]..cut[1]]);
            }
            let [a, b, c] = ranks;
            let mut sums = a.merged(b).merged(c).finish();
            complete(&mut sums, length, block);
            let plain: Vec<u32> = bytes.chunks(block as usize).map(crc32fast::hash).collect();
            prop_assert_eq!(sums, plain);
        }
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        // the check value of the catalog of parametrised CRCs (CRC-32/ISO-HDLC)
        let mut sums = BlockSums::new(9, 16);
        sums.add(0, b"123456789");
        let mut sums = sums.finish();
        complete(&mut sums, 9, 16);
        assert_eq!(sums, [0xCBF4_3926]);
    }
}
