//! The choice of levels and tiles from the sizes of caches.

use super::pass::ALIGNED;
use super::{Blocking, Caches, Pass};
use crate::Region;

/// Most levels of a pass.
const MOST_LEVELS: usize = 16;

/// Cost of starting a row inside a block, in equivalent bytes of memory traffic.
const ROW_START: f64 = 4096.0;

/// Cost of a byte from the third-level cache, in equivalent bytes of memory traffic.
const THIRD_LEVEL: f64 = 0.15;

/// Cost of a byte of the strips at the low edges of tiles, relative to other bytes: threads wait
/// for it.
const WAITS: f64 = 3.0;

/// A pass pays if its cost is at most this fraction of plain sweeps, because it makes more calls.
const PAYS: f64 = 0.9;

impl<const N: usize> Blocking<N> {
    /// The blocking that the model finds fastest for a block of this shape.
    ///
    /// `open` is the number of sides with neighboring blocks on each axis, where every level but
    /// the last computes cells beyond the block. `bytes` is the size of one cell in all arrays that
    /// are read and written (16 for one state of f64). The result is [`PLAIN`](Self::PLAIN) if the
    /// block fits into the caches of its `threads`, if it is too small to be divided among them in
    /// several levels, or if the radius is so large that tiles would move about as many bytes as
    /// plain sweeps. The model does not know how much a rule computes: also try `PLAIN` for a rule
    /// of many operations.
    ///
    /// ```
    /// use parhelion_kernels::{Blocking, Caches};
    ///
    /// let caches = Caches { l1: 32 << 10, l2: 1 << 20, l3: 16 << 20 };
    /// assert!(Blocking::model([512; 3], [0; 3], 1, 16, 2, &caches).levels > 2);
    /// assert_eq!(Blocking::model([64; 3], [0; 3], 1, 16, 2, &caches), Blocking::PLAIN);
    /// ```
    pub fn model(
        shape: [usize; N],
        open: [usize; N],
        radius: usize,
        bytes: usize,
        threads: usize,
        caches: &Caches,
    ) -> Self {
        let threads = threads.max(1);
        let whole = shape.iter().fold(bytes, |whole, &cells| whole.saturating_mul(cells));
        let cached = threads.saturating_mul(caches.l2.max(caches.l3));
        // Half of a cache that others use too.
        if whole <= cached / 2 || radius == 0 && N == 1 {
            return Self::PLAIN;
        }
        let mut best = (PAYS * bytes as f64, Self::PLAIN);
        for levels in 2..=MOST_LEVELS {
            for middle in (2..=64).chain([usize::MAX]) {
                for row in [usize::MAX, 8192, 4096, 2048, 1024, 512, 256] {
                    let mut tile = [middle; N];
                    tile[N - 1] = row;
                    tile[0] = if N == 1 { row } else { 1 };
                    let blocking = Self { levels, tile };
                    let footprint = blocking.footprint(shape, radius, bytes);
                    let second = footprint <= caches.l2 as f64 * 0.75;
                    let from_third = if second { 0.0 } else { THIRD_LEVEL * bytes as f64 };
                    let cost = (blocking.moves(shape, radius, bytes) + from_third)
                        * blocking.redundancy(shape, open, radius);
                    if cost < best.0
                        && (second || footprint <= caches.l3 as f64 / 4.0)
                        && blocking.feeds(shape, radius, threads)
                    {
                        best = (cost, blocking);
                    }
                }
            }
        }
        best.1
    }

    /// Whether the axis is cut into several tiles.
    fn cuts(&self, shape: [usize; N], axis: usize) -> bool {
        self.tile[axis] < shape[axis]
    }

    /// Cells by which a tile lags behind itself from level to level.
    fn lags(&self, axis: usize, radius: usize) -> usize {
        if axis + 1 == N { radius.next_multiple_of(ALIGNED) } else { radius }
    }

    /// Cost per cell and level, in equivalent bytes of memory traffic.
    fn moves(&self, shape: [usize; N], radius: usize, bytes: usize) -> f64 {
        let mut moves = bytes as f64 / self.levels as f64;
        for axis in (1..N).filter(|&axis| self.cuts(shape, axis)) {
            // The strips at the low edge come from memory once more, and threads wait for them.
            let strips = (self.lags(axis, radius) * self.levels) as f64;
            moves *= 1.0 + WAITS * strips / self.tile[axis] as f64;
        }
        let short = N > 1 && self.cuts(shape, N - 1);
        moves + if short { ROW_START / self.tile[N - 1] as f64 } else { 0.0 }
    }

    /// Cells that a level computes on average, with those beyond open sides, relative to the cells
    /// of the block.
    fn redundancy(&self, shape: [usize; N], open: [usize; N], radius: usize) -> f64 {
        let beyond = |axis: usize| (open[axis] * radius * (self.levels - 1)) as f64 / 2.0;
        (0..N).map(|axis| 1.0 + beyond(axis) / shape[axis].max(1) as f64).product()
    }

    /// Bytes that are used again before the last level has passed.
    fn footprint(&self, shape: [usize; N], radius: usize, bytes: usize) -> f64 {
        let extent = |axis: usize| {
            let reach = self.lags(axis, radius) * self.levels;
            if axis == 0 {
                (self.tile[0].min(shape[0]) - 1 + reach + 2 * radius).max(1) as f64
            } else if self.cuts(shape, axis) {
                (self.tile[axis] + reach) as f64
            } else {
                shape[axis] as f64
            }
        };
        (0..N).map(extent).product::<f64>() * bytes as f64
    }

    /// Whether every thread gets a slab that is thick enough.
    fn feeds(&self, shape: [usize; N], radius: usize, threads: usize) -> bool {
        let pass = Pass::new(Region::from_shape(shape), [[false; 2]; N], radius, *self);
        pass.cuts(threads).iter().product::<usize>() == threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHES: Caches = Caches { l1: 32 << 10, l2: 1 << 20, l3: 16 << 20 };

    #[test]
    fn large_blocks_get_several_levels_in_the_caches() {
        for shape in [[256, 256, 256], [512, 512, 512], [1024, 300, 200]] {
            for (caches, room) in
                [(CACHES, CACHES.l3 / 4), (Caches { l3: 2 << 20, ..CACHES }, CACHES.l2 * 3 / 4)]
            {
                let blocking = Blocking::model(shape, [0; 3], 1, 16, 2, &caches);
                assert!(blocking.levels >= 4, "{blocking}");
                assert_eq!((blocking.tile[0], blocking.tile[2]), (1, usize::MAX), "{blocking}");
                // Two arrays, as many planes as there are levels, with what is read around them.
                let rows = blocking.tile[1] + blocking.levels;
                assert!((blocking.levels + 2) * rows * shape[2] * 16 <= room, "{blocking}");
            }
        }
    }

    #[test]
    fn open_sides_have_fewer_levels() {
        let levels = |open| Blocking::model([128; 3], open, 1, 16, 2, &CACHES).levels;
        assert!(levels([2; 3]) < levels([0; 3]));
    }

    #[test]
    fn a_larger_cache_has_more_levels() {
        let levels = |l2| Blocking::model([512; 3], [0; 3], 1, 16, 1, &Caches { l2, l3: 0, ..CACHES }).levels;
        assert!(levels(512 << 10) < levels(2 << 20) && levels(2 << 20) <= levels(8 << 20));
    }

    #[test]
    fn long_rows_of_planes_are_cut_on_cache_lines() {
        let blocking = Blocking::model([8000, 8000], [0; 2], 2, 16, 2, &Caches { l3: 0, ..CACHES });
        assert!(
            blocking.levels >= 4 && blocking.tile[1] < 8000 && blocking.tile[1] % ALIGNED == 0,
            "{blocking}"
        );
    }

    #[test]
    fn plain_sweeps_remain_where_blocking_does_not_pay() {
        let plain = |shape, radius, bytes, threads| {
            Blocking::model(shape, [0; 3], radius, bytes, threads, &CACHES) == Blocking::PLAIN
        };
        assert!(plain([64; 3], 1, 16, 1), "fits into the caches");
        assert!(plain([512; 3], 8, 16, 2), "tiles of so wide a rule move as much as a sweep");
        assert!(!plain([512; 3], 1, 16, 64), "64 slabs of 8 planes can be cut");
        assert!(plain([0, 5, 5], 1, 16, 2), "nothing to do");
        assert!(Blocking::model([0], [2], 1, 16, 2, &CACHES) == Blocking::PLAIN);
    }

    #[test]
    fn any_shape_is_answered_without_overflow() {
        for shape in [[usize::MAX / 64; 3], [1, 1, usize::MAX / 64], [usize::MAX / 64, 1, 1]] {
            let blocking = Blocking::model(shape, [2; 3], 3, 48, 7, &CACHES);
            assert!(blocking.levels >= 1);
        }
    }
}
