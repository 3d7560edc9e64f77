//! One axis of a grid or of a grid coarsened from it: widths of cells, and how neighbors are
//! coupled.

mod nodes;
mod quadratic;

use std::sync::Arc;

use crate::grid::GridAxis;

/// The kind of end that an axis has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::solvers) enum End {
    /// The other end.
    Periodic,
    /// A wall where the value is given.
    Fixed,
    /// A wall where the flux is given.
    Free,
}

/// The kind of points on an axis, which decides how it is coarsened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::solvers) enum Points {
    /// Cells, two by two.
    Cells,
    /// Nodes between and on walls, every second one; see `nodes`.
    Nodes,
}

/// Cells along one axis, each made of `width` cells of the finest grid, the last of what is left;
/// or the nodes between them.
#[derive(Clone, Debug)]
pub(in crate::solvers) struct Axis {
    /// Cells of the finest grid.
    pub(in crate::solvers) finest: usize,
    /// Their size; on a stretched axis, the mean.
    pub(in crate::solvers) spacing: f64,
    /// On a stretched axis of cells, the places of their faces in units of `spacing`, from 0.
    pub(in crate::solvers) faces: Option<Arc<[f64]>>,
    /// Cells of the finest grid in a cell of this one.
    pub(in crate::solvers) width: usize,
    /// The `[low, high]` end.
    pub(in crate::solvers) ends: [End; 2],
    pub(in crate::solvers) points: Points,
}

/// The couplings of a cell along an axis, for a coefficient of 1, divided by the cell's width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::solvers) struct Coupled {
    /// To the cell before and the cell after; 0 at walls.
    pub(in crate::solvers) sides: [f64; 2],
    /// The sum of both for the diagonal, with walls of given value.
    pub(in crate::solvers) diagonal: f64,
}

impl Axis {
    /// The cells of an axis of a grid.
    pub(in crate::solvers) fn of_cells(axis: &GridAxis, ends: [End; 2]) -> Self {
        let spacing = axis.mean_width();
        let place = |i: usize| (axis.face(i as isize) - axis.face(0)) / spacing;
        let faces = axis.is_stretched().then(|| (0..=axis.cells()).map(place).collect());
        Self { finest: axis.cells(), spacing, faces, width: 1, ends, points: Points::Cells }
    }

    /// Cells, or points where they are nodes.
    pub(in crate::solvers) fn cells(&self) -> usize {
        match self.points {
            Points::Cells => self.finest.div_ceil(self.width),
            Points::Nodes => nodes::count(self) as usize,
        }
    }

    /// Whether anything is left to solve for on the next coarser axis.
    pub(in crate::solvers) fn coarsens(&self) -> bool {
        self.cells() > if self.points == Points::Nodes && nodes::is_dummy(self, 0) { 2 } else { 1 }
    }

    /// Returns the axis with cells twice as wide.
    pub(in crate::solvers) fn coarsened(&self) -> Self {
        Self { width: 2 * self.width, ..self.clone() }
    }

    /// The index inside the axis, around periodic ends; `None` beyond a wall.
    fn inside(&self, i: isize) -> Option<usize> {
        let cells = self.cells() as isize;
        let periodic = self.ends[0] == End::Periodic;
        if periodic {
            Some(i.rem_euclid(cells) as usize)
        } else {
            (0..cells).contains(&i).then_some(i as usize)
        }
    }

    /// Width of cell `i`, in (mean) cells of the finest grid.
    pub(in crate::solvers) fn width_of(&self, i: isize) -> Option<f64> {
        let i = self.inside(i)?;
        let cells = self.width.min(self.finest - i * self.width);
        Some(match &self.faces {
            Some(faces) => faces[i * self.width + cells] - faces[i * self.width],
            None => cells as f64,
        })
    }

    /// The couplings of cell `i`; 0 beyond walls.
    pub(in crate::solvers) fn coupled(&self, i: isize) -> Coupled {
        if self.points == Points::Nodes {
            return nodes::coupled(self, i);
        }
        let Some(width) = self.width_of(i) else { return Coupled { sides: [0.0; 2], diagonal: 0.0 } };
        let scale = 1.0 / (self.spacing * self.spacing * width);
        let sides = [i - 1, i + 1].map(|j| self.width_of(j).map_or(0.0, |next| scale * 2.0 / (width + next)));
        let walls = [i - 1, i + 1].into_iter().zip(self.ends);
        let fixed = walls.filter(|&(j, end)| end == End::Fixed && self.inside(j).is_none()).count();
        Coupled { sides, diagonal: sides[0] + sides[1] + fixed as f64 * scale * 2.0 / width }
    }

    /// The weight of a child in a cell of the next coarser axis, of the coarse cell's
    /// width.
    pub(in crate::solvers) fn share(&self, child: isize, coarse: &Self) -> f64 {
        let parent = if coarse.width == self.width { child } else { child.div_euclid(2) };
        match (self.width_of(child), coarse.width_of(parent)) {
            (Some(width), Some(whole)) => width / whole,
            _ => 0.0,
        }
    }

    /// The weights of points `2i − 1`, `2i` and `2i + 1` in point `i` of the next coarser axis;
    /// `i − 1`, `i` and `i + 1` where it is the same.
    pub(in crate::solvers) fn weights(&self, i: isize, coarse: &Self) -> [f64; 3] {
        match self.points {
            _ if coarse.width == self.width => [0.0, 1.0, 0.0],
            Points::Nodes => nodes::weights(self, i, coarse),
            // The last cell may be alone; around a periodic end it is not the first that comes
            // next.
            Points::Cells if 2 * i + 1 == self.cells() as isize => [0.0, self.share(2 * i, coarse), 0.0],
            Points::Cells => [0.0, self.share(2 * i, coarse), self.share(2 * i + 1, coarse)],
        }
    }

    /// The ratio, to the next coarser axis, of the distance between the centers beside the low face
    /// of cell `i`, the first child of its parent; 0 at walls.
    pub(in crate::solvers) fn nearer(&self, i: isize, coarse: &Self) -> f64 {
        let parent = if coarse.width == self.width { i } else { i.div_euclid(2) };
        let between = |axis: &Self, i: isize| Some(axis.width_of(i - 1)? + axis.width_of(i)?);
        match (between(self, i), between(coarse, parent)) {
            (Some(mine), Some(theirs)) => mine / theirs,
            _ => 0.0,
        }
    }

    /// Linear interpolation from the next coarser axis at cell `i`: the parent's weight and that of
    /// the parent's neighbor on the side of `i`. At a wall the given value 0, or slope 0, stands
    /// for the neighbor.
    pub(in crate::solvers) fn interpolated(&self, i: isize, coarse: &Self) -> [f64; 2] {
        if coarse.width == self.width {
            return [1.0, 0.0];
        }
        if self.points == Points::Nodes {
            return nodes::interpolated(self, i, coarse);
        }
        let (parent, first) = (i.div_euclid(2), i.rem_euclid(2) == 0);
        let (Some(mine), Some(whole)) = (self.width_of(i), coarse.width_of(parent)) else {
            return [1.0, 0.0];
        };
        // From the parent's center toward the side of the child.
        let offset = 0.5 * (whole - mine);
        let (side, end) = if first { (parent - 1, self.ends[0]) } else { (parent + 1, self.ends[1]) };
        match (coarse.width_of(side), end) {
            (Some(next), _) => {
                let weight = offset / (0.5 * (whole + next));
                [1.0 - weight, weight]
            }
            (None, End::Fixed) => [1.0 - offset / (0.5 * whole), 0.0],
            (None, _) => [1.0, 0.0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALLS: Axis = Axis {
        finest: 5,
        spacing: 0.5,
        faces: None,
        width: 1,
        ends: [End::Fixed, End::Free],
        points: Points::Cells,
    };

    #[test]
    fn cells_of_equal_width_are_coupled_by_second_differences() {
        let inner = WALLS.coupled(2);
        assert_eq!((inner.sides, inner.diagonal), ([4.0, 4.0], 8.0));
        assert_eq!(WALLS.coupled(0), Coupled { sides: [0.0, 4.0], diagonal: 12.0 });
        assert_eq!(WALLS.coupled(4), Coupled { sides: [4.0, 0.0], diagonal: 4.0 });
        assert_eq!(WALLS.coupled(5), Coupled { sides: [0.0; 2], diagonal: 0.0 });
        let ring = Axis { ends: [End::Periodic; 2], ..WALLS };
        assert_eq!(ring.coupled(0), ring.coupled(3));
    }

    /// Flux through a face seen from both of its cells, however wide they are.
    #[test]
    fn coupling_times_width_is_symmetric() {
        for ends in [[End::Fixed; 2], [End::Periodic; 2]] {
            let uniform = Axis { ends, width: 2, ..WALLS };
            let stretched = Axis { faces: Some([0.0, 0.5, 1.75, 2.5, 4.0, 5.0].into()), ..uniform.clone() };
            for (axis, i) in [uniform, stretched].iter().flat_map(|axis| (0..3).map(move |i| (axis, i))) {
                assert_eq!(axis.cells(), 3);
                let width = |i| axis.width_of(i).unwrap_or(0.0);
                let from = axis.coupled(i).sides[1] * width(i);
                let back = axis.coupled(i + 1).sides[0] * width(i + 1);
                assert!((from - back).abs() < 1e-15, "{i}: {from} {back}");
            }
        }
    }

    #[test]
    fn averages_of_constants_are_those_constants() {
        for ends in [[End::Fixed; 2], [End::Periodic; 2]] {
            let axis = Axis { ends, ..WALLS };
            for i in 0..3 {
                let sum: f64 = axis.weights(i, &axis.coarsened()).iter().sum();
                assert!((sum - 1.0).abs() < 1e-15, "{ends:?} {i}: {sum}");
            }
        }
    }

    #[test]
    fn interpolation_is_exact_for_linear_functions() {
        let (fine, coarse) = (WALLS, WALLS.coarsened());
        assert_eq!((0..5).map(|i| fine.share(i, &coarse)).collect::<Vec<_>>(), [0.5, 0.5, 0.5, 0.5, 1.0]);
        let center = |axis: &Axis, i: isize| i as f64 * axis.width as f64 + 0.5 * axis.width_of(i).unwrap();
        for i in 0..5 {
            let [own, other] = fine.interpolated(i, &coarse);
            let (parent, side) = (i / 2, if i % 2 == 0 { i / 2 - 1 } else { i / 2 + 1 });
            let value = |j| if coarse.width_of(j).is_some() { center(&coarse, j) } else { 0.0 };
            // 0 at the low wall; the last cell is its own parent.
            assert!((own * value(parent) + other * value(side) - center(&fine, i)).abs() < 1e-15, "{i}");
        }
    }
}
