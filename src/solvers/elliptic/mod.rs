//! The operator of elliptic problems, `−∇·(β∇u) + αu`, in finite volumes.
//!
//! | file | what it has |
//! |---|---|
//! | `builder` | the description of an operator, and how it is made |
//! | `checks` | what is refused |
//! | `couplings` | couplings of variable coefficients |
//! | `walls` | what walls add to the right-hand side and to the diagonal |

mod builder;
mod checks;
mod couplings;
mod walls;

use super::LinearOperator;
use super::discrete::Discrete;
use super::faces::{Faces, Parts};
use super::line::{End, Line};
use super::operator::check_fields;
use crate::error::ErrorKind;
use crate::{Error, Field, Grid, Result};
use walls::Lift;

pub use builder::EllipticBuilder;
pub use couplings::Mean;

/// `−∇·(β∇u) + αu` on cell-centred fields of a grid: fluxes through faces by differences of neighbours, of second order.
///
/// Walls are part of the operator: a condition's homogeneous half belongs to the matrix, its value to the right-hand side, to
/// which [`add_walls`](Self::add_walls) adds it. The boundary conditions of the fields themselves do not count.
///
/// The matrix is symmetric, and positive definite if α ≥ 0 and a wall gives the value or α > 0 somewhere. Otherwise, with
/// α = 0, it is [singular](LinearOperator::is_singular).
pub struct Elliptic<const N: usize> {
    pub(super) discrete: Discrete<f64, N>,
    pub(super) lines: [Line; N],
    /// Coefficient and shift, where both are constant.
    pub(super) constants: Option<[f64; 2]>,
    lifts: Vec<Lift<N>>,
    /// For each wall of given value that this block touches: its axis, and the couplings of the cells to it. Empty where
    /// the coefficients are constant.
    fixed: Vec<(usize, Lift<N>)>,
    singular: bool,
}

impl<const N: usize> Elliptic<N> {
    /// Starts to describe `−Δu` with no flux through the walls.
    pub fn builder<'a>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
        EllipticBuilder::new(grid)
    }

    /// Adds to the right-hand side what the given values at the walls contribute.
    ///
    /// # Errors
    /// When the field is not of this grid.
    pub fn add_walls(&self, b: &mut Field<f64, N>) -> Result<()> {
        check_fields(self, &[b])?;
        self.lifts.iter().for_each(|lift| lift.add(b, 1.0));
        Ok(())
    }

    /// The diagonal, apart: shift, and couplings to walls, of variable coefficients.
    pub(super) fn parts(&self, faces: &Faces<f64, N>) -> Result<Parts<f64, N>> {
        let grid = &self.discrete.grid;
        let mut alpha = grid.field("shift");
        alpha.copy_from(&faces.shift)?;
        let with_walls = |a: usize| self.lines[a].ends.contains(&End::Fixed);
        let mut walls = std::array::from_fn(|a| with_walls(a).then(|| grid.field("walls")));
        for (axis, lift) in &self.fixed {
            lift.add(&mut alpha, -1.0);
            if let Some(walls) = &mut walls[*axis] {
                lift.add(walls, 1.0);
            }
        }
        Ok(Parts { alpha, walls })
    }
}

impl<const N: usize> LinearOperator<N> for Elliptic<N> {
    fn grid(&self) -> &Grid<N> {
        &self.discrete.grid
    }

    fn apply(&self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) -> Result<()> {
        check_fields(self, &[input, output])?;
        self.discrete.apply(input, output)
    }

    fn apply_dot(&self, input: &mut Field<f64, N>, output: &mut Field<f64, N>) -> Result<f64> {
        check_fields(self, &[input, output])?;
        self.discrete.apply_dot(input, output)
    }

    fn residual(&self, x: &mut Field<f64, N>, b: &Field<f64, N>, r: &mut Field<f64, N>) -> Result<f64> {
        check_fields(self, &[x, b, r])?;
        self.discrete.residual_squares(x, b, r)
    }

    fn diagonal(&self, output: &mut Field<f64, N>) -> Result<()> {
        check_fields(self, &[output])?;
        let unread = self.vector("unread");
        self.discrete.scale_by_diagonal(&unread, output, |_| |_, _, diagonal| diagonal);
        Ok(())
    }

    fn is_singular(&self) -> bool {
        self.singular
    }
}

fn refused(why: String) -> Error {
    Error::on_all_ranks(ErrorKind::Argument, format!("no elliptic operator can be made: {why}"))
}
