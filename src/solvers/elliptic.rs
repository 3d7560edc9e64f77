//! The operator of elliptic problems, `−∇·(β∇u) + αu`, in finite volumes.

use std::sync::Arc;

use parhelion_kernels::{Region, StarPoint};

use super::LinearOperator;
use super::discrete::{Discrete, Terms};
use super::faces::{Faces, Parts};
use super::line::{End, Line};
use super::operator::check_fields;
use super::separable::Separable;
use super::wall::{Wall, WallFunction};
use crate::error::ErrorKind;
use crate::{Centring, Error, Face, Field, Grid, Result};

/// How the coefficient at a face is made from those of the two cells beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mean {
    /// `2 / (1/a + 1/b)`: the flux through two layers is right, so that this is the one for jumps.
    Harmonic,
    /// `(a + b) / 2`.
    Arithmetic,
}

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

/// What a wall adds to the right-hand side, or to the diagonal.
struct Lift<const N: usize> {
    /// The cells at the wall, local.
    cells: Region<N>,
    /// For each, in memory order.
    values: Vec<f64>,
}

/// How an [`Elliptic`] is made; from [`Elliptic::builder`].
#[derive(Clone)]
pub struct EllipticBuilder<'a, const N: usize> {
    grid: Grid<N>,
    coefficient: Coefficient<'a, N>,
    shift: Shift<'a, N>,
    walls: [[Wall<N>; 2]; N],
}

#[derive(Clone)]
enum Coefficient<'a, const N: usize> {
    Constant(f64),
    At(WallFunction<N>),
    Of(&'a Field<f64, N>, Mean),
}

#[derive(Clone, Copy)]
enum Shift<'a, const N: usize> {
    Constant(f64),
    Of(&'a Field<f64, N>),
}

impl<const N: usize> Elliptic<N> {
    /// Starts to describe `−Δu` with no flux through the walls.
    pub fn builder<'a>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
        EllipticBuilder {
            grid: grid.clone(),
            coefficient: Coefficient::Constant(1.0),
            shift: Shift::Constant(0.0),
            walls: std::array::from_fn(|_| [Wall::Neumann(0.0), Wall::Neumann(0.0)]),
        }
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

impl<const N: usize> Lift<N> {
    /// Adds `sign` times the values to the cells.
    fn add(&self, field: &mut Field<f64, N>, sign: f64) {
        let mut cells = field.component_mut(0);
        let mut values = &self.values[..];
        for (first, len) in self.cells.rows() {
            let (row, rest) = values.split_at(len);
            cells.row_mut(first, len).iter_mut().zip(row).for_each(|(cell, value)| *cell += sign * value);
            values = rest;
        }
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

impl<'a, const N: usize> EllipticBuilder<'a, N> {
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
    /// periodic axis, or the grid has no halo.
    pub fn build(self) -> Result<Elliptic<N>> {
        let grid = self.grid.clone();
        let lines = self.lines()?;
        let constants = match (&self.coefficient, self.shift) {
            (Coefficient::Constant(beta), Shift::Constant(alpha)) => Some([*beta, alpha]),
            _ => None,
        };
        self.check()?;
        let local = Region::from_shape(grid.region_global(Centring::Cell).shape());
        let offset = grid.region_global(Centring::Cell).start;
        let cells = match &self.coefficient {
            Coefficient::Of(field, _) => {
                let mut copy = grid.field::<f64>("coefficient");
                copy.copy_from(field)?;
                copy.exchange()?;
                Some(copy)
            }
            _ => None,
        };
        let lifts = self.lifts(local, offset, cells.as_ref());
        let (terms, fixed) = match constants {
            Some([beta, alpha]) => {
                let reach = local.grown(grid.halo());
                (Terms::Separable(Separable::new(&lines, beta, alpha, offset, reach)), Vec::new())
            }
            None => {
                let fixed = self.fixed(local, offset);
                (Terms::Faces(Box::new(self.faces(&fixed, cells.as_ref())?)), fixed)
            }
        };
        let shifted = match self.shift {
            Shift::Constant(alpha) => alpha != 0.0,
            Shift::Of(field) => field.count(|alpha| alpha != 0.0) > 0,
        };
        let discrete = Discrete { grid, terms };
        let singular = !shifted && !lines.iter().any(|line| line.ends.contains(&End::Fixed));
        Ok(Elliptic { discrete, lines, constants, lifts, fixed, singular })
    }

    fn lines(&self) -> Result<[Line; N]> {
        let (shape, spacing) = (self.grid.decomposition().shape(), self.grid.spacing());
        let periodic = self.grid.topology().periodic();
        for face in Face::all::<N>().filter(|face| periodic[face.axis]) {
            let wall = &self.walls[face.axis][usize::from(face.high)];
            if !matches!(wall, Wall::Neumann(slope) if *slope == 0.0) {
                return Err(refused(format!(
                    "{wall:?} is given at {face:?}, but the axis is periodic and has no walls"
                )));
            }
        }
        Ok(std::array::from_fn(|a| {
            let end = |side: usize| match &self.walls[a][side] {
                _ if periodic[a] => End::Periodic,
                wall if wall.fixes_value() => End::Fixed,
                _ => End::Free,
            };
            Line { finest: shape[a], spacing: spacing[a], width: 1, ends: [end(0), end(1)] }
        }))
    }

    fn check(&self) -> Result<()> {
        let halo = self.grid.halo();
        if halo.iter().flatten().any(|&width| width == 0) {
            return Err(refused(format!(
                "it needs a halo of 1 on every side, but the grid's is {halo:?}; build it with halo(1)"
            )));
        }
        let centred = |field: &Field<f64, N>| {
            field.grid().same_as(&self.grid) && field.centring() == Centring::Cell && field.components() == 1
        };
        let fields = [
            if let Coefficient::Of(field, _) = self.coefficient {
                Some((field, "coefficient"))
            } else {
                None
            },
            if let Shift::Of(field) = self.shift { Some((field, "shift")) } else { None },
        ];
        for (field, what) in fields.into_iter().flatten() {
            if !centred(field) {
                return Err(refused(format!(
                    "its {what}, field '{}' ({:?}, {} component(s)), must be cell-centred on the operator's own grid, with 1 \
                     component",
                    field.name(),
                    field.centring(),
                    field.components()
                )));
            }
            let wrong = field.count(|value| !value.is_finite() || what == "coefficient" && value < 0.0);
            if wrong > 0 {
                return Err(refused(format!(
                    "{wrong} value(s) of its {what} '{}' are not finite or, of a coefficient, negative",
                    field.name()
                )));
            }
        }
        let positive = |beta: f64| beta > 0.0 && beta.is_finite();
        match (&self.coefficient, self.shift) {
            (Coefficient::Constant(beta), _) if !positive(*beta) => {
                Err(refused(format!("its coefficient is {beta}; it must be positive and finite")))
            }
            (_, Shift::Constant(alpha)) if !alpha.is_finite() => {
                Err(refused(format!("its shift is {alpha}; it must be finite")))
            }
            _ => Ok(()),
        }
    }

    /// Couplings of a variable coefficient, with what the walls of given value add to the diagonal.
    fn faces(&self, fixed: &[(usize, Lift<N>)], cells: Option<&Field<f64, N>>) -> Result<Faces<f64, N>> {
        let (grid, spacing) = (&self.grid, self.grid.spacing());
        let mut faces = Faces::new(grid)?;
        let wrong = |value: f64| !value.is_finite() || value < 0.0;
        for a in 0..N {
            let scale = 1.0 / (spacing[a] * spacing[a]);
            let below = &mut faces.below[a];
            match (&self.coefficient, cells) {
                (Coefficient::Of(_, mean), Some(cells)) => {
                    let (region, mean) = (below.region_local(), *mean);
                    let mut before = [0; N];
                    before[a] = -1;
                    let rule = move |beta: StarPoint<'_, f64, N, 1>| {
                        scale * mean.of(beta.at_offset(before), beta.center())
                    };
                    grid.sweep(region, below.output(), cells.star_reach::<1>()?, rule)?;
                }
                (Coefficient::At(beta), _) => {
                    let beta = Arc::clone(beta);
                    let half = 0.5 * spacing[a];
                    below.fill(move |mut place| {
                        place[a] -= half;
                        scale * beta(place)
                    });
                }
                (Coefficient::Constant(beta), _) => below.fill_with(scale * beta),
                (Coefficient::Of(..), None) => unreachable!("the field was copied above"),
            }
            if grid.topology().at_wall(Face::low(a)) {
                let wall = faces.below[a].region_local().with_axis(a, 0, 1);
                let mut view = faces.below[a].component_mut(0);
                wall.rows().for_each(|(first, len)| view.row_mut(first, len).fill(0.0));
            }
            let count = faces.below[a].count(wrong);
            if count > 0 {
                return Err(refused(format!(
                    "its coefficient is negative or not finite at {count} face(s) normal to axis {a}"
                )));
            }
        }
        match self.shift {
            Shift::Constant(alpha) => faces.shift.fill_with(alpha),
            Shift::Of(field) => faces.shift.copy_from(field)?,
        }
        fixed.iter().for_each(|(_, lift)| lift.add(&mut faces.shift, 1.0));
        faces.exchange()?;
        Ok(faces)
    }

    /// The walls that this rank's block touches, with the cells there, local.
    fn walls_of_block(&self, local: Region<N>) -> impl Iterator<Item = (Face, Region<N>)> {
        let topology = self.grid.topology();
        Face::all::<N>().filter(|&face| topology.at_wall(face)).map(move |face| {
            let (start, end) = (local.start[face.axis], local.end[face.axis]);
            let cells = if face.high { (end - 1, end) } else { (start, start + 1) };
            (face, local.with_axis(face.axis, cells.0, cells.1))
        })
    }

    /// Where the wall is nearest to a cell at it.
    fn place_on_wall(&self, face: Face, index: [isize; N], offset: [isize; N]) -> [f64; N] {
        let mut global: [isize; N] = std::array::from_fn(|a| index[a] + offset[a]);
        global[face.axis] += isize::from(face.high);
        self.grid.coordinates(global, Centring::Face(face.axis))
    }

    fn beta_at_wall(&self, face: Face, index: [isize; N], offset: [isize; N]) -> f64 {
        match &self.coefficient {
            Coefficient::Constant(beta) => *beta,
            Coefficient::At(beta) => beta(self.place_on_wall(face, index, offset)),
            Coefficient::Of(field, _) => field.get_local(index),
        }
    }

    /// The couplings to walls of given value.
    fn fixed(&self, local: Region<N>, offset: [isize; N]) -> Vec<(usize, Lift<N>)> {
        let spacing = self.grid.spacing();
        let coupling = |(face, cells): (Face, Region<N>)| {
            let scale = 2.0 / (spacing[face.axis] * spacing[face.axis]);
            let values =
                cells.indices().map(|index| scale * self.beta_at_wall(face, index, offset)).collect();
            (face.axis, Lift { cells, values })
        };
        let walls = self.walls_of_block(local);
        walls
            .filter(|(face, _)| self.walls[face.axis][usize::from(face.high)].fixes_value())
            .map(coupling)
            .collect()
    }

    /// What walls add to the right-hand side.
    fn lifts(&self, local: Region<N>, offset: [isize; N], field: Option<&Field<f64, N>>) -> Vec<Lift<N>> {
        let spacing = self.grid.spacing();
        let given =
            |&(face, _): &(Face, Region<N>)| !self.walls[face.axis][usize::from(face.high)].is_homogeneous();
        let lift = |(face, cells): (Face, Region<N>)| {
            let (wall, h) = (&self.walls[face.axis][usize::from(face.high)], spacing[face.axis]);
            let scale = if wall.fixes_value() { 2.0 / (h * h) } else { 1.0 / h };
            let value = |index| {
                let beta = match field {
                    // A flux is β times the slope, so that β must be that of the wall to first order.
                    Some(field) if !wall.fixes_value() => extrapolated(field, face, index),
                    _ => self.beta_at_wall(face, index, offset),
                };
                scale * beta * wall.at(self.place_on_wall(face, index, offset))
            };
            Lift { cells, values: cells.indices().map(value).collect() }
        };
        self.walls_of_block(local).filter(given).map(lift).collect()
    }
}

impl Mean {
    /// The mean of two coefficients, neither negative.
    #[inline(always)]
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Arithmetic => 0.5 * (a + b),
            Self::Harmonic if a + b > 0.0 => 2.0 * a / (a + b) * b,
            Self::Harmonic => 0.0,
        }
    }
}

/// The coefficient at the wall beside a cell, from it and the next cell inside; the cell's own where it jumps.
fn extrapolated<const N: usize>(field: &Field<f64, N>, face: Face, index: [isize; N]) -> f64 {
    let mut inner = index;
    inner[face.axis] += if face.high { -1 } else { 1 };
    let [own, next] = [index, inner].map(|index| field.with_halo(0).get(index));
    if next < 2.0 * own && own < 2.0 * next { 1.5 * own - 0.5 * next } else { own }
}

fn refused(why: String) -> Error {
    Error::on_all_ranks(ErrorKind::Argument, format!("no elliptic operator can be made: {why}"))
}
