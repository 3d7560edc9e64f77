//! Redistribution of a field's values to another decomposition of the same cells.

use mpi::request::{WaitGuard, scope};
use mpi::traits::{Communicator, Destination, Source};
use parhelion_kernels::Region;

use crate::field::Field;
use crate::grid::{Decomposition, Grid};
use crate::messages::LONGEST_MESSAGE;
use crate::solvers::elliptic::Frame;
use crate::solvers::linear::Real;
use crate::stopwatch::Kind;
use crate::world::{member, member_rank};

/// Tag of its messages; plans for halos use others.
const TAG: i32 = 3;

/// The cells that one rank sends, receives and keeps.
pub(in crate::solvers::multigrid) struct Redistribution<const N: usize> {
    /// A grid of all ranks that take part; messages use its communicator.
    grid: Grid<N>,
    sent: Vec<(usize, Region<N>)>,
    received: Vec<(usize, Region<N>)>,
    /// Cells that stay on this rank, in the frames of both.
    kept: Option<[Region<N>; 2]>,
}

/// The points of each rank, by the indices of multigrid's own grid.
pub(in crate::solvers::multigrid) enum Side<'g, const N: usize> {
    /// Blocks, and which of so many ranks have them: all, or [some](crate::world::World::fewer).
    Cut(Decomposition<N>, usize),
    /// The unknowns of the user's fields.
    Points(&'g Grid<N>, Frame<N>),
}

impl<const N: usize> Side<'_, N> {
    /// The points of a rank; none where it has no block.
    fn block(&self, rank: usize) -> Region<N> {
        match self {
            Self::Cut(cut, ranks) => match member(rank, cut.ranks(), *ranks) {
                Some(block) => cut.block(cut.coordinates(block)),
                None => Region::from_shape([0; N]),
            },
            Self::Points(grid, frame) => {
                let block = grid.block_at(grid.decomposition().coordinates(rank), frame.centering);
                block.intersection(&frame.unknown).shifted(frame.origin.map(|i| -i))
            }
        }
    }

    /// The index of the local point 0 of a rank.
    fn start(&self, rank: usize) -> [isize; N] {
        match self {
            Self::Cut(..) => self.block(rank).start,
            Self::Points(grid, frame) => {
                let block = grid.block_at(grid.decomposition().coordinates(rank), frame.centering);
                std::array::from_fn(|a| block.start[a] - frame.origin[a])
            }
        }
    }

    /// The ranks that have points of a region, and which: O(their number).
    fn with(&self, region: Region<N>) -> Vec<(usize, Region<N>)> {
        if region.is_empty() {
            return Vec::new();
        }
        let ends = [region.start, region.end.map(|i| i - 1)];
        let [first, last] = match self {
            Self::Cut(cut, _) => ends.map(|index| cut.owner(index.map(|i| i as usize))),
            Self::Points(grid, frame) => ends.map(|index| {
                grid.owner(std::array::from_fn(|a| (index[a] + frame.origin[a]) as usize), frame.centering)
            }),
        };
        let blocks = Region::new(first.map(|c| c as isize), last.map(|c| c as isize + 1));
        let rank = |c: [isize; N]| match self {
            Self::Cut(cut, ranks) => member_rank(cut.rank(c.map(|c| c as usize)), cut.ranks(), *ranks),
            Self::Points(grid, _) => grid.decomposition().rank(c.map(|c| c as usize)),
        };
        let pieces = blocks.indices().map(rank).map(|rank| (rank, self.block(rank).intersection(&region)));
        pieces.filter(|(_, points)| !points.is_empty()).collect()
    }
}

impl<const N: usize> Redistribution<N> {
    /// From the unknowns of fields of the user's grid to the points of multigrid's own, and back.
    pub(in crate::solvers::multigrid) fn of_unknowns(
        user: &Grid<N>,
        frame: Frame<N>,
        own: &Grid<N>,
    ) -> [Self; 2] {
        let (points, cells) =
            (Side::Points(user, frame), Side::Cut(*own.decomposition(), own.world().size()));
        [Self::between(user, &points, &cells), Self::between(own, &cells, &points)]
    }

    /// From one side to the other, by messages of the ranks of `grid`.
    pub(in crate::solvers::multigrid) fn between(
        grid: &Grid<N>,
        from: &Side<'_, N>,
        to: &Side<'_, N>,
    ) -> Self {
        let rank = grid.topology().rank();
        let (mine, wanted) = (from.block(rank), to.block(rank));
        let others = |side: &Side<'_, N>, own: Region<N>, start: [isize; N]| {
            let pieces = side.with(own).into_iter().filter(|&(other, _)| other != rank);
            pieces.map(|(other, points)| (other, points.shifted(start.map(|s| -s)))).collect()
        };
        let starts = [from.start(rank), to.start(rank)];
        let common = mine.intersection(&wanted);
        let kept = starts.map(|start| common.shifted(start.map(|s| -s)));
        Self {
            grid: grid.clone(),
            sent: others(to, mine, starts[0]),
            received: others(from, wanted, starts[1]),
            kept: (!common.is_empty()).then_some(kept),
        }
    }

    /// Copies `scale` times the values of `from` to `to`, in its precision. Ranks without a block
    /// have no field.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(in crate::solvers::multigrid) fn run<S: Real, T: Real>(
        &self,
        from: Option<&Field<S, N>>,
        to: Option<&mut Field<T, N>>,
        scale: f64,
    ) {
        let timing = self.grid.world().measure().start_on(Kind::Update, "rearrange");
        let comm = self.grid.topology().comm();
        let view = from.map(|from| from.view());
        let mut target = to.map(|to| to.view_mut());
        let outgoing: Vec<(usize, Vec<T>)> = view
            .iter()
            .flat_map(|view| {
                self.sent.iter().map(move |&(rank, cells)| {
                    let rows = cells.rows().flat_map(|(first, len)| view.row(first, len).iter());
                    (rank, rows.map(|value| T::nearest(scale * value.wide())).collect())
                })
            })
            .collect();
        let mut incoming: Vec<Vec<T>> =
            self.received.iter().map(|(_, cells)| vec![T::zero(); cells.len()]).collect();
        if let (Some([source, region]), Some(view), Some(target)) = (self.kept, &view, &mut target) {
            let offset: [isize; N] = std::array::from_fn(|a| source.start[a] - region.start[a]);
            target.for_each_row(self.grid.world().pool(), region, |first, row| {
                let values = view.row(std::array::from_fn(|a| first[a] + offset[a]), row.len());
                for (to, from) in row.iter_mut().zip(values) {
                    *to = T::nearest(scale * from.wide());
                }
            });
        }
        scope(|scope| {
            let (mut receiving, mut sending) = (Vec::new(), Vec::new());
            for (values, (rank, _)) in incoming.iter_mut().zip(&self.received) {
                let process = comm.process_at_rank(*rank as i32);
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(values);
                for piece in bytes.chunks_mut(LONGEST_MESSAGE) {
                    receiving
                        .push(WaitGuard::from(process.immediate_receive_into_with_tag(scope, piece, TAG)));
                }
            }
            for (rank, values) in &outgoing {
                let process = comm.process_at_rank(*rank as i32);
                let bytes: &[u8] = bytemuck::cast_slice(values);
                for piece in bytes.chunks(LONGEST_MESSAGE) {
                    sending.push(WaitGuard::from(process.immediate_send_with_tag(scope, piece, TAG)));
                }
            }
            drop(receiving);
            drop(sending);
        });
        if let Some(target) = &mut target {
            for ((_, cells), values) in self.received.iter().zip(&incoming) {
                let mut values = &values[..];
                for (first, len) in cells.rows() {
                    let (row, rest) = values.split_at(len);
                    target.row_mut(first, len).copy_from_slice(row);
                    values = rest;
                }
            }
        }
        let moved = self.sent.iter().map(|(_, cells)| cells).chain(self.kept.iter().map(|[cells, _]| cells));
        timing.finish(moved.map(Region::len).sum(), size_of::<S>() + size_of::<T>());
    }
}
