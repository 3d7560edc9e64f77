//! One axis of a grid in space: where its cells lie and how wide they are.

use std::ops::Range;
use std::sync::Arc;

/// The cells along one axis of a grid; from [`Grid::axis`](super::Grid::axis).
///
/// Indices are global and may lie in the halo. Beyond a wall, the cells are mirror images of those
/// inside; beyond the end of a periodic axis, the cells of the other end follow. Lengths and
/// coordinates are in the units of the grid. A clone shares the coordinates, and threads may share
/// an axis.
///
/// ```
/// use parhelion::prelude::*;
///
/// let world = World::init()?;
/// let grid = Grid::builder([4, 3]).faces(0, &[0.0, 1.0, 3.0, 6.0, 10.0]).build(&world)?;
/// let y = grid.axis(0);
/// assert!(y.is_stretched() && !grid.axis(1).is_stretched());
/// assert_eq!((y.face(1), y.center(1), y.width(1)), (1.0, 2.0, 2.0));
/// assert_eq!(y.distance(1), 1.5);                            // from center 0 to center 1
/// assert_eq!((y.center(-1), y.width(-1)), (-0.5, 1.0));      // mirrored about the wall
/// assert_eq!((y.cell_at(6.5), y.cells_between(2.0, 5.0)), (Some(3), 1..3));
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GridAxis {
    pub(super) cells: usize,
    pub(super) periodic: bool,
    /// Of uniform cells; the mean of others.
    pub(super) spacing: f64,
    pub(super) origin: f64,
    /// The coordinates of all `cells + 1` faces, if the axis is stretched.
    pub(super) faces: Option<Arc<[f64]>>,
}

impl GridAxis {
    /// Returns whether the axis was built from faces or a mapping, so that its cells may differ in
    /// width.
    pub fn is_stretched(&self) -> bool {
        self.faces.is_some()
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Length of the domain along the axis.
    pub fn length(&self) -> f64 {
        match &self.faces {
            Some(faces) => faces[self.cells] - faces[0],
            None => self.spacing * self.cells as f64,
        }
    }

    /// Length divided by the number of cells.
    pub fn mean_width(&self) -> f64 {
        self.spacing
    }

    /// Coordinate of face `index`, the low face of cell `index`.
    #[inline]
    pub fn face(&self, index: isize) -> f64 {
        let Some(faces) = &self.faces else { return self.origin + index as f64 * self.spacing };
        let cells = self.cells as isize;
        if (0..=cells).contains(&index) {
            return faces[index as usize];
        }
        if self.periodic {
            let turns = index.div_euclid(cells);
            return faces[index.rem_euclid(cells) as usize] + turns as f64 * self.length();
        }
        if index < 0 {
            2.0 * faces[0] - self.face(-index)
        } else {
            2.0 * faces[self.cells] - self.face(2 * cells - index)
        }
    }

    /// Coordinate of the center of a cell, halfway between its faces.
    #[inline]
    pub fn center(&self, index: isize) -> f64 {
        match self.faces {
            Some(_) => 0.5 * (self.face(index) + self.face(index + 1)),
            None => self.origin + (index as f64 + 0.5) * self.spacing,
        }
    }

    /// Coordinate of a point: at a face if `staggered`, otherwise at a center.
    #[inline]
    pub(crate) fn coordinate(&self, index: isize, staggered: bool) -> f64 {
        if staggered { self.face(index) } else { self.center(index) }
    }

    /// Width of a cell.
    #[inline]
    pub fn width(&self, index: isize) -> f64 {
        let Some(faces) = &self.faces else { return self.spacing };
        let cells = self.cells as isize;
        let inside = if self.periodic {
            index.rem_euclid(cells)
        } else {
            // Mirrored about both walls, a row of cells repeats after twice its length.
            let there = index.rem_euclid(2 * cells);
            there.min(2 * cells - 1 - there)
        } as usize;
        faces[inside + 1] - faces[inside]
    }

    /// Distance across face `index`, from the center of cell `index − 1` to that of cell `index`.
    #[inline]
    pub fn distance(&self, index: isize) -> f64 {
        match self.faces {
            Some(_) => 0.5 * (self.width(index - 1) + self.width(index)),
            None => self.spacing,
        }
    }

    /// The length that belongs to a point: the width of a cell; around a face, half of the cells on
    /// both sides that lie in the domain.
    pub(crate) fn share(&self, index: isize, staggered: bool) -> f64 {
        let cells = self.cells as isize;
        match staggered {
            false => self.width(index),
            true if !self.periodic && index == 0 => 0.5 * self.width(0),
            true if !self.periodic && index == cells => 0.5 * self.width(cells - 1),
            true => self.distance(index),
        }
    }

    /// Returns the cell that contains this coordinate, or `None` outside the domain. A face belongs
    /// to the cell above it; the last cell contains both of its faces.
    pub fn cell_at(&self, coordinate: f64) -> Option<usize> {
        let (low, high) = (self.face(0), self.face(self.cells as isize));
        if !(low..=high).contains(&coordinate) {
            return None;
        }
        let above = self.count(|index| self.face(index) <= coordinate);
        Some(above.clamp(1, self.cells) - 1)
    }

    /// Returns the cells whose centers lie in `low..high`, so that `low` is included and `high` is
    /// not.
    pub fn cells_between(&self, low: f64, high: f64) -> Range<usize> {
        let before = |end: f64| self.count(|index| self.center(index) < end);
        let first = before(low);
        first..before(high).max(first)
    }

    /// The number of cells for which a condition holds that holds for the first ones only.
    fn count(&self, holds: impl Fn(isize) -> bool) -> usize {
        let (mut first, mut last) = (0, self.cells);
        while first < last {
            let middle = first + (last - first) / 2;
            if holds(middle as isize) { first = middle + 1 } else { last = middle }
        }
        first
    }
}

/// Why these cannot be the faces of an axis of `cells` cells, if they cannot.
pub(super) fn refusal(faces: &[f64], cells: usize) -> Option<String> {
    if faces.len() != cells + 1 {
        return Some(format!(
            "it has {cells} cells, but {} face coordinates; give {}",
            faces.len(),
            cells + 1
        ));
    }
    if let Some(index) = faces.iter().position(|face| !face.is_finite()) {
        return Some(format!("face {index} is at {}; all coordinates must be finite", faces[index]));
    }
    if let Some(index) = (1..faces.len()).find(|&index| faces[index] <= faces[index - 1]) {
        return Some(format!(
            "face {index} is at {}, but face {} before it at {}; coordinates must increase from face to face",
            faces[index],
            index - 1,
            faces[index - 1]
        ));
    }
    let length = faces[cells] - faces[0];
    (!length.is_finite()).then(|| format!("its length, {length}, is not finite"))
}
