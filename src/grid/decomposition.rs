//! Cutting a global box of cells into one block per rank: pure arithmetic, no MPI.

use parhelion_kernels::Region;

use crate::error::{Error, ErrorKind, Result};

/// Blocks of a global shape over a process grid.
///
/// On each axis the cells are cut into one run per process. Runs differ by at most one cell (or one
/// [granule](Self::with_granule)), and the longer ones come first. Ranks are numbered through the
/// process grid in C order, the last axis fastest. Nothing is stored per rank: every method
/// computes its result in O(N).
///
/// ```
/// use parhelion::grid::Decomposition;
/// use parhelion::Region;
///
/// let cut = Decomposition::new([10, 6], [3, 2])?;           // 6 ranks
/// assert_eq!(cut.block([0, 0]), Region::new([0, 0], [4, 3]));
/// assert_eq!(cut.block([2, 1]), Region::new([7, 3], [10, 6]));
/// assert_eq!(cut.owner([7, 2]), [2, 0]);
/// assert_eq!(cut.rank([2, 0]), 4);
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decomposition<const N: usize> {
    shape: [usize; N],
    procs: [usize; N],
    /// Cells per axis that always stay in one block; the last granule of an axis may be smaller.
    granule: [usize; N],
}

impl<const N: usize> Decomposition<N> {
    /// Cuts `shape` cells into `procs` blocks per axis.
    ///
    /// # Errors
    /// When an axis has no cell, no process, or fewer cells than processes.
    pub fn new(shape: [usize; N], procs: [usize; N]) -> Result<Self> {
        for a in 0..N {
            if shape[a] > isize::MAX as usize {
                return Err(geometry(format!("axis {a} has {} cells; the most is {}", shape[a], isize::MAX)));
            }
            if shape[a] == 0 || procs[a] == 0 || procs[a] > shape[a] {
                return Err(geometry(format!(
                    "{} processes cannot split axis {a} of {} cells (every block needs a cell); use 1 to {} processes on \
                     this axis",
                    procs[a],
                    shape[a],
                    shape[a].max(1)
                )));
            }
        }
        Ok(Self { shape, procs, granule: [1; N] })
    }

    /// Returns the same process grid with blocks that begin at multiples of `granule` cells only. A
    /// grid coarsened by a divisor of the granule, with a granule reduced by the same factor, then
    /// has its blocks in the same places.
    ///
    /// ```
    /// use parhelion::grid::Decomposition;
    /// use parhelion::Region;
    ///
    /// let fine = Decomposition::new([10], [2])?.with_granule([4])?;
    /// let coarse = Decomposition::new([5], [2])?.with_granule([2])?;
    /// assert_eq!(fine.block([1]), Region::new([8], [10]));
    /// assert_eq!(coarse.block([1]), Region::new([4], [5]));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a granule is 0, or there are fewer granules than processes on an axis.
    pub fn with_granule(self, granule: [usize; N]) -> Result<Self> {
        for a in 0..N {
            let granules = if granule[a] == 0 { 0 } else { self.shape[a].div_ceil(granule[a]) };
            if granules < self.procs[a] {
                return Err(geometry(format!(
                    "{} processes cannot split axis {a} of {} cells into blocks of whole granules of {} cells; use granules \
                     of 1 to {} cells",
                    self.procs[a],
                    self.shape[a],
                    granule[a],
                    self.shape[a] / self.procs[a]
                )));
            }
        }
        Ok(Self { granule, ..self })
    }

    /// Cuts `shape` cells into `ranks` blocks, none thinner than `halo` (`[low, high]` for each
    /// axis), so that little is exchanged.
    ///
    /// Of all process grids, this takes the one whose busiest block costs least. The cost of a
    /// block is its number of cells plus 8 for each halo cell from another rank, because sending a
    /// cell takes several times longer than updating one. Ties go to the grid that cuts the slowest
    /// axes, which keeps rows long.
    ///
    /// ```
    /// use parhelion::grid::Decomposition;
    ///
    /// // `MPI_Dims_create` returns 2 × 2 for every shape
    /// assert_eq!(Decomposition::for_ranks([1000, 10], 4, [[1, 1]; 2], [false; 2])?.procs(), [4, 1]);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Errors
    /// When every process grid has a block thinner than the halo. The message gives a number of
    /// ranks that works.
    pub fn for_ranks(
        shape: [usize; N],
        ranks: usize,
        halo: [[usize; 2]; N],
        periodic: [bool; N],
    ) -> Result<Self> {
        if let Some(a) = (0..N).find(|&a| shape[a] < halo[a][0].max(halo[a][1]).max(1)) {
            return Err(geometry(format!(
                "axis {a} has {} cells, fewer than its halo of {:?}; use more cells or a thinner halo",
                shape[a], halo[a]
            )));
        }
        let best = |ranks: usize| {
            let mut best: Option<(usize, [usize; N])> = None;
            for_each_factorization(ranks, &mut |procs: [usize; N]| {
                if check_halo(shape, procs, halo).is_ok() {
                    let cost = cost(shape, procs, halo, periodic);
                    if best.is_none_or(|(least, other)| (cost, other) < (least, procs)) {
                        best = Some((cost, procs));
                    }
                }
            });
            best
        };
        match best(ranks) {
            Some((_, procs)) => Self::new(shape, procs),
            None => {
                // With more ranks than `bound`, some block is too thin. A number that works lies
                // close below it.
                let blocks = |a: usize| shape[a] / halo[a][0].max(halo[a][1]).max(1);
                let bound = (0..N).fold(1, |n: usize, a| n.saturating_mul(blocks(a))).min(ranks - 1);
                let most = (1..=bound).rev().take(1000).find(|&fewer| best(fewer).is_some()).unwrap_or(1);
                Err(geometry(format!(
                    "{ranks} ranks cannot split {shape:?} cells with halo {halo:?} (every block must be as wide as the \
                     halo and have a cell); use at most {most} rank(s), more cells, or a thinner halo"
                )))
            }
        }
    }

    /// Checks that no block is thinner than `halo` (`[low, high]` for each axis).
    ///
    /// # Errors
    /// When one is. The message gives the axis and a number of ranks that works.
    pub fn check_halo(&self, halo: [[usize; 2]; N]) -> Result<()> {
        if self.granule == [1; N] {
            return check_halo(self.shape, self.procs, halo);
        }
        for a in 0..N {
            let (needed, thinnest) = (halo[a][0].max(halo[a][1]).max(1), self.thinnest(a));
            if thinnest < needed {
                return Err(geometry(format!(
                    "axis {a} of {} cells, cut over {} ranks in granules of {}, has a block of {thinnest} cells; a halo of \
                     {:?} needs {needed}: use fewer ranks on this axis or smaller granules",
                    self.shape[a], self.procs[a], self.granule[a], halo[a]
                )));
            }
        }
        Ok(())
    }

    /// Cells of the thinnest block on an axis.
    pub(crate) fn thinnest(&self, axis: usize) -> usize {
        let (shape, granule, procs) = (self.shape[axis], self.granule[axis], self.procs[axis]);
        let shortest = shape.div_ceil(granule) / procs;
        // The last block is one of the shortest runs and may end with part of a granule.
        shortest * granule - (granule - 1 - (shape - 1) % granule)
    }

    /// Global number of cells per axis.
    pub fn shape(&self) -> [usize; N] {
        self.shape
    }

    /// Number of processes per axis.
    pub fn procs(&self) -> [usize; N] {
        self.procs
    }

    /// Number of blocks, one for each rank.
    pub fn ranks(&self) -> usize {
        self.procs.iter().product()
    }

    /// The cells, in the global frame, of the block at these process coordinates.
    ///
    /// # Panics
    /// When `coordinates` lie outside the process grid.
    pub fn block(&self, coordinates: [usize; N]) -> Region<N> {
        assert!(
            (0..N).all(|a| coordinates[a] < self.procs[a]),
            "no block {coordinates:?} in {:?}",
            self.procs
        );
        let start = |a: usize, c: usize| {
            let granules = self.shape[a].div_ceil(self.granule[a]);
            let (base, longer) = (granules / self.procs[a], granules % self.procs[a]);
            ((c * base + c.min(longer)) * self.granule[a]).min(self.shape[a]) as isize
        };
        Region::new(
            std::array::from_fn(|a| start(a, coordinates[a])),
            std::array::from_fn(|a| start(a, coordinates[a] + 1)),
        )
    }

    /// Process coordinates of the block that has cell `index` of the global frame.
    ///
    /// # Panics
    /// When the cell lies outside the global shape.
    pub fn owner(&self, index: [usize; N]) -> [usize; N] {
        assert!((0..N).all(|a| index[a] < self.shape[a]), "no cell {index:?} in {:?}", self.shape);
        std::array::from_fn(|a| {
            let (granules, index) = (self.shape[a].div_ceil(self.granule[a]), index[a] / self.granule[a]);
            let (base, longer) = (granules / self.procs[a], granules % self.procs[a]);
            let in_longer = longer * (base + 1);
            if index < in_longer { index / (base + 1) } else { longer + (index - in_longer) / base }
        })
    }

    /// The rank at these process coordinates.
    pub fn rank(&self, coordinates: [usize; N]) -> usize {
        (0..N).fold(0, |rank, a| rank * self.procs[a] + coordinates[a])
    }

    /// The process coordinates of this rank.
    pub fn coordinates(&self, mut rank: usize) -> [usize; N] {
        let mut coordinates = [0; N];
        for a in (0..N).rev() {
            coordinates[a] = rank % self.procs[a];
            rank /= self.procs[a];
        }
        coordinates
    }
}

fn geometry(message: String) -> Error {
    Error::new(ErrorKind::Geometry, message)
}

fn check_halo<const N: usize>(shape: [usize; N], procs: [usize; N], halo: [[usize; 2]; N]) -> Result<()> {
    for a in 0..N {
        let needed = halo[a][0].max(halo[a][1]).max(1);
        if shape[a] / procs[a] < needed {
            return Err(geometry(format!(
                "{} ranks cannot split axis {a} of {} cells with halo {:?} (needs ≥ {needed} cells per block); use at \
                 most {} rank(s) on this axis",
                procs[a],
                shape[a],
                halo[a],
                shape[a] / needed
            )));
        }
    }
    Ok(())
}

/// Cost of the busiest block: its cells, plus the weighted number of halo cells from other ranks.
fn cost<const N: usize>(
    shape: [usize; N],
    procs: [usize; N],
    halo: [[usize; 2]; N],
    periodic: [bool; N],
) -> usize {
    const HALO_CELL: usize = 8;
    let block: [usize; N] = std::array::from_fn(|a| shape[a].div_ceil(procs[a]));
    let cells = block.iter().fold(1_usize, |n, &b| n.saturating_mul(b));
    let halo_cells = (0..N).map(|a| {
        let [low, high] = halo[a];
        let width = match procs[a] {
            1 => 0,
            // both blocks touch a wall
            2 if !periodic[a] => low.max(high),
            _ => low + high,
        };
        (cells / block[a]).saturating_mul(width)
    });
    cells.saturating_add(halo_cells.fold(0, usize::saturating_add).saturating_mul(HALO_CELL))
}

/// Calls `visit` with every way to write `n` as a product of N factors.
fn for_each_factorization<const N: usize>(n: usize, visit: &mut impl FnMut([usize; N])) {
    fn fill<const N: usize>(
        axis: usize,
        rest: usize,
        factors: &mut [usize; N],
        visit: &mut impl FnMut([usize; N]),
    ) {
        if axis + 1 == N {
            factors[axis] = rest;
            visit(*factors);
            return;
        }
        for divisor in (1..=rest).filter(|d| rest.is_multiple_of(*d)) {
            factors[axis] = divisor;
            fill(axis + 1, rest / divisor, factors, visit);
        }
    }
    fill(0, n, &mut [1; N], visit);
}

#[cfg(test)]
mod tests;
