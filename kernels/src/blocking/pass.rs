//! The order in which a pass advances the cells of a block by several steps.

use std::ops::RangeInclusive;

use super::prefetch::NextTile;
use crate::{Blocking, Pool, Region};

/// The largest radius and the largest number of levels. Their product can be added to any index.
const MOST: usize = 1 << 16;

/// One pass over a block: `levels` steps of an explicit update, in tiles that stay in the cache, on
/// two arrays that hold even and odd levels.
///
/// Level `l` computes `first` less `radius · (l − 1)` cells on the sides that shrink, where the
/// halo is known at level 0 only. The other sides are walls, whose halo is made from the cells
/// themselves. The README of this folder explains the order and why no value is overwritten too
/// early.
#[derive(Clone, Debug)]
pub struct Pass<const N: usize> {
    /// Cells of the first level.
    first: Region<N>,
    shrinking: [[bool; 2]; N],
    radius: usize,
    /// Cells by which a tile lags behind itself one level earlier, at least the radius.
    lag: [usize; N],
    blocking: Blocking<N>,
    /// The level before the first.
    before: usize,
    /// The last level of all passes, at which the steps end.
    end: usize,
}

impl<const N: usize> Pass<N> {
    /// A pass whose first level computes the cells `first`, with a rule of this radius.
    ///
    /// # Panics
    /// When there is no level, a tile has no cells, or the radius or the number of levels exceeds
    /// 2¹⁶.
    pub fn new(first: Region<N>, shrinking: [[bool; 2]; N], radius: usize, blocking: Blocking<N>) -> Self {
        assert!(
            (1..=MOST).contains(&blocking.levels)
                && blocking.tile.iter().all(|&cells| cells > 0)
                && radius <= MOST,
            "no pass can be made of a blocking '{blocking}' for rules of radius {radius}: levels and tiles are at \
             least 1, levels and radius at most {MOST}"
        );
        let mut lag = [radius; N];
        if blocking.tile[N - 1] < first.shape()[N - 1] {
            lag[N - 1] = radius.next_multiple_of(ALIGNED);
        }
        Self { first, shrinking, radius, lag, blocking, before: 0, end: blocking.levels }
    }

    /// A pass of one level, which advances `cells` from the level before to `level`, of `end`
    /// levels altogether.
    ///
    /// # Panics
    /// Unless `1 ≤ level ≤ end`.
    pub fn single(cells: Region<N>, radius: usize, level: usize, end: usize) -> Self {
        assert!((1..=end).contains(&level) && radius <= MOST, "there is no level {level} of {end}");
        Self {
            first: cells,
            shrinking: [[false; 2]; N],
            radius,
            lag: [radius; N],
            blocking: Blocking::PLAIN,
            before: level - 1,
            end,
        }
    }

    /// The same pass, as one that starts `levels` levels later.
    pub fn later(mut self, levels: usize) -> Self {
        self.before += levels;
        self.end += levels;
        self
    }

    /// The levels that the pass computes.
    pub fn levels(&self) -> RangeInclusive<usize> {
        self.before + 1..=self.before + self.blocking.levels
    }

    /// The level at which the steps end. No halo is needed after it.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Radius of the rule.
    pub fn radius(&self) -> usize {
        self.radius
    }

    /// The cells that reach `level`, one of [`levels`](Self::levels).
    pub fn cells(&self, level: usize) -> Region<N> {
        let width = self.skew(level);
        self.first.shrunk(self.shrinking.map(|sides| sides.map(|shrinks| if shrinks { width } else { 0 })))
    }

    /// Cells by which a shrinking side of `level` lies inside that of the first level.
    fn skew(&self, level: usize) -> usize {
        self.radius * (level - 1 - self.before)
    }

    /// Cells by which tiles of `level` lag behind those of the first level.
    fn lag(&self, level: usize) -> [isize; N] {
        self.lag.map(|lag| (lag * (level - 1 - self.before)) as isize)
    }

    /// Calls `piece(level, cells)` on all threads of `pool`, for boxes of cells that together are
    /// the [`cells`](Self::cells) of every level. The calling thread also runs `between_tiles`
    /// between its tiles.
    ///
    /// When a piece is called, all cells of the level before within its radius are done, none of
    /// their values has been overwritten if level `l` writes to array `l mod 2`, and no other
    /// thread works on any of them.
    pub fn run(&self, pool: &Pool, piece: impl Fn(usize, Region<N>) + Sync, between_tiles: impl FnMut()) {
        self.run_with_next(pool, |level, cells, _| piece(level, cells), between_tiles);
    }

    /// As [`run`](Self::run); a piece also gets the tile that the thread computes next.
    pub(super) fn run_with_next(
        &self,
        pool: &Pool,
        piece: impl Fn(usize, Region<N>, NextTile<N>) + Sync,
        mut between_tiles: impl FnMut(),
    ) {
        let cuts = self.cuts(pool.threads());
        for inverted in self.phases(&cuts) {
            let blocks = Region::from_shape(std::array::from_fn(|a| cuts[a] - usize::from(inverted[a])));
            let mine = |thread: usize| {
                blocks.indices().skip(thread).step_by(pool.threads()).map(|block| block.map(|b| b as usize))
            };
            pool.run_with_caller(
                &|thread| mine(thread).for_each(|block| self.block(&cuts, inverted, block, &piece, || ())),
                &mut || {
                    mine(0).for_each(|block| self.block(&cuts, inverted, block, &piece, &mut between_tiles))
                },
            );
        }
    }

    /// The number of slabs on each axis for `threads` threads: as many as there are threads, the
    /// slowest axes first, but thick enough to stay apart up to the last level.
    pub(super) fn cuts(&self, threads: usize) -> [usize; N] {
        let thinnest = 2 * self.skew(*self.levels().end()) + 1;
        let mut left = threads;
        self.first.shape().map(|cells| {
            let cuts =
                (1..=left.min(cells / thinnest).max(1)).rev().find(|c| left.is_multiple_of(*c)).unwrap_or(1);
            left /= cuts;
            cuts
        })
    }

    /// The phases of a pass: for each axis, whether the inverted wedges between slabs are computed
    /// or the upright wedges of the slabs. A phase depends only on phases with fewer inverted axes.
    fn phases(&self, cuts: &[usize; N]) -> impl Iterator<Item = [bool; N]> {
        let needed: [bool; N] = cuts.map(|cuts| cuts > 1 && self.blocking.levels > 1);
        (0..1_usize << N)
            .map(|mask| std::array::from_fn(|a| mask >> a & 1 == 1))
            .filter(move |inverted: &[bool; N]| (0..N).all(|a| needed[a] || !inverted[a]))
    }

    /// The cells of one block of a phase at `level`.
    fn slab(&self, cuts: &[usize; N], inverted: [bool; N], block: [usize; N], level: usize) -> Region<N> {
        let skew = self.skew(level) as isize;
        let mut cells = self.cells(level);
        for a in 0..N {
            let length = self.first.shape()[a];
            let cut = |c: usize| self.first.start[a] + (c * length / cuts[a]) as isize;
            let (start, end) = if inverted[a] {
                (cut(block[a] + 1) - skew, cut(block[a] + 1) + skew)
            } else {
                let before = if block[a] == 0 { isize::MIN } else { cut(block[a]) + skew };
                let after = if block[a] + 1 == cuts[a] { isize::MAX } else { cut(block[a] + 1) - skew };
                (before, after)
            };
            cells.start[a] = cells.start[a].max(start);
            cells.end[a] = cells.end[a].min(end);
        }
        cells
    }

    /// Computes one block of a phase tile by tile: along axis 0 first, the levels of each tile
    /// innermost. A tile moves down by the lag from level to level.
    fn block(
        &self,
        cuts: &[usize; N],
        inverted: [bool; N],
        block: [usize; N],
        piece: &impl Fn(usize, Region<N>, NextTile<N>),
        mut between_tiles: impl FnMut(),
    ) {
        // In the frame that moves with the tiles, where a tile has the same place at all levels.
        let moving: Vec<Region<N>> = self
            .levels()
            .map(|level| self.slab(cuts, inverted, block, level).shifted(self.lag(level)))
            .collect();
        let Some(hull) = moving.iter().filter(|cells| !cells.is_empty()).copied().reduce(|a, b| a.hull(&b))
        else {
            return;
        };
        let edges: [Vec<isize>; N] =
            std::array::from_fn(|a| edges(hull.start[a], hull.end[a], self.blocking.tile[a], a + 1 == N));
        // Axis 0 runs fastest, so tile numbers are reversed.
        let tiles = Region::<N>::from_shape(reversed(std::array::from_fn(|a| edges[a].len() - 1)));
        let mut tiles = tiles.indices().map(|number: [isize; N]| {
            let tile = reversed(number).map(|i| i as usize);
            Region::new(
                std::array::from_fn(|a| edges[a][tile[a]]),
                std::array::from_fn(|a| edges[a][tile[a] + 1]),
            )
        });
        let mut next = tiles.next();
        while let Some(cells) = next {
            next = tiles.next();
            for (level, moving) in self.levels().zip(&moving) {
                let back = self.lag(level).map(|lag| -lag);
                let part = cells.intersection(moving);
                if !part.is_empty() {
                    let next = next.map_or(Region::new([0; N], [0; N]), |next| next.intersection(moving));
                    let next_tile = NextTile {
                        cells: next.shifted(back),
                        first_level: level == *self.levels().start(),
                        radius: self.radius,
                        lag: self.lag,
                        cut: std::array::from_fn(|a| edges[a].len() > 2),
                    };
                    piece(level, part.shifted(back), next_tile);
                }
            }
            between_tiles();
        }
    }
}

/// Rows of tiles start at multiples of this number of cells: on cache lines, for elements of 4
/// bytes or more.
pub(super) const ALIGNED: usize = 16;

/// The starts of the tiles of an axis, and the end of the last one.
fn edges(start: isize, end: isize, tile: usize, rows: bool) -> Vec<isize> {
    let length = (end - start) as usize;
    if tile >= length {
        return vec![start, end];
    }
    if rows {
        let tile = tile.next_multiple_of(ALIGNED);
        let first = start.div_euclid(ALIGNED as isize) * ALIGNED as isize;
        let inner = (first..).step_by(tile).skip(1).take_while(|&edge| edge < end);
        return std::iter::once(start).chain(inner).chain([end]).collect();
    }
    let tiles = length.div_ceil(tile);
    (0..=tiles).map(|i| start + (i * length / tiles) as isize).collect()
}

fn reversed<I: Copy, const N: usize>(values: [I; N]) -> [I; N] {
    std::array::from_fn(|a| values[N - 1 - a])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::sync::Mutex;

    /// The level of every cell in each of the two arrays while a pass runs.
    struct Levels<const N: usize> {
        arrays: [HashMap<[isize; N], usize>; 2],
    }

    impl<const N: usize> Levels<N> {
        fn compute(&mut self, pass: &Pass<N>, level: usize, piece: Region<N>) {
            let inside = |i: [isize; N]| level == 1 || pass.cells(level - 1).contains(i);
            for index in piece.indices() {
                let reach = Region::new(index, index.map(|i| i + 1)).grown([[pass.radius; 2]; N]);
                for neighbor in reach.indices().filter(|&i| inside(i)) {
                    let found = self.arrays[(level - 1) % 2].get(&neighbor).copied().unwrap_or(0);
                    assert_eq!(found, level - 1, "level {level} of {index:?} reads {neighbor:?}");
                }
            }
            for index in piece.indices() {
                self.arrays[level % 2].insert(index, level);
            }
        }
    }

    fn check<const N: usize>(pass: &Pass<N>, threads: usize, seed: u64) {
        let cuts = pass.cuts(threads);
        let mut levels = Levels { arrays: [HashMap::new(), HashMap::new()] };
        let mut random = seed;
        for inverted in pass.phases(&cuts) {
            let blocks = Region::from_shape(std::array::from_fn(|a| cuts[a] - usize::from(inverted[a])));
            // The pieces of each block of the phase, interleaved at random as threads would.
            let mut work: Vec<Vec<(usize, Region<N>)>> = blocks
                .indices()
                .map(|block| {
                    let pieces = Mutex::new(Vec::new());
                    let note = |level, cells, _| pieces.lock().unwrap().push((level, cells));
                    pass.block(&cuts, inverted, block.map(|b| b as usize), &note, || ());
                    let mut pieces = pieces.into_inner().unwrap();
                    pieces.reverse();
                    pieces
                })
                .filter(|pieces: &Vec<_>| !pieces.is_empty())
                .collect();
            while !work.is_empty() {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let block = (random >> 33) as usize % work.len();
                let (level, cells) = work[block].pop().unwrap();
                levels.compute(pass, level, cells);
                if work[block].is_empty() {
                    work.swap_remove(block);
                }
            }
        }
        let last = *pass.levels().end();
        for index in pass.cells(last).indices() {
            assert_eq!(levels.arrays[last % 2].get(&index), Some(&last), "{index:?}");
        }
        for index in if last > 1 { pass.cells(last - 1) } else { Region::new([0; N], [0; N]) }.indices() {
            assert_eq!(levels.arrays[(last - 1) % 2].get(&index), Some(&(last - 1)), "{index:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_value_is_missing_or_overwritten_in_two_dimensions(
            shape in prop::array::uniform2(1_usize..30),
            shrinking in prop::array::uniform2(prop::array::uniform2(any::<bool>())),
            radius in 0_usize..3,
            levels in 1_usize..6,
            tile in prop::array::uniform2(1_usize..12),
            threads in 1_usize..9,
            seed in any::<u64>(),
        ) {
            let first = Region::from_shape(shape).shifted([-2, 3]);
            check(&Pass::new(first, shrinking, radius, Blocking { levels, tile }), threads, seed);
        }

        #[test]
        fn no_value_is_missing_or_overwritten_in_three_dimensions(
            shape in prop::array::uniform3(1_usize..14),
            shrinking in prop::array::uniform3(prop::array::uniform2(any::<bool>())),
            radius in 1_usize..3,
            levels in 1_usize..5,
            tile in prop::array::uniform3(1_usize..7),
            threads in 1_usize..9,
            seed in any::<u64>(),
        ) {
            check(&Pass::new(Region::from_shape(shape), shrinking, radius, Blocking { levels, tile }), threads, seed);
        }
    }

    #[test]
    fn threads_share_both_axes_where_one_is_too_thin() {
        let pass =
            Pass::new(Region::from_shape([20, 40]), [[false; 2]; 2], 1, Blocking { levels: 5, tile: [1, 8] });
        assert_eq!(pass.cuts(4), [2, 2]);
        assert_eq!(pass.cuts(8), [2, 4]);
        check(&pass, 8, 1);
    }
}
