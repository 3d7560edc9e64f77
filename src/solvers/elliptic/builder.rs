//! How an operator is described, and made.

use std::sync::Arc;

use parhelion_kernels::Region;

use super::couplings::Mean;
use super::{Elliptic, refused};
use crate::solvers::LinearOperator;
use crate::solvers::discrete::{Discrete, Terms};
use crate::solvers::line::{End, Line};
use crate::solvers::separable::Separable;
use crate::solvers::wall::{Wall, WallFunction};
use crate::{Centring, Face, Field, Grid, Result};

/// How an [`Elliptic`] is made; from [`Elliptic::builder`].
#[derive(Clone)]
pub struct EllipticBuilder<'a, const N: usize> {
    pub(super) grid: Grid<N>,
    pub(super) coefficient: Coefficient<'a, N>,
    pub(super) shift: Shift<'a, N>,
    pub(super) walls: [[Wall<N>; 2]; N],
}

#[derive(Clone)]
pub(super) enum Coefficient<'a, const N: usize> {
    Constant(f64),
    At(WallFunction<N>),
    Of(&'a Field<f64, N>, Mean),
}

#[derive(Clone, Copy)]
pub(super) enum Shift<'a, const N: usize> {
    Constant(f64),
    Of(&'a Field<f64, N>),
}

/// A description, with what is computed from it once.
pub(super) struct Site<'b, 'a, const N: usize> {
    pub(super) problem: &'b EllipticBuilder<'a, N>,
    /// What is at the ends of each axis.
    pub(super) ends: [[End; 2]; N],
    /// This rank's points, local.
    pub(super) local: Region<N>,
    /// Global index of the local point 0.
    pub(super) offset: [isize; N],
    /// The coefficient, if it is a field, with its halo.
    pub(super) beta: Option<Field<f64, N>>,
}

impl<'a, const N: usize> EllipticBuilder<'a, N> {
    pub(super) fn new(grid: &Grid<N>) -> Self {
        Self {
            grid: grid.clone(),
            coefficient: Coefficient::Constant(1.0),
            shift: Shift::Constant(0.0),
            walls: std::array::from_fn(|_| [Wall::Neumann(0.0), Wall::Neumann(0.0)]),
        }
    }

    /// The same β everywhere.
    pub fn coefficient(mut self, beta: f64) -> Self {
        self.coefficient = Coefficient::Constant(beta);
        self
    }

    /// β from the coordinates (slowest axis first) of the middle of each face.
    pub fn coefficient_at(mut self, beta: impl Fn([f64; N]) -> f64 + Send + Sync + 'static) -> Self {
        self.coefficient = Coefficient::At(Arc::new(beta));
        self
    }

    /// β from a cell-centred field: at a face the mean of both cells; at a wall the cell's own, or, where a flux through the wall
    /// is given and the next cell's is less than twice or half as large, extrapolated to the wall.
    pub fn coefficient_of(mut self, beta: &'a Field<f64, N>, mean: Mean) -> Self {
        self.coefficient = Coefficient::Of(beta, mean);
        self
    }

    /// The same α everywhere (0 unless told otherwise).
    ///
    /// A negative one makes a Helmholtz problem: once −α is larger than the smallest eigenvalue of `−∇·(β∇)`, the
    /// matrix is indefinite. [`Krylov::minres`](crate::solvers::Krylov::minres) is then the method, with [`Identity`](crate::solvers::Identity);
    /// conjugate gradients break down, and multigrid converges for small −α only.
    pub fn shift(mut self, alpha: f64) -> Self {
        self.shift = Shift::Constant(alpha);
        self
    }

    /// α from a cell-centred field.
    pub fn shift_of(mut self, alpha: &'a Field<f64, N>) -> Self {
        self.shift = Shift::Of(alpha);
        self
    }

    /// The condition at a wall (no flux unless told otherwise).
    ///
    /// # Panics
    /// When the grid has no such axis.
    pub fn wall(mut self, face: Face, wall: Wall<N>) -> Self {
        self.walls[face.axis][usize::from(face.high)] = wall;
        self
    }

    /// Makes the operator.
    ///
    /// # Collective
    /// Over all ranks of the grid, with the same description.
    ///
    /// # Errors
    /// When a coefficient is negative or a number is not finite, a field is not of this grid, a wall is given for a
    /// periodic axis, the grid has no halo, or some cell's row of the matrix has a zero on its diagonal, as where β is 0 at all faces
    /// of a cell and α is 0 too.
    pub fn build(self) -> Result<Elliptic<N>> {
        self.check()?;
        let grid = self.grid.clone();
        let site = self.site()?;
        let lines = std::array::from_fn(|a| {
            let (finest, spacing) = (grid.decomposition().shape()[a], grid.spacing()[a]);
            Line { finest, spacing, width: 1, ends: site.ends[a] }
        });
        let constants = match (&self.coefficient, self.shift) {
            (Coefficient::Constant(beta), Shift::Constant(alpha)) => Some([*beta, alpha]),
            _ => None,
        };
        let lifts = site.lifts()?;
        let (terms, fixed) = match constants {
            Some([beta, alpha]) => {
                let reach = site.local.grown(grid.halo());
                (Terms::Separable(Separable::new(&lines, beta, alpha, site.offset, reach)), Vec::new())
            }
            None => {
                let fixed = site.fixed()?;
                (Terms::Faces(Box::new(site.faces(&fixed)?)), fixed)
            }
        };
        let shifted = match self.shift {
            Shift::Constant(alpha) => alpha != 0.0,
            Shift::Of(field) => field.count(|alpha| alpha != 0.0) > 0,
        };
        let discrete = Discrete { grid, terms };
        let singular = !shifted && !site.ends.iter().flatten().any(|&end| end == End::Fixed);
        let operator = Elliptic { discrete, lines, constants, lifts, fixed, singular };
        operator.check_diagonal()?;
        Ok(operator)
    }

    /// What is computed once.
    fn site(&self) -> Result<Site<'_, 'a, N>> {
        let block = self.grid.region_global(Centring::Cell);
        let beta = match &self.coefficient {
            Coefficient::Of(field, _) => {
                let mut copy = self.grid.field::<f64>("coefficient");
                copy.copy_from(field)?;
                copy.exchange()?;
                Some(copy)
            }
            _ => None,
        };
        let ends = self.ends();
        Ok(Site { problem: self, ends, local: Region::from_shape(block.shape()), offset: block.start, beta })
    }

    /// What is at the ends of each axis.
    pub(super) fn ends(&self) -> [[End; 2]; N] {
        let periodic = self.grid.topology().periodic();
        std::array::from_fn(|a| {
            self.walls[a].each_ref().map(|wall| match wall {
                _ if periodic[a] => End::Periodic,
                wall if wall.fixes_value() => End::Fixed,
                _ => End::Free,
            })
        })
    }
}

impl<const N: usize> Elliptic<N> {
    /// # Errors
    /// When the diagonal has a zero, by which smoothers would divide.
    fn check_diagonal(&self) -> Result<()> {
        let points = self.discrete.grid.shape_global(self.centring()).iter().product::<usize>();
        // The diagonal of constant coefficients is that of some other point anyway, unless α takes all of it off.
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
