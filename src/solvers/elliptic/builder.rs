//! The description of an elliptic problem, and the assembly of its operator.

use std::rc::Rc;
use std::sync::Arc;

use parhelion_kernels::Region;

use super::couplings::Mean;
use super::metric::Metric;
use super::wall_terms::WallTerms;
use super::{Assembly, Elliptic, Frame, refused};
use crate::error::Result;
use crate::field::{Boundary, Field};
use crate::grid::{Centering, Face, Grid};
use crate::solvers::elliptic::axis::{Axis, End};
use crate::solvers::elliptic::matrix::separable::Separable;
use crate::solvers::elliptic::matrix::{Discrete, Terms};
use crate::solvers::linear::LinearOperator;

/// An elliptic problem `−∇·(β∇u) + αu = f` with its walls: to [`build`](Self::build) its
/// operator, or to [`solve`](Self::solve) it. From [`Elliptic::builder`].
#[derive(Clone)]
pub struct EllipticBuilder<'a, const N: usize> {
    pub(super) grid: Grid<N>,
    pub(super) coefficient: Coefficient<'a, N>,
    pub(super) shift: Shift<'a, N>,
    pub(super) walls: [[Boundary<f64, N>; 2]; N],
    pub(super) centering: Centering,
}

#[derive(Clone)]
pub(super) enum Coefficient<'a, const N: usize> {
    Constant(f64),
    At(Arc<dyn Fn([f64; N]) -> f64 + Send + Sync>),
    Of(&'a Field<f64, N>, Mean),
}

#[derive(Clone, Copy)]
pub(super) enum Shift<'a, const N: usize> {
    Constant(f64),
    Of(&'a Field<f64, N>),
}

/// A description, with what is computed from it once.
pub(super) struct Assembler<'b, 'a, const N: usize> {
    pub(super) problem: &'b EllipticBuilder<'a, N>,
    /// The kinds of ends of each axis.
    pub(super) ends: [[End; 2]; N],
    /// This rank's points, local.
    pub(super) local: Region<N>,
    /// Global index of the local point 0.
    pub(super) offset: [isize; N],
    /// The coefficient, if it is a field, with its halo.
    pub(super) beta: Option<Field<f64, N>>,
    /// Sizes of this rank's cells.
    pub(super) metric: Metric<N>,
}

impl<'a, const N: usize> EllipticBuilder<'a, N> {
    pub(super) fn new(grid: &Grid<N>) -> Self {
        Self {
            grid: grid.clone(),
            coefficient: Coefficient::Constant(1.0),
            shift: Shift::Constant(0.0),
            walls: std::array::from_fn(|_| [Boundary::Reflecting, Boundary::Reflecting]),
            centering: Centering::Cell,
        }
    }

    /// Sets the centering of the unknowns: [`Centering::Cell`] or [`Centering::Node`]. Default: cells.
    ///
    /// Walls carry nodes. A node on a wall of given value `g` is an unknown like the others, with
    /// the equation `d u = d g`. The equation of any node is that of the part of its cell that
    /// is inside the domain, divided by the volume of a whole cell: on a wall where the flux is
    /// given it is halved (on an edge of two such, quartered), which keeps the matrix symmetric.
    /// [`Elliptic::add_walls`] makes such a right-hand side of the values of `f`.
    ///
    /// ```
    /// use parhelion::prelude::*;
    /// use parhelion::solvers::{Elliptic, Krylov, LinearOperator, Multigrid};
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([16, 24]).extent([1.0, 1.5]).build(&world)?; // 17 × 25 nodes
    /// let a = Elliptic::builder(&grid)
    ///     .centering(Centering::Node)
    ///     .wall(Face::low(0), Boundary::Dirichlet(1.0))
    ///     .wall(Face::high(0), Boundary::Neumann(2.0))
    ///     .build()?;
    /// let (mut b, mut u) = (a.vector("b"), a.vector("u"));           // f = 0
    /// a.add_walls(&mut b)?;
    /// let outcome = Krylov::cg().tolerance(1e-12).solve(&a, &mut Multigrid::<f64, 2>::new(&a)?, &b, &mut u)?;
    /// assert!(outcome.converged(), "{outcome}");
    /// assert!((u.probe([16, 7])? - 3.0).abs() < 1e-9 && (u.probe([0, 3])? - 1.0).abs() < 1e-9); // 1 + 2y
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn centering(mut self, centering: Centering) -> Self {
        self.centering = centering;
        self
    }

    /// Sets one β for all places. Default: 1.
    ///
    /// On a grid with a [stretched axis](crate::grid::GridBuilder::faces), the solvers treat it
    /// like a variable coefficient.
    pub fn coefficient(mut self, beta: f64) -> Self {
        self.coefficient = Coefficient::Constant(beta);
        self
    }

    /// β from the coordinates (slowest axis first) of the middle of each face between two unknowns.
    pub fn coefficient_at(mut self, beta: impl Fn([f64; N]) -> f64 + Send + Sync + 'static) -> Self {
        self.coefficient = Coefficient::At(Arc::new(beta));
        self
    }

    /// β from a cell-centered field: at a face the mean of both cells; at a wall the cell's own,
    /// or, where a flux through the wall is given and the next cell's is less than twice or half as
    /// large, extrapolated to the wall.
    ///
    /// Between nodes, from a node-centered field: the mean of both; or from a cell-centered one:
    /// the mean of the cells that the flux from node to node runs through side by side, of which
    /// the arithmetic one is right where the coefficient jumps.
    pub fn coefficient_of(mut self, beta: &'a Field<f64, N>, mean: Mean) -> Self {
        self.coefficient = Coefficient::Of(beta, mean);
        self
    }

    /// Sets one α for all places. Default: 0.
    ///
    /// A negative one makes a Helmholtz problem: once −α is larger than the smallest eigenvalue of
    /// `−∇·(β∇)`, the matrix is indefinite. [`Krylov::minres`](crate::solvers::Krylov::minres) is
    /// then the method, with [`Identity`](crate::solvers::Identity); conjugate gradients break
    /// down, and multigrid converges for small −α only.
    pub fn shift(mut self, alpha: f64) -> Self {
        self.shift = Shift::Constant(alpha);
        self
    }

    /// α from a field of the unknowns' centering.
    pub fn shift_of(mut self, alpha: &'a Field<f64, N>) -> Self {
        self.shift = Shift::Of(alpha);
        self
    }

    /// Sets the condition at a wall. Default: [`Boundary::Reflecting`], no flux.
    ///
    /// [`Dirichlet`](Boundary::Dirichlet) and [`Neumann`](Boundary::Neumann) conditions may depend
    /// on the place ([`Boundary::dirichlet_at`], [`Boundary::neumann_at`]).
    /// [`Boundary::Antireflecting`] is the value 0. [`build`](Self::build) refuses conditions that
    /// prescribe halo points instead of the wall ([`Boundary::Function`], [`Boundary::HaloValue`],
    /// [`Boundary::Extrapolated`], [`Boundary::Custom`]).
    ///
    /// # Panics
    /// When the grid has no such axis.
    pub fn wall(mut self, face: Face, wall: Boundary<f64, N>) -> Self {
        self.walls[face.axis][usize::from(face.high)] = wall;
        self
    }

    /// Builds the operator.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same description.
    ///
    /// # Errors
    /// When a coefficient is negative or a number is not finite, a field is not of this grid, a
    /// wall is given for a periodic axis, the grid has no halo, or some cell's row of the matrix
    /// has a zero on its diagonal, as where β is 0 at all faces of a cell and α is 0 too.
    pub fn build(self) -> Result<Elliptic<N>> {
        self.check()?;
        let grid = self.grid.clone();
        let assembler = self.assembler()?;
        let constants = match (&self.coefficient, self.shift) {
            // Tables for each axis are not symmetric where cells differ in size.
            (Coefficient::Constant(beta), Shift::Constant(alpha)) if !grid.is_stretched() => {
                Some([*beta, alpha])
            }
            _ => None,
        };
        let assembly = if self.centering == Centering::Node {
            assembler.at_nodes(constants)?
        } else {
            assembler.at_cells(constants)?
        };
        let shifted = match self.shift {
            Shift::Constant(alpha) => alpha != 0.0,
            Shift::Of(field) => field.count(|alpha| alpha != 0.0) > 0,
        };
        let singular = !shifted && !assembler.ends.iter().flatten().any(|&end| end == End::Fixed);
        let Assembly { terms, axes, walls, frame } = assembly;
        let (discrete, walls) = (Rc::new(Discrete { grid, terms }), Rc::new(walls));
        let operator = Elliptic { discrete, axes, constants, walls, frame, singular };
        operator.check_diagonal()?;
        Ok(operator)
    }

    /// Computes what all parts of the assembly need.
    fn assembler(&self) -> Result<Assembler<'_, 'a, N>> {
        let block = self.grid.region_global(self.centering);
        let beta = match &self.coefficient {
            Coefficient::Of(field, _) => {
                let copy = self.grid.field_builder::<f64>("coefficient").centering(field.centering());
                let mut copy = copy.build()?;
                copy.copy_from(field)?;
                copy.exchange()?;
                Some(copy)
            }
            _ => None,
        };
        let (ends, offset) = (self.ends(), block.start);
        let local = Region::from_shape(block.shape());
        let metric = Metric::new(self.grid.axes(), offset, local);
        Ok(Assembler { problem: self, ends, local, offset, beta, metric })
    }

    /// The kinds of ends of each axis.
    pub(super) fn ends(&self) -> [[End; 2]; N] {
        let periodic = self.grid.topology().periodic();
        std::array::from_fn(|a| {
            self.walls[a].each_ref().map(|wall| match wall {
                _ if periodic[a] => End::Periodic,
                wall if wall.gives_value() => End::Fixed,
                _ => End::Free,
            })
        })
    }
}

impl<const N: usize> Assembler<'_, '_, N> {
    /// # Errors
    /// When what walls or coefficients give makes no sense.
    fn at_cells(&self, constants: Option<[f64; 2]>) -> Result<Assembly<N>> {
        let grid = &self.problem.grid;
        let shape = grid.decomposition().shape();
        let axes = std::array::from_fn(|a| Axis::of_cells(grid.axis(a), self.ends[a]));
        let mut walls = WallTerms { sources: self.sources()?, ..WallTerms::default() };
        let terms = match constants {
            Some([beta, alpha]) => {
                let reach = self.local.grown(grid.halo());
                Terms::Separable(Separable::new(&axes, beta, alpha, self.offset, reach))
            }
            None => {
                walls.couplings = self.wall_couplings()?;
                Terms::Faces(Box::new(self.faces(&walls.couplings)?))
            }
        };
        if grid.is_stretched() {
            walls.volumes = Some(Metric::new(grid.axes(), self.offset, self.local).widths());
        }
        let frame = Frame { centering: Centering::Cell, origin: [0; N], unknown: Region::from_shape(shape) };
        Ok(Assembly { terms, axes, walls, frame })
    }
}

impl<const N: usize> Elliptic<N> {
    /// # Errors
    /// When the diagonal has a zero, by which smoothers would divide.
    fn check_diagonal(&self) -> Result<()> {
        let points = self.discrete.grid.shape_global(self.centering()).iter().product::<usize>();
        // The diagonal of constant coefficients is that of some other point anyway, unless α takes
        // all of it off.
        if points == 1 || self.constants.is_some_and(|[_, alpha]| alpha >= 0.0) {
            return Ok(());
        }
        let mut diagonal = self.vector("diagonal");
        self.diagonal(&mut diagonal)?;
        match diagonal.count(|value| value == 0.0) {
            0 => Ok(()),
            zeros => Err(refused(format!(
                "{zeros} of {points} point(s) have a zero on the diagonal, as where the coefficient is 0 on all sides and the \
                 shift is 0 too; give those points a positive shift or a positive coefficient"
            ))),
        }
    }
}
