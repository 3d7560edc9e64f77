//! Moving the values of a field to a field of another decomposition of the same cells.

use mpi::request::{WaitGuard, scope};
use mpi::traits::{Communicator, Destination, Source};
use parhelion_kernels::Region;

use crate::measure::Kind;
use crate::messages::LONGEST_MESSAGE;
use crate::solvers::Real;
use crate::solvers::elliptic::Frame;
use crate::{Centring, Decomposition, Field, Grid};

/// Tag of its messages; plans for halos use others.
const TAG: i32 = 3;

/// Which cells go where. One of the two grids may be of each rank [alone](crate::World::alone): then every rank has all its
/// cells, and gathering gives them to all.
pub(super) struct Rearrange<const N: usize> {
    sent: Vec<(usize, Region<N>)>,
    received: Vec<(usize, Region<N>)>,
    /// Cells that stay on this rank, in the frames of both.
    kept: Option<[Region<N>; 2]>,
}

/// The blocks of a grid over the ranks of the grid that messages go by.
enum Blocks<'g, const N: usize> {
    Cut(&'g Decomposition<N>),
    Whole(Region<N>),
    /// The unknowns of the user's fields, by the indices of multigrid's own grid.
    Points(&'g Grid<N>, Frame<N>),
}

impl<const N: usize> Blocks<'_, N> {
    fn of(&self, rank: usize) -> Region<N> {
        match self {
            Self::Cut(cut) => cut.block(cut.coordinates(rank)),
            Self::Whole(region) => *region,
            Self::Points(grid, frame) => {
                let block = grid.block_at(grid.decomposition().coordinates(rank), frame.centring);
                block.intersection(&frame.unknown).shifted(frame.origin.map(|i| -i))
            }
        }
    }

    /// The index of the local point 0 of a rank.
    fn start(&self, rank: usize) -> [isize; N] {
        match self {
            Self::Points(grid, frame) => {
                let block = grid.block_at(grid.decomposition().coordinates(rank), frame.centring);
                std::array::from_fn(|a| block.start[a] - frame.origin[a])
            }
            _ => self.of(rank).start,
        }
    }

    /// The ranks that have cells of a region: O(their number).
    fn with(&self, region: Region<N>) -> Vec<usize> {
        match self {
            Self::Whole(_) => Vec::new(),
            _ if region.is_empty() => Vec::new(),
            Self::Points(grid, frame) => {
                let global =
                    |index: [isize; N]| std::array::from_fn(|a| (index[a] + frame.origin[a]) as usize);
                let ends = [region.start, region.end.map(|i| i - 1)];
                let [first, last] = ends.map(|index| grid.owner(global(index), frame.centring));
                let coordinates = Region::new(first.map(|c| c as isize), last.map(|c| c as isize + 1));
                let rank = |c: [isize; N]| grid.decomposition().rank(c.map(|c| c as usize));
                coordinates.indices().map(rank).collect()
            }
            Self::Cut(cut) => {
                let first = cut.owner(region.start.map(|i| i as usize));
                let last = cut.owner(region.end.map(|i| (i - 1) as usize));
                let coordinates = Region::new(first.map(|c| c as isize), last.map(|c| c as isize + 1));
                coordinates.indices().map(|c: [isize; N]| cut.rank(c.map(|c| c as usize))).collect()
            }
        }
    }
}

impl<const N: usize> Rearrange<N> {
    /// From the cells of one grid to those of another of the same shape.
    pub(super) fn new(from: &Grid<N>, to: &Grid<N>) -> Self {
        let whole = Region::from_shape(from.decomposition().shape());
        let gathers = to.world().size() < from.world().size();
        let targets = if gathers { Blocks::Whole(whole) } else { Blocks::Cut(to.decomposition()) };
        Self::between(from, &Blocks::Cut(from.decomposition()), &targets)
    }

    /// From the unknowns of fields of the user's grid to the points of multigrid's own, and back.
    pub(super) fn of_unknowns(user: &Grid<N>, frame: Frame<N>, own: &Grid<N>) -> [Self; 2] {
        let (points, cells) = (Blocks::Points(user, frame), Blocks::Cut(own.decomposition()));
        [Self::between(user, &points, &cells), Self::between(own, &cells, &points)]
    }

    fn between(from: &Grid<N>, sources: &Blocks<'_, N>, targets: &Blocks<'_, N>) -> Self {
        let (ranks, rank) = (from.world().size(), from.topology().rank());
        let (mine, wanted) = (sources.of(rank), targets.of(rank));
        let starts = [sources.start(rank), targets.start(rank)];
        let receivers = match targets {
            Blocks::Whole(_) => (0..ranks).collect(),
            _ => targets.with(mine),
        };
        let pieces = |ranks: Vec<usize>, blocks: &Blocks<'_, N>, own: Region<N>, start: [isize; N]| {
            let piece =
                |other: usize| (other, blocks.of(other).intersection(&own).shifted(start.map(|s| -s)));
            ranks
                .into_iter()
                .filter(|&other| other != rank)
                .map(piece)
                .filter(|(_, cells)| !cells.is_empty())
                .collect()
        };
        let common = mine.intersection(&wanted);
        let kept = starts.map(|start| common.shifted(start.map(|s| -s)));
        Self {
            sent: pieces(receivers, targets, mine, starts[0]),
            received: pieces(sources.with(wanted), sources, wanted, starts[1]),
            kept: (!common.is_empty()).then_some(kept),
        }
    }

    /// From what every rank has of all cells to the blocks of a grid: nothing is sent.
    pub(super) fn sharing(to: &Grid<N>) -> Self {
        let mine = to.region_global(Centring::Cell);
        let kept = [mine, mine.shifted(mine.start.map(|s| -s))];
        Self { sent: Vec::new(), received: Vec::new(), kept: Some(kept) }
    }

    /// Copies `scale` times the values of `from` to `to`, in its precision.
    ///
    /// # Collective
    /// Over all ranks of the grid that is cut.
    pub(super) fn run<S: Real, T: Real>(&self, from: &Field<S, N>, to: &mut Field<T, N>, scale: f64) {
        let grid = from.grid().clone();
        let timing = grid.world().measure().start_on(Kind::Update, "rearrange");
        let comm = grid.topology().comm();
        let view = from.component(0);
        let outgoing: Vec<(usize, Vec<T>)> = self
            .sent
            .iter()
            .map(|&(rank, cells)| {
                let rows = cells.rows().flat_map(|(first, len)| view.row(first, len).iter());
                (rank, rows.map(|value| T::nearest(scale * value.wide())).collect())
            })
            .collect();
        let mut incoming: Vec<Vec<T>> =
            self.received.iter().map(|(_, cells)| vec![T::zero(); cells.len()]).collect();
        if let Some([source, target]) = self.kept {
            let offset: [isize; N] = std::array::from_fn(|a| source.start[a] - target.start[a]);
            to.component_mut(0).for_each_row(grid.world().pool(), target, |first, row| {
                let values = view.row(std::array::from_fn(|a| first[a] + offset[a]), row.len());
                for (to, from) in row.iter_mut().zip(values) {
                    *to = T::nearest(scale * from.wide());
                }
            });
        }
        if outgoing.is_empty() && incoming.is_empty() {
            return timing.finish(view.region().len(), size_of::<S>() + size_of::<T>());
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
        let mut target = to.component_mut(0);
        for ((_, cells), values) in self.received.iter().zip(&incoming) {
            let mut values = &values[..];
            for (first, len) in cells.rows() {
                let (row, rest) = values.split_at(len);
                target.row_mut(first, len).copy_from_slice(row);
                values = rest;
            }
        }
        timing.finish(view.region().len(), size_of::<S>() + size_of::<T>());
    }
}
