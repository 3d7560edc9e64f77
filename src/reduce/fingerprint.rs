//! A hash to compare the bits of two fields.

use parhelion_kernels::Element;

use crate::field::Field;
use crate::stopwatch::Kind;

impl<T: Element, const N: usize> Field<T, N> {
    /// A 64-bit hash of all values with their global positions. Fields with the same bits have the
    /// same hash on any ranks × threads. Fields that differ in a single bit have different hashes,
    /// except by chance.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([9, 9]).build(&world)?;
    /// let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
    /// u.fill_indexed(|[j, i]| (j * i) as f64);
    /// v.copy_from(&u)?;
    /// assert_eq!(u.fingerprint(), v.fingerprint());
    /// v.set_global([4, 4], 16.000000000000004);
    /// assert_ne!(u.fingerprint(), v.fingerprint());
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub fn fingerprint(&self) -> u64 {
        let world = self.grid().world();
        let timing = world.measure().start_on(Kind::Reduce, self.name());
        let (shape, offset) = (self.shape_global(), self.region_global().start);
        let mut sum = 0_u64;
        for component in 0..self.components() {
            let parts = self.component(component).view().fold_rows(
                world.pool(),
                || 0_u64,
                |sum, first, row| {
                    let start = (0..N)
                        .fold(component as u64, |l, a| l * shape[a] as u64 + (first[a] + offset[a]) as u64);
                    for (i, value) in row.iter().enumerate() {
                        *sum = sum.wrapping_add(hash(start + i as u64, bytemuck::bytes_of(value)));
                    }
                },
            );
            sum = parts.into_iter().fold(sum, u64::wrapping_add);
        }
        // Adding up modulo 2^64 does not depend on the order.
        let mut total = [sum as i64];
        world.all_sum(&mut total);
        timing.finish(self.values_local(), size_of::<T>());
        total[0] as u64
    }
}

/// Mixes position and value with the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn hash(position: u64, value: &[u8]) -> u64 {
    let mix = |x: u64| {
        let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    };
    value.chunks(8).fold(mix(position.wrapping_add(0x9e37_79b9_7f4a_7c15)), |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word))
    })
}
