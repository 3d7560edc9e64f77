//! Couplings of an operator with variable coefficients: a field for each axis.

use parhelion_kernels::{Pattern, View};

use super::rows::{Couplings, RowCouplings};
use crate::error::Result;
use crate::field::{Boundary, Field};
use crate::grid::{Centering, Face, Grid};
use crate::solvers::linear::Real;

/// `−∇·(β∇u) + αu`: the coupling of each cell to the one below it on each axis, and what else is
/// on the diagonal.
pub(in crate::solvers) struct Faces<T: Real, const N: usize> {
    /// Field `a` at cell `i`: the coupling through the face between `i − 1` and `i` along axis
    /// `a`; 0 at walls.
    pub(in crate::solvers) below: [Field<T, N>; N],
    /// On the diagonal beside the couplings: the shift, and walls of given value.
    pub(in crate::solvers) shift: Field<T, N>,
}

/// The terms of the diagonal one by one, which coarsening needs.
pub(in crate::solvers) struct DiagonalParts<T: Real, const N: usize> {
    /// The shift alone.
    pub(in crate::solvers) alpha: Field<T, N>,
    /// The couplings to walls of given value at the ends of each axis; zero elsewhere.
    pub(in crate::solvers) walls: [Option<Field<T, N>>; N],
}

impl<T: Real, const N: usize> DiagonalParts<T, N> {
    /// Writes their sum to the diagonal of `faces`, which then is complete.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(in crate::solvers) fn add_up(&self, faces: &mut Faces<T, N>) -> Result<()> {
        faces.shift.copy_from(&self.alpha)?;
        for wall in self.walls.iter().flatten() {
            faces.shift.zip_mut_with(wall, |shift, &wall| *shift += wall)?;
        }
        faces.exchange()
    }
}

/// Views of them.
#[derive(Clone, Copy)]
pub(in crate::solvers) struct FaceViews<'a, T, const N: usize> {
    below: [View<'a, T, N>; N],
    shift: View<'a, T, N>,
}

/// The couplings of one row.
pub(in crate::solvers) struct FaceRow<'a, T, const N: usize> {
    below: [&'a [T]; N],
    above: [&'a [T]; N],
    shift: &'a [T],
}

impl<T: Real, const N: usize> Faces<T, N> {
    /// Makes zero couplings between cells.
    pub(in crate::solvers) fn new(grid: &Grid<N>) -> Result<Self> {
        Self::at(grid, Centering::Cell)
    }

    /// Makes zero couplings between points of this centering.
    pub(in crate::solvers) fn at(grid: &Grid<N>, centering: Centering) -> Result<Self> {
        let mut below = Vec::with_capacity(N);
        for _ in 0..N {
            below.push(grid.field_builder("coupling").centering(centering).build()?);
        }
        let mut below: [Field<T, N>; N] = below.try_into().expect("one was made for each axis");
        for field in &mut below {
            for face in Face::all::<N>().filter(|face| !grid.topology().periodic()[face.axis]) {
                // Nothing is coupled through a wall.
                field.set_boundary(face, Boundary::function(|_, _| T::zero()))?;
            }
        }
        Ok(Self { below, shift: grid.field_builder("shift").centering(centering).build()? })
    }

    /// Fills the halos, after the last write.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(in crate::solvers) fn exchange(&mut self) -> Result<()> {
        let depth = self.shift.grid().halo_deepest();
        self.below.iter_mut().try_for_each(|field| field.exchange_for(Pattern::Box, depth))?;
        self.shift.exchange_for(Pattern::Box, depth)
    }

    pub(in crate::solvers) fn views(&self) -> FaceViews<'_, T, N> {
        FaceViews {
            below: self.below.each_ref().map(|field| field.with_halo(0)),
            shift: self.shift.with_halo(0),
        }
    }
}

impl<'a, T: Real, const N: usize> FaceViews<'a, T, N> {
    #[inline(always)]
    pub(in crate::solvers) fn row(&self, first: [isize; N], len: usize) -> FaceRow<'a, T, N> {
        let row = |a: usize, step: isize| {
            let mut index = first;
            index[a] += step;
            &self.below[a].row(index, len)[..len]
        };
        FaceRow {
            below: std::array::from_fn(|a| row(a, 0)),
            above: std::array::from_fn(|a| row(a, 1)),
            shift: &self.shift.row(first, len)[..len],
        }
    }
}

impl<'a, T: Real, const N: usize> RowCouplings<T, N> for FaceRow<'a, T, N> {
    #[inline(always)]
    fn at(&self, i: usize) -> Couplings<T, N> {
        let (below, above) = (self.below.map(|row| row[i]), self.above.map(|row| row[i]));
        let mut diagonal = self.shift[i];
        for a in 0..N {
            diagonal += below[a] + above[a];
        }
        Couplings { below, above, diagonal }
    }

    #[inline(always)]
    fn trimmed(&self, len: usize) -> Self {
        let cut = |rows: [&'a [T]; N]| rows.map(|row| &row[..len]);
        Self { below: cut(self.below), above: cut(self.above), shift: &self.shift[..len] }
    }
}
