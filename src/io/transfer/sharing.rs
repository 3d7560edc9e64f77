//! Ranks whose blocks lie side by side in the rows of a dataset swap parts, so that each has whole
//! rows.
//!
//! Where the fastest axis is cut, the block of a rank is many short runs of bytes in the file, and
//! a file system takes much longer for many short writes than for a few long ones. So the ranks
//! that have different parts of the same rows divide the rows among themselves: each sends every
//! other rank its parts of that rank's rows, some at a time, and writes whole rows. Reading goes
//! the same way back.
//!
//! For rows of a file of 2 × 6 values, with the fastest axis cut in two:
//!
//! ```text
//! rank 0 has    a b c . . .     rank 1 has   . . . d e f     rank 0 writes  a b c d e f
//!               g h i . . .                  . . . j k l     rank 1 writes  g h i j k l
//! ```

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::{Communicator, CommunicatorCollectives};

use crate::io::block::file_box::FileBox;
use crate::io::block::portion::Portion;
use crate::world::World;

/// Most bytes of a slab: MPI counts the bytes of a message with a signed 32-bit integer.
const LARGEST_SLAB: usize = 1 << 30;

/// The division of rows among the ranks that share them.
///
/// A slab has one index on each axis before `axis`: it is a row if only the fastest axis is cut.
/// The ranks of `comm` have parts of the same slabs, and together have all of them.
pub(in crate::io) struct RowSharing {
    comm: SimpleCommunicator,
    axis: usize,
    slabs: usize,
    /// Bytes of a slab.
    slab: usize,
    /// How many slabs a rank takes at a time.
    at_once: usize,
    /// Per rank, first byte and length of every run of a slab that is its part.
    parts: Vec<Vec<(usize, usize)>>,
}

/// Buffers for the parts that ranks swap.
#[derive(Default)]
pub(in crate::io) struct SwapBuffers {
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

/// Length of contiguous runs in the file from which ranks do not share rows, and how many bytes are
/// swapped at a time.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct SharingLimits {
    pub(in crate::io) long_enough: usize,
    pub(in crate::io) at_once: usize,
}

impl Default for SharingLimits {
    fn default() -> Self {
        // a call of the system costs as much as copying a few KiB; what is swapped, thrice that,
        // stays in a core's cache
        Self { long_enough: 128 << 10, at_once: 256 << 10 }
    }
}

/// Largest count and end, and smallest start, of any rank along the axes of an array.
struct Bounds {
    count: Vec<usize>,
    whole: Vec<Range<usize>>,
}

impl Bounds {
    /// Collective.
    fn new(world: &World, ranges: &[Range<usize>]) -> Self {
        // as MPICH compares unsigned numbers as if they were signed, all have less than 64 bits
        let last = i64::MAX as u64;
        let empty = ranges.iter().any(Range::is_empty);
        let mut mine = vec![0; 3 * ranges.len()];
        for (values, range) in mine.chunks_exact_mut(3).zip(ranges).filter(|_| !empty) {
            values.copy_from_slice(&[range.len() as u64, range.end as u64, last - range.start as u64]);
        }
        let mut most = vec![0_u64; mine.len()];
        world.comm().all_reduce_into(&mine[..], &mut most[..], SystemOperation::max());
        let (count, whole) = most
            .chunks_exact(3)
            .map(|values| {
                let end = values[1] as usize;
                (values[0] as usize, (last.saturating_sub(values[2]) as usize).min(end)..end)
            })
            .unzip();
        Self { count, whole }
    }

    /// From which axis on parts are put together: the fastest one that gives runs that are long
    /// enough, if those of some rank are not so already.
    fn axis(&self, portion: &Portion, point: (u64, usize), long_enough: usize) -> Option<usize> {
        let run = |axis: usize| {
            let ranges: Vec<Range<usize>> = (0..self.count.len())
                .map(|a| if a < axis { 0..self.count[a] } else { self.whole[a].clone() })
                .collect();
            FileBox::new(portion, &ranges, point).run()
        };
        let axes = self.count.len();
        (run(axes) < long_enough).then(|| (1..axes).rev().find(|&axis| run(axis) >= long_enough)).flatten()
    }
}

impl RowSharing {
    /// The sharing that this rank takes part in, if any, and the place of all slabs of it.
    ///
    /// `ranges` are this rank's indices, and `point` the origin of the dataset and the bytes of a
    /// value. Collective.
    pub(in crate::io) fn new(
        world: &World,
        (portion, ranges): (&Portion, &[Range<usize>]),
        point: (u64, usize),
        limits: SharingLimits,
    ) -> Option<(Self, FileBox)> {
        if world.size() == 1 {
            return None;
        }
        let bounds = Bounds::new(world, ranges);
        let axis = bounds.axis(portion, point, limits.long_enough)?;
        let empty = ranges.iter().any(Range::is_empty);
        let mut hasher = DefaultHasher::new();
        ranges[..axis].hash(&mut hasher);
        // colors are not negative; should two groups have the same, both do without
        let color = (hasher.finish() & 0x7fff_ffff) as i32;
        let color = if empty { Color::undefined() } else { Color::with_value(color) };
        let comm = world.comm().split_by_color(color)?;
        let mine: Vec<u64> = ranges.iter().flat_map(|range| [range.start as u64, range.end as u64]).collect();
        let mut all = vec![0_u64; mine.len() * comm.size() as usize];
        comm.all_gather_into(&mine[..], &mut all[..]);
        let members: Vec<Vec<Range<usize>>> = all
            .chunks_exact(mine.len())
            .map(|list| list.chunks_exact(2).map(|pair| pair[0] as usize..pair[1] as usize).collect())
            .collect();
        if members.len() < 2 || !are_whole(&members, axis, &bounds.whole[axis..]) {
            return None;
        }
        let whole: Vec<Range<usize>> = [&ranges[..axis], &bounds.whole[axis..]].concat();
        let place = FileBox::new(portion, &whole, point);
        let slabs: usize = ranges[..axis].iter().map(Range::len).product();
        let slab = place.len() / slabs;
        if slabs < members.len() || slab > LARGEST_SLAB {
            return None;
        }
        let first: Vec<Range<usize>> =
            ranges[..axis].iter().map(|range| range.start..range.start + 1).collect();
        let within_slab = |behind: &[Range<usize>]| FileBox::new(portion, &[&first, behind].concat(), point);
        let one = within_slab(&bounds.whole[axis..]);
        let parts = members
            .iter()
            .map(|member| {
                let part = within_slab(&member[axis..]).relative_to(&one);
                part.segments(0..part.len()).map(|(start, part)| (start as usize, part.len())).collect()
            })
            .collect();
        let at_once = (limits.at_once / slab).max(1);
        Some((Self { comm, axis, slabs, slab, at_once, parts }, place))
    }
}

impl RowSharing {
    /// Number of times that ranks swap parts.
    pub(in crate::io) fn steps(&self) -> usize {
        self.slabs.div_ceil(self.parts.len()).div_ceil(self.at_once)
    }

    pub(in crate::io) fn axis(&self) -> usize {
        self.axis
    }

    /// Bytes of a slab.
    pub(in crate::io) fn slab(&self) -> usize {
        self.slab
    }

    /// All slabs that this rank writes or reads as a whole.
    pub(in crate::io) fn mine(&self) -> Range<usize> {
        self.of(self.rank())
    }

    /// The slabs of this rank in one step.
    pub(in crate::io) fn now(&self, step: usize) -> Range<usize> {
        self.chunk(self.rank(), step)
    }

    fn rank(&self) -> usize {
        self.comm.rank() as usize
    }

    /// The slabs that a rank writes or reads as a whole.
    fn of(&self, rank: usize) -> Range<usize> {
        let bound = |rank: usize| (self.slabs as u128 * rank as u128 / self.parts.len() as u128) as usize;
        bound(rank)..bound(rank + 1)
    }

    fn chunk(&self, rank: usize, step: usize) -> Range<usize> {
        let Range { start, end } = self.of(rank);
        let first = (start + step * self.at_once).min(end);
        first..(first + self.at_once).min(end)
    }

    /// Bytes of a rank's part of a slab.
    fn part(&self, rank: usize) -> usize {
        self.parts[rank].iter().map(|&(_, length)| length).sum()
    }

    /// The bytes of every other rank's slabs of a step that are this rank's part, and those of this
    /// rank's slabs that are their parts or its own.
    fn bytes(&self, step: usize) -> [Vec<usize>; 2] {
        let me = self.rank();
        let (mine, now) = (self.part(me), self.now(step).len());
        let others = |rank: usize| if rank == me { 0 } else { self.chunk(rank, step).len() * mine };
        let ranks = 0..self.parts.len();
        [ranks.clone().map(others).collect(), ranks.map(|rank| now * self.part(rank)).collect()]
    }

    /// Puts this rank's slabs of a step together; `gather` brings its own part of some slabs.
    /// Collective over the ranks that share.
    pub(in crate::io) fn collect(
        &self,
        step: usize,
        parcels: &mut SwapBuffers,
        mut gather: impl FnMut(Range<usize>, &mut [u8]),
        slabs: &mut [u8],
    ) {
        let SwapBuffers { outgoing, incoming } = parcels;
        let [there, here] = self.bytes(step);
        outgoing.resize(there.iter().sum(), 0);
        incoming.resize(here.iter().sum(), 0);
        let mut rest = &mut outgoing[..];
        for (rank, &bytes) in there.iter().enumerate().filter(|&(_, &bytes)| bytes > 0) {
            let (part, others) = rest.split_at_mut(bytes);
            gather(self.chunk(rank, step), part);
            rest = others;
        }
        // what stays here is not MPI's business
        gather(self.now(step), &mut incoming[self.own(&here)]);
        self.swap((outgoing, &there), (incoming, &here));
        let mut rest = &incoming[..];
        for (runs, bytes) in self.parts.iter().zip(here) {
            let (part, others) = rest.split_at(bytes);
            rest = others;
            let mut next = 0;
            for slab in slabs.chunks_exact_mut(self.slab) {
                for &(start, length) in runs {
                    slab[start..start + length].copy_from_slice(&part[next..next + length]);
                    next += length;
                }
            }
        }
    }

    /// The reverse of [`collect`](Self::collect): `scatter` is given its own part of some slabs.
    pub(in crate::io) fn distribute(
        &self,
        step: usize,
        parcels: &mut SwapBuffers,
        slabs: &[u8],
        mut scatter: impl FnMut(Range<usize>, &[u8]),
    ) {
        let SwapBuffers { outgoing, incoming } = parcels;
        let [here, there] = self.bytes(step);
        let pack = |runs: &[(usize, usize)], out: &mut Vec<u8>| {
            for slab in slabs.chunks_exact(self.slab) {
                runs.iter().for_each(|&(start, length)| out.extend(&slab[start..start + length]));
            }
        };
        outgoing.clear();
        self.parts.iter().for_each(|runs| pack(runs, outgoing));
        incoming.resize(here.iter().sum(), 0);
        self.swap((outgoing, &there), (incoming, &here));
        let mut rest = &incoming[..];
        for (rank, &bytes) in here.iter().enumerate().filter(|&(_, &bytes)| bytes > 0) {
            let (part, others) = rest.split_at(bytes);
            scatter(self.chunk(rank, step), part);
            rest = others;
        }
        scatter(self.now(step), &outgoing[self.own(&there)]);
    }

    /// Where this rank's own bytes are among those of all.
    fn own(&self, bytes: &[usize]) -> Range<usize> {
        let first = bytes[..self.rank()].iter().sum();
        first..first + bytes[self.rank()]
    }

    /// Sends `there[rank]` bytes to each rank and receives `here[rank]`; the rank's own bytes stay
    /// where they are.
    fn swap(&self, (outgoing, there): (&[u8], &[usize]), (incoming, here): (&mut [u8], &[usize])) {
        let me = self.rank();
        let counts = |list: &[usize]| -> Vec<i32> {
            list.iter().enumerate().map(|(rank, &bytes)| if rank == me { 0 } else { bytes as i32 }).collect()
        };
        let places = |list: &[usize]| -> Vec<i32> {
            list.iter().scan(0, |end, &bytes| Some(std::mem::replace(end, *end + bytes as i32))).collect()
        };
        let outgoing = Partition::new(outgoing, counts(there), places(there));
        let mut incoming = PartitionMut::new(incoming, counts(here), places(here));
        self.comm.all_to_all_varcount_into(&outgoing, &mut incoming);
    }
}

/// Whether blocks agree before an axis, and from it on make up all of `whole` without overlap.
fn are_whole(blocks: &[Vec<Range<usize>>], axis: usize, whole: &[Range<usize>]) -> bool {
    let agree = blocks.iter().all(|block| block[..axis] == blocks[0][..axis]);
    let volume = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).product::<usize>();
    let apart = |a: &[Range<usize>], b: &[Range<usize>]| {
        a.iter().zip(b).any(|(a, b)| a.end.min(b.end) <= a.start.max(b.start))
    };
    let overlap = blocks
        .iter()
        .enumerate()
        .any(|(number, block)| blocks[..number].iter().any(|other| !apart(&block[axis..], &other[axis..])));
    agree && !overlap && blocks.iter().map(|block| volume(&block[axis..])).sum::<usize>() == volume(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;
    use crate::io::block::selection::AxisRun;
    use crate::io::block::stored::Stored;
    use crate::testing::on_ranks;

    #[test]
    fn only_parts_that_make_up_the_whole_are_shared() {
        let whole = [0..4, 0..6];
        let fits = |blocks: &[[Range<usize>; 3]]| {
            are_whole(&blocks.iter().map(|block| block.to_vec()).collect::<Vec<_>>(), 1, &whole)
        };
        assert!(fits(&[[2..3, 0..4, 0..2], [2..3, 0..4, 2..6]]));
        assert!(fits(&[[2..3, 0..1, 0..6], [2..3, 1..4, 0..1], [2..3, 1..4, 1..6]]));
        assert!(!fits(&[[2..3, 0..4, 0..2], [2..3, 0..4, 3..6]]), "a hole");
        assert!(
            !fits(&[[2..3, 0..4, 0..4], [2..3, 0..4, 2..4], [2..3, 0..2, 4..6]]),
            "an overlap and a hole"
        );
        assert!(!fits(&[[2..3, 0..4, 0..2], [2..4, 0..4, 2..6]]), "other rows");
    }

    #[test]
    fn rows_are_divided_among_the_ranks_that_have_them() {
        on_ranks([1, 2, 3, 4, 6], |world| {
            let n = world.size();
            let procs = if n == 6 { [1, 3, 2] } else { [1, 1, n] };
            let u = Grid::builder([5, 6, 7]).procs(procs).build(world)?.field::<f64>("u");
            let placement = u.placement();
            let run = |&count: &usize| AxisRun { start: 0, step: 1, count, single: false };
            let runs: Vec<AxisRun> = placement.file_shape.iter().map(run).collect();
            let portion = Portion::to_write(&placement, &runs, 1, None);
            let ranges = portion.ranges().expect("nothing is left out");
            let share = |long_enough| {
                let limits = SharingLimits { long_enough, at_once: 150 };
                RowSharing::new(world, (&portion, &ranges), (1000, 8), limits)
            };
            // values that follow each other in the file: at most 7, in a row
            assert!(share(8).is_none() && share(6 * 7 * 8 * 5 + 1).is_none(), "rows are long, or never are");
            let shared = share(if n == 6 { 100 } else { 60 });
            assert_eq!(shared.is_some(), n > 1);
            let Some((sharing, place)) = shared else { return Ok(()) };
            let (members, rows) = if n == 6 { (2, 5 * 2) } else { (n, 5 * 6) };
            assert_eq!(
                (sharing.axis, sharing.slabs, sharing.slab, sharing.parts.len()),
                (2, rows, 56, members)
            );
            assert_eq!((sharing.at_once, place.len()), (2, rows * 56));
            let all: Vec<usize> = (0..members).flat_map(|rank| sharing.of(rank)).collect();
            assert_eq!(all, (0..rows).collect::<Vec<_>>());
            let steps: Vec<usize> = (0..sharing.steps()).flat_map(|step| sharing.now(step)).collect();
            assert_eq!(steps, sharing.mine().collect::<Vec<_>>());
            Ok(())
        });
    }
}
