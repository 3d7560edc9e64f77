//! Between the user's points and those of multigrid's own grid, which has no nodes of given value.

use std::rc::Rc;

use crate::field::Field;
use crate::grid::Centering;
use crate::solvers::elliptic::axis::{End, Points};
use crate::solvers::elliptic::{Elliptic, Frame, WallTerms};
use crate::solvers::linear::Real;
use crate::solvers::multigrid::hierarchy::Level;
use parhelion_kernels::Region;

/// What is done to residuals and corrections on the way between both grids.
pub(in crate::solvers::multigrid) struct WallNodes<const N: usize> {
    pub(in crate::solvers::multigrid) frame: Frame<N>,
    /// Layers of the finest level whose equations the user's operator has by halves, and the level
    /// as wholes.
    doubled: Vec<Region<N>>,
    walls: Rc<WallTerms<N>>,
}

impl<const N: usize> WallNodes<N> {
    pub(in crate::solvers::multigrid) fn new<T: Real>(operator: &Elliptic<N>, finest: &Level<T, N>) -> Self {
        let grid = &finest.operator.grid;
        let block = grid.region_global(Centering::Cell);
        let mut doubled = Vec::new();
        for (a, axis) in operator.axes.iter().enumerate() {
            if axis.points != Points::Nodes {
                continue;
            }
            for (end, at) in axis.ends.into_iter().zip([0, axis.cells() as isize - 1]) {
                let layer = block.intersection(&block.with_axis(a, at, at + 1));
                if end == End::Free && !layer.is_empty() {
                    doubled.push(layer.shifted(block.start.map(|start| -start)));
                }
            }
        }
        Self { frame: operator.frame, doubled, walls: Rc::clone(&operator.walls) }
    }

    /// Whether points and equations of the finest level are the user's.
    pub(in crate::solvers::multigrid) fn is_plain(&self) -> bool {
        self.frame.centering == Centering::Cell
    }

    /// Doubles the residuals of equations that the user's operator has by halves, on the finest
    /// level.
    pub(in crate::solvers::multigrid) fn double_halved<T: Real>(&self, f: &mut Field<T, N>) {
        for layer in &self.doubled {
            let (mut view, two) = (f.view_mut(), T::nearest(2.0));
            layer.rows().for_each(|(first, len)| view.row_mut(first, len).iter_mut().for_each(|f| *f *= two));
        }
    }

    /// Solves the equations `d z = r` of nodes of given value, which multigrid's own grid lacks.
    pub(in crate::solvers::multigrid) fn solve_fixed(&self, r: &Field<f64, N>, z: &mut Field<f64, N>) {
        self.walls.fixed_nodes.iter().for_each(|fixed| fixed.solve(r, z));
    }
}
