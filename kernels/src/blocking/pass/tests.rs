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
        // Beyond walls with a reach, the halo has been filled.
        let halo = std::array::from_fn(|a| [0, 1].map(|side| pass.radius * usize::from(wall(pass, a, side))));
        let inside = |i: [isize; N]| level == 1 || pass.cells(level - 1).grown(halo).contains(i);
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
        if level < pass.end {
            self.fill(pass, level, piece, 0);
        }
    }

    /// The halo beyond walls on the axes from `from` on, as `WallHalo` fills it after `piece`.
    fn fill(&mut self, pass: &Pass<N>, level: usize, piece: Region<N>, from: usize) {
        for (a, side) in (from..N).flat_map(|a| [(a, 0), (a, 1)]).filter(|&(a, side)| wall(pass, a, side)) {
            let (radius, reach) = (pass.radius as isize, pass.reach[a] as isize);
            let (start, end) = (pass.first.start[a], pass.first.end[a]);
            let outermost = if side == 0 { start..start + reach } else { end - reach..end };
            let halo = if side == 0 { start - radius..start } else { end..end + radius };
            if !(piece.start[a]..piece.end[a]).contains(&(outermost.end - 1)) {
                continue;
            }
            for index in piece.with_axis(a, outermost.start, outermost.end).indices() {
                let found = self.arrays[level % 2].get(&index);
                assert_eq!(found, Some(&level), "the halo of level {level} beside {index:?} on axis {a}");
            }
            let filled = piece.with_axis(a, halo.start, halo.end);
            self.arrays[level % 2].extend(filled.indices().map(|index| (index, level)));
            self.fill(pass, level, filled, a + 1);
        }
    }
}

/// Whether there is a wall whose halo depends on outermost cells.
fn wall<const N: usize>(pass: &Pass<N>, axis: usize, side: usize) -> bool {
    !pass.shrinking[axis][side] && pass.reach[axis] > 0
}

/// The pass with this reach, or as much of it as its levels have cells.
fn reaching<const N: usize>(pass: Pass<N>, reach: [usize; N]) -> Pass<N> {
    let least = pass.cells((pass.end - 1).max(1)).shape();
    pass.with_reach(std::array::from_fn(|a| reach[a].min(least[a])))
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
        reach in prop::array::uniform2(0_usize..6),
        seed in any::<u64>(),
    ) {
        let first = Region::from_shape(shape).shifted([-2, 3]);
        let pass = Pass::new(first, shrinking, radius, Blocking { levels, tile });
        check(&reaching(pass, reach), threads, seed);
    }

    #[test]
    fn no_value_is_missing_or_overwritten_in_three_dimensions(
        shape in prop::array::uniform3(1_usize..14),
        shrinking in prop::array::uniform3(prop::array::uniform2(any::<bool>())),
        radius in 1_usize..3,
        levels in 1_usize..5,
        tile in prop::array::uniform3(1_usize..7),
        threads in 1_usize..9,
        reach in prop::array::uniform3(0_usize..4),
        seed in any::<u64>(),
    ) {
        let pass = Pass::new(Region::from_shape(shape), shrinking, radius, Blocking { levels, tile });
        check(&reaching(pass, reach), threads, seed);
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
