//! The Cartesian topology: the positions of the ranks and their neighbors.

use std::fmt;

use mpi::topology::{CartesianCommunicator, SimpleCommunicator};
use mpi::traits::Communicator;
use parhelion_kernels::Region;

use crate::error::{Error, ErrorKind, Result};
use crate::grid::Decomposition;
use crate::world::World;

/// One side of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Face {
    /// The axis that the face is normal to.
    pub axis: usize,
    /// Whether this is the face at the high end of the axis.
    pub high: bool,
}

impl Face {
    /// The face at the low end of `axis`.
    pub const fn low(axis: usize) -> Self {
        Self { axis, high: false }
    }

    /// The face at the high end of `axis`.
    pub const fn high(axis: usize) -> Self {
        Self { axis, high: true }
    }

    /// All faces of a box with `N` axes.
    pub fn all<const N: usize>() -> impl Iterator<Item = Self> {
        (0..N).flat_map(|axis| [Self::low(axis), Self::high(axis)])
    }
}

/// Position of this rank in the process grid, and its up to 3^N − 1 neighbors.
///
/// Ranks are numbered through the process grid in C order, the last axis fastest.
pub struct Topology<const N: usize> {
    /// For messages between the ranks of the grid.
    comm: SimpleCommunicator,
    rank: usize,
    coordinates: [usize; N],
    periodic: [bool; N],
    decomposition: Decomposition<N>,
}

impl<const N: usize> Topology<N> {
    /// # Collective
    /// Over all ranks of `world`.
    pub(crate) fn new(
        world: &World,
        decomposition: Decomposition<N>,
        periodic: [bool; N],
        reorder: bool,
    ) -> Result<Self> {
        let dims = decomposition.procs().map(|p| p as i32);
        let cartesian: CartesianCommunicator =
            world.comm().create_cartesian_communicator(&dims, &periodic, reorder).ok_or_else(|| {
                Error::on_all_ranks(ErrorKind::Parallel, "MPI could not make a Cartesian communicator")
            })?;
        let rank = cartesian.rank() as usize;
        // MPI orders the ranks of a Cartesian communicator row-major, as `Decomposition` does, so
        // neighbors are computed and the plain communicator serves for the messages.
        Ok(Self {
            comm: cartesian.duplicate(),
            rank,
            coordinates: decomposition.coordinates(rank),
            periodic,
            decomposition,
        })
    }

    /// Rank in the process grid. Equals the rank in the [`World`] unless reordering was allowed.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Processes per axis.
    pub fn procs(&self) -> [usize; N] {
        self.decomposition.procs()
    }

    /// Position of this rank in the process grid.
    pub fn coordinates(&self) -> [usize; N] {
        self.coordinates
    }

    /// Which axes wrap around.
    pub fn periodic(&self) -> [bool; N] {
        self.periodic
    }

    /// The rank next to this one in `direction` (−1, 0 or 1 for each axis), across periodic ends;
    /// `None` beyond a wall.
    pub fn neighbor(&self, direction: [isize; N]) -> Option<usize> {
        let procs = self.procs();
        let mut coordinates = [0; N];
        for a in 0..N {
            let moved = self.coordinates[a] as isize + direction[a];
            if !self.periodic[a] && !(0..procs[a] as isize).contains(&moved) {
                return None;
            }
            coordinates[a] = moved.rem_euclid(procs[a] as isize) as usize;
        }
        Some(self.decomposition.rank(coordinates))
    }

    /// Returns whether this rank's block ends at a wall of the domain there: the axis is not
    /// periodic and there is no neighbor.
    pub fn at_wall(&self, face: Face) -> bool {
        let end = if face.high { self.procs()[face.axis] - 1 } else { 0 };
        !self.periodic[face.axis] && self.coordinates[face.axis] == end
    }

    /// For each axis, whether there is another block (or the other end of this one) on its `[low,
    /// high]` side.
    pub(crate) fn open_sides(&self) -> [[bool; 2]; N] {
        std::array::from_fn(|axis| [false, true].map(|high| !self.at_wall(Face { axis, high })))
    }

    /// For each axis, whether there is another rank on its `[low, high]` side.
    pub(crate) fn remote_sides(&self) -> [[bool; 2]; N] {
        let (open, procs) = (self.open_sides(), self.procs());
        std::array::from_fn(|a| open[a].map(|open| open && procs[a] > 1))
    }

    pub(crate) fn comm(&self) -> &SimpleCommunicator {
        &self.comm
    }
}

impl<const N: usize> fmt::Debug for Topology<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topology")
            .field("rank", &self.rank)
            .field("coordinates", &self.coordinates)
            .field("procs", &self.procs())
            .field("periodic", &self.periodic)
            .finish_non_exhaustive()
    }
}

/// The 3^N − 1 directions to neighbors, and their numbers for message tags.
pub(crate) fn directions<const N: usize>() -> impl Iterator<Item = (i32, [isize; N])> {
    let all = Region::new([-1; N], [2; N]).indices();
    all.enumerate().map(|(number, d)| (number as i32, d)).filter(|(_, d)| d.iter().any(|&x| x != 0))
}
