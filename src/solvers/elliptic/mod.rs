//! The operator of elliptic problems, `−∇·(β∇u) + αu`, in finite volumes.
//!
//! | file | what it has |
//! |---|---|
//! | `builder` | the description of an operator, and how it is made |
//! | `checks` | what is refused |
//! | `couplings` | couplings of variable coefficients |
//! | `metric` | couplings of cells that differ in size |
//! | `nodes` | unknowns at nodes |
//! | `wall_terms` | what walls add to the right-hand side and to the diagonal |

pub(super) mod axis;
mod builder;
mod checks;
mod couplings;
pub(super) mod matrix;
mod metric;
mod nodes;
mod wall_terms;

use std::rc::Rc;

use parhelion_kernels::Region;

use super::linear::LinearOperator;
use super::linear::operator::check_fields;
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use crate::grid::{Centering, Grid};
use axis::{Axis, End};
use matrix::faces::{DiagonalParts, Faces};
use matrix::{Discrete, Terms};
use metric::multiply_by_products;
pub(super) use wall_terms::WallTerms;

pub use builder::EllipticBuilder;
pub use couplings::Mean;

/// `−∇·(β∇u) + αu` on cell-centered or [node-centered](EllipticBuilder::centering) fields of a
/// grid: fluxes through faces by differences of neighbors, of second order.
///
/// Walls are part of the operator: a condition's homogeneous half belongs to the matrix, its value
/// to the right-hand side, to which [`add_walls`](Self::add_walls) adds it. The boundary conditions
/// of the fields themselves are ignored.
///
/// On a grid with a [stretched axis](crate::grid::GridBuilder::faces) the equation of a point is
/// multiplied by the volume that belongs to it, divided by the mean volume of all cells (`apply`
/// gives that), which keeps the matrix symmetric; the right-hand side is made so by `add_walls`.
/// Where an axis is stretched so much that neighbors along it are far nearer than along the others,
/// [`Smoother::Line`](super::Smoother::Line) is the smoother.
///
/// The matrix is symmetric, and positive definite if α ≥ 0 and a wall gives the value or α > 0
/// somewhere. Otherwise, with α = 0, it is [singular](LinearOperator::is_singular).
///
/// Clones share their coefficients.
#[derive(Clone)]
pub struct Elliptic<const N: usize> {
    pub(super) discrete: Rc<Discrete<f64, N>>,
    pub(super) axes: [Axis; N],
    /// Coefficient and shift, where both are constant.
    pub(super) constants: Option<[f64; 2]>,
    pub(super) walls: Rc<WallTerms<N>>,
    pub(super) frame: Frame<N>,
    singular: bool,
}

/// The place of multigrid's own grid among the points of the fields.
#[derive(Clone, Copy)]
pub(super) struct Frame<const N: usize> {
    pub(super) centering: Centering,
    /// The global index of its point 0.
    pub(super) origin: [isize; N],
    /// The unknowns, by their global indices.
    pub(super) unknown: Region<N>,
}

/// The parts of an operator, assembled for one centering.
struct Assembly<const N: usize> {
    terms: Terms<f64, N>,
    axes: [Axis; N],
    walls: WallTerms<N>,
    frame: Frame<N>,
}

impl<const N: usize> Elliptic<N> {
    /// Starts to describe `−Δu` with no flux through the walls.
    pub fn builder<'a>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
        EllipticBuilder::new(grid)
    }

    /// Adds the contribution of the walls' values and slopes to the right-hand side.
    ///
    /// On a grid with a [stretched axis](crate::grid::GridBuilder::faces) it also multiplies `f` by
    /// the volume that belongs to each point divided by the mean volume of all cells, and is always
    /// needed.
    ///
    /// At nodes it does more and is always needed: it multiplies `f` by the share of each node's
    /// cell that is inside the domain, and sets the right-hand side of nodes of given value (on an
    /// edge of two such walls, the later axis decides).
    ///
    /// # Errors
    /// When the field is not of this grid and centering.
    pub fn add_walls(&self, b: &mut Field<f64, N>) -> Result<()> {
        check_fields(self, &[b])?;
        self.multiply_by_volume(b);
        for layer in &self.walls.halved {
            let mut view = b.view_mut();
            layer.rows().for_each(|(first, len)| view.row_mut(first, len).iter_mut().for_each(|b| *b *= 0.5));
        }
        self.walls.sources.iter().for_each(|term| term.add(b, 1.0));
        self.walls.fixed_nodes.iter().for_each(|fixed| fixed.set(b));
        Ok(())
    }

    /// Multiplies each value with the volume that belongs to it, relative to the mean of all; does nothing on
    /// a uniform grid.
    pub(super) fn multiply_by_volume(&self, field: &mut Field<f64, N>) {
        if let Some(widths) = &self.walls.volumes {
            multiply_by_products(widths, field);
        }
    }

    /// The axis along which couplings are strongest: on average, where they vary.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    pub(super) fn strongest_axis(&self) -> usize {
        let strength: [f64; N] = match &self.discrete.terms {
            Terms::Faces(faces) => faces.below.each_ref().map(Field::sum),
            _ => self.axes.each_ref().map(|axis| if axis.coarsens() { 1.0 / axis.spacing } else { 0.0 }),
        };
        // The last of equals: along it cells are next to each other in memory.
        (0..N).max_by(|&a, &b| strength[a].total_cmp(&strength[b])).unwrap_or(0)
    }

    /// The diagonal, apart: shift, and couplings to walls, of variable coefficients.
    pub(super) fn parts(&self, faces: &Faces<f64, N>) -> Result<DiagonalParts<f64, N>> {
        let mut alpha = self.vector("shift");
        alpha.copy_from(&faces.shift)?;
        let with_walls = |a: usize| self.axes[a].ends.contains(&End::Fixed);
        let mut walls = std::array::from_fn(|a| with_walls(a).then(|| self.vector("walls")));
        for (axis, term) in &self.walls.couplings {
            term.add(&mut alpha, -1.0);
            if let Some(walls) = &mut walls[*axis] {
                term.add(walls, 1.0);
            }
        }
        Ok(DiagonalParts { alpha, walls })
    }
}

impl<const N: usize> LinearOperator<N> for Elliptic<N> {
    fn grid(&self) -> &Grid<N> {
        &self.discrete.grid
    }

    fn centering(&self) -> Centering {
        self.frame.centering
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
