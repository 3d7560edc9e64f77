//! Moving the values of a field to a field of another decomposition of the same cells.

use mpi::request::{WaitGuard, scope};
use mpi::traits::{Communicator, Destination, Source};
use parhelion_kernels::Region;

use crate::measure::Kind;
use crate::messages::LONGEST_MESSAGE;
use crate::solvers::Real;
use crate::world::{member, member_rank};
use crate::{Decomposition, Field, Grid};

/// Tag of its messages; plans for halos use others.
const TAG: i32 = 3;

/// Which cells go where, for one rank.
pub(super) struct Rearrange<const N: usize> {
    /// Of all ranks that take part; messages go by its communicator.
    grid: Grid<N>,
    sent: Vec<(usize, Region<N>)>,
    received: Vec<(usize, Region<N>)>,
    /// Cells that stay on this rank, in the frames of both.
    kept: Option<[Region<N>; 2]>,
}

/// Blocks, and which of so many ranks have them: all, or [some](crate::World::fewer).
pub(super) struct Side<const N: usize> {
    cut: Decomposition<N>,
    ranks: usize,
}

impl<const N: usize> Side<N> {
    /// Blocks on ranks of a grid.
    pub(super) fn of(grid: &Grid<N>, cut: Decomposition<N>) -> Self {
        Self { cut, ranks: grid.world().size() }
    }

    /// The cells of a rank; none where it has no block.
    fn block(&self, rank: usize) -> Region<N> {
        match member(rank, self.cut.ranks(), self.ranks) {
            Some(block) => self.cut.block(self.cut.coordinates(block)),
            None => Region::from_shape([0; N]),
        }
    }

    /// The ranks that have cells of a region, and which: O(their number).
    fn with(&self, region: Region<N>) -> Vec<(usize, Region<N>)> {
        if region.is_empty() {
            return Vec::new();
        }
        let first = self.cut.owner(region.start.map(|i| i as usize));
        let last = self.cut.owner(region.end.map(|i| (i - 1) as usize));
        let blocks = Region::new(first.map(|c| c as isize), last.map(|c| c as isize + 1));
        let piece = |c: [isize; N]| {
            let c = c.map(|c| c as usize);
            (
                member_rank(self.cut.rank(c), self.cut.ranks(), self.ranks),
                self.cut.block(c).intersection(&region),
            )
        };
        blocks.indices().map(piece).collect()
    }
}

impl<const N: usize> Rearrange<N> {
    /// From the cells of one grid to those of another of the same shape and world.
    pub(super) fn new(from: &Grid<N>, to: &Grid<N>) -> Self {
        Self::between(from, &Side::of(from, *from.decomposition()), &Side::of(to, *to.decomposition()))
    }

    /// From blocks on ranks of `grid` to others.
    pub(super) fn between(grid: &Grid<N>, from: &Side<N>, to: &Side<N>) -> Self {
        let rank = grid.topology().rank();
        let (mine, wanted) = (from.block(rank), to.block(rank));
        let others = |side: &Side<N>, own: Region<N>| {
            let here = |cells: Region<N>| cells.shifted(own.start.map(|s| -s));
            let pieces = side.with(own).into_iter().filter(|&(other, _)| other != rank);
            pieces.map(|(other, cells)| (other, here(cells))).collect()
        };
        let common = mine.intersection(&wanted);
        let kept = [mine, wanted].map(|own| common.shifted(own.start.map(|s| -s)));
        Self {
            grid: grid.clone(),
            sent: others(to, mine),
            received: others(from, wanted),
            kept: (!common.is_empty()).then_some(kept),
        }
    }

    /// Copies `scale` times the values of `from` to `to`, in its precision. Ranks without a block have no field.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(super) fn run<S: Real, T: Real>(
        &self,
        from: Option<&Field<S, N>>,
        to: Option<&mut Field<T, N>>,
        scale: f64,
    ) {
        let timing = self.grid.world().measure().start_on(Kind::Update, "rearrange");
        let comm = self.grid.topology().comm();
        let view = from.map(|from| from.component(0));
        let mut target = to.map(|to| to.component_mut(0));
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
