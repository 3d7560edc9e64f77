//! On how many ranks each level lies, and how it is cut: pure arithmetic, the same on all ranks.

use crate::error::{Error, ErrorKind, Result};
use crate::grid::Decomposition;
use crate::solvers::elliptic::axis::Axis;

/// Levels that lie on the same ranks, cut in the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage<const N: usize> {
    /// The first of its levels.
    pub(super) first: usize,
    /// The last one. It is the first of the next stage too, whose ranks gather it.
    pub(super) last: usize,
    pub(super) procs: [usize; N],
    /// In cells of the first level; so large that blocks of all levels begin at the same places.
    pub(super) granule: [usize; N],
}

impl<const N: usize> Stage<N> {
    pub(super) fn ranks(&self) -> usize {
        self.procs.iter().product()
    }

    /// The blocks of the first level, of these axes.
    pub(super) fn decomposition(&self, axes: &[Axis; N]) -> Result<Decomposition<N>> {
        Decomposition::new(axes.each_ref().map(Axis::cells), self.procs)?.with_granule(self.granule)
    }
}

/// Spreads levels over ranks.
///
/// All levels begin on the ranks of the `user`'s blocks, in these blocks if they allow it. Where a
/// level has fewer than `cells_per_rank` cells a rank, or its blocks cannot be coarsened, half the
/// ranks or fewer continue; the last level lies on one. The axis that is to stay `whole` is not
/// cut.
///
/// # Errors
/// When there are fewer lines along that axis than ranks.
pub(super) fn stages<const N: usize>(
    user: &Decomposition<N>,
    periodic: [bool; N],
    all: &[[Axis; N]],
    (cells_per_rank, whole): (usize, Option<usize>),
) -> Result<Vec<Stage<N>>> {
    let cells = |level: usize| all[level].iter().map(Axis::cells).product::<usize>();
    let enough = |level: usize, ranks: usize| cells(level) / ranks >= cells_per_rank;
    let coarsest = all.len() - 1;
    let (mut stages, mut first, mut ranks) = (Vec::new(), 0, user.ranks());
    while ranks > 1 {
        let large =
            all[first..coarsest].iter().zip(first..).take_while(|&(_, level)| enough(level, ranks)).count();
        let stage = (first + 1..=first + large).rev().find_map(|last| {
            let granule = std::array::from_fn(|a| all[last][a].width / all[first][a].width);
            let procs = cut(user, (periodic, whole), &all[first], ranks, granule).ok()?;
            Some(Stage { first, last, procs, granule })
        });
        match stage {
            Some(stage) => {
                first = stage.last;
                stages.push(stage);
            }
            // The finest level is there even if nothing can be done with it but gather it.
            None if first == 0 && stages.is_empty() => {
                let procs = cut(user, (periodic, whole), &all[first], ranks, [1; N])?;
                stages.push(Stage { first, last: first, procs, granule: [1; N] });
            }
            None => {}
        }
        ranks /= 2;
        while ranks > 1 && !enough(first, ranks) {
            ranks /= 2;
        }
    }
    stages.push(Stage { first, last: coarsest, procs: [1; N], granule: [1; N] });
    Ok(stages)
}

/// The number of ranks along each axis when blocks of whole granules are cut for `ranks` ranks.
fn cut<const N: usize>(
    user: &Decomposition<N>,
    (periodic, whole): ([bool; N], Option<usize>),
    axes: &[Axis; N],
    ranks: usize,
    granule: [usize; N],
) -> Result<[usize; N]> {
    let shape = axes.each_ref().map(Axis::cells);
    let fits = whole.is_none_or(|axis| user.procs()[axis] == 1);
    if fits && (shape, ranks) == (user.shape(), user.ranks()) {
        let same = Decomposition::new(shape, user.procs()).and_then(|cut| cut.with_granule(granule));
        if same.is_ok_and(|same| same_blocks(&same, user)) {
            return Ok(user.procs());
        }
    }
    let granules = std::array::from_fn(|a| if Some(a) == whole { 1 } else { shape[a].div_ceil(granule[a]) });
    let cut = Decomposition::for_ranks(granules, ranks, [[1; 2]; N], periodic);
    cut.map(|cut| cut.procs()).map_err(|error| {
        let lines = whole.map_or(String::new(), |axis| format!(" of whole lines along axis {axis}"));
        let why = format!(
            "multigrid cannot cut {shape:?} points into blocks{lines} for {ranks} ranks: {error}; use fewer ranks, or a smoother that \
             solves no lines"
        );
        Error::on_all_ranks(ErrorKind::Geometry, why)
    })
}

/// Whether both are cut in the same places.
pub(super) fn same_blocks<const N: usize>(a: &Decomposition<N>, b: &Decomposition<N>) -> bool {
    a.procs() == b.procs()
        && (0..N).all(|axis| {
            let mut corner = [0; N];
            (0..a.procs()[axis]).all(|c| {
                corner[axis] = c;
                a.block(corner) == b.block(corner)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solvers::elliptic::axis::{End, Points};

    fn levels(cells: usize, count: usize) -> Vec<[Axis; 3]> {
        let (ends, points) = ([End::Fixed; 2], Points::Cells);
        let axis = |width| Axis { finest: cells, spacing: 1.0, faces: None, width, ends, points };
        (0..count).map(|level| std::array::from_fn(|_| axis(1 << level))).collect()
    }

    fn planned(cells: usize, count: usize, ranks: usize) -> Vec<Stage<3>> {
        let user = Decomposition::for_ranks([cells; 3], ranks, [[1; 2]; 3], [false; 3]).unwrap();
        stages(&user, [false; 3], &levels(cells, count), (1000, None)).unwrap()
    }

    #[test]
    fn ranks_become_fewer_step_by_step_and_no_level_is_left_out() {
        for ranks in [1, 2, 3, 7, 8, 64, 100, 512] {
            let plan = planned(128, 6, ranks);
            assert_eq!((plan[0].first, plan[0].ranks()), (0, ranks), "{plan:?}");
            let end = plan[plan.len() - 1];
            assert_eq!((end.last, end.ranks()), (5, 1), "{plan:?}");
            for pair in plan.windows(2) {
                assert!(pair[0].last == pair[1].first && pair[1].ranks() <= pair[0].ranks() / 2, "{plan:?}");
            }
        }
        let ranks: Vec<usize> = planned(128, 6, 512).iter().map(Stage::ranks).collect();
        // 128³ on 512, 64³ on 256, 32³ on 32, 16³ on 4, and 8³ alone.
        assert_eq!(ranks, [512, 256, 32, 4, 1]);
    }

    #[test]
    fn where_no_granule_fits_fewer_ranks_go_on() {
        // 8 cells an axis: 7 ranks can cut neither 4 nor 2 granules, but 3 can.
        let user = Decomposition::for_ranks([8; 3], 7, [[1; 2]; 3], [false; 3]).unwrap();
        let plan = stages(&user, [false; 3], &levels(8, 2), (1, None)).unwrap();
        assert_eq!(
            plan.iter().map(|s| (s.first, s.last, s.ranks())).collect::<Vec<_>>(),
            [(0, 0, 7), (0, 1, 3), (1, 1, 1)]
        );
    }

    #[test]
    fn blocks_that_fit_are_the_users() {
        let user = Decomposition::new([64; 3], [1, 2, 2]).unwrap();
        let plan = stages(&user, [false; 3], &levels(64, 4), (1000, None)).unwrap();
        assert_eq!((plan[0].procs, plan[0].granule, plan[0].last), ([1, 2, 2], [8; 3], 3));
    }
}
