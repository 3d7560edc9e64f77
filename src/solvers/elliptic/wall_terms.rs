//! The terms that walls contribute to the right-hand side and to the diagonal.

use parhelion_kernels::Region;

use super::builder::{Assembler, Coefficient};
use super::nodes::FixedNodes;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Boundary, Field};
use crate::grid::{Centering, Face};

/// All that the walls which this rank's block touches contribute to the equations of its points.
#[derive(Default)]
pub(in crate::solvers) struct WallTerms<const N: usize> {
    /// Terms of the right-hand side.
    pub(super) sources: Vec<WallTerm<N>>,
    /// For each wall of given value: its axis, and the couplings of the points to it. Empty at
    /// cells with constant coefficients.
    pub(super) couplings: Vec<(usize, WallTerm<N>)>,
    /// On a grid with a stretched axis, the lengths that belong to the points along each axis,
    /// relative to the mean width of cells: by their product the right-hand side is multiplied.
    pub(super) volumes: Option<[Vec<f64>; N]>,
    /// On uniform grids, layers of nodes of which half is inside, one for each wall of given slope.
    pub(super) halved: Vec<Region<N>>,
    /// Nodes on walls of given value.
    pub(in crate::solvers) fixed_nodes: Vec<FixedNodes<N>>,
}

/// A term of the right-hand side or of the diagonal at one wall.
pub(super) struct WallTerm<const N: usize> {
    /// The points at the wall, local.
    pub(super) cells: Region<N>,
    /// For each, in memory order.
    pub(super) values: Vec<f64>,
}

/// A term with its wall.
pub(super) type AtWall<const N: usize> = (Face, WallTerm<N>);

impl<const N: usize> WallTerm<N> {
    /// Adds `sign` times the values to the points.
    pub(super) fn add(&self, field: &mut Field<f64, N>, sign: f64) {
        let mut cells = field.view_mut();
        let mut values = &self.values[..];
        for (first, len) in self.cells.rows() {
            let (row, rest) = values.split_at(len);
            cells.row_mut(first, len).iter_mut().zip(row).for_each(|(cell, value)| *cell += sign * value);
            values = rest;
        }
    }
}

impl<const N: usize> Assembler<'_, '_, N> {
    /// The condition at a face.
    pub(super) fn wall(&self, face: Face) -> &Boundary<f64, N> {
        &self.problem.walls[face.axis][usize::from(face.high)]
    }

    /// The walls that this rank's block touches, with the cells there, local.
    fn walls_of_block(&self) -> impl Iterator<Item = (Face, Region<N>)> {
        let (topology, local) = (self.problem.grid.topology(), self.local);
        Face::all::<N>().filter(|&face| topology.at_wall(face)).map(move |face| {
            let (start, end) = (local.start[face.axis], local.end[face.axis]);
            let cells = if face.high { (end - 1, end) } else { (start, start + 1) };
            (face, local.with_axis(face.axis, cells.0, cells.1))
        })
    }

    /// The place on a wall nearest to a cell at it.
    fn place_on_wall(&self, face: Face, index: [isize; N]) -> [f64; N] {
        let mut global: [isize; N] = std::array::from_fn(|a| index[a] + self.offset[a]);
        global[face.axis] += isize::from(face.high);
        self.problem.grid.coordinates(global, Centering::Face(face.axis))
    }

    fn beta_at_wall(&self, face: Face, index: [isize; N]) -> f64 {
        match &self.problem.coefficient {
            Coefficient::Constant(beta) => *beta,
            Coefficient::At(beta) => beta(self.place_on_wall(face, index)),
            Coefficient::Of(field, _) => field.get_local(index),
        }
    }

    /// The couplings to walls of given value, each with the axis of its wall.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When one is negative or not finite.
    pub(super) fn wall_couplings(&self) -> Result<Vec<(usize, WallTerm<N>)>> {
        let coupling = |(face, cells): (Face, Region<N>)| {
            let h = self.problem.grid.axis(face.axis).mean_width();
            let scale = 2.0 / (h * h);
            let value =
                |index| scale * self.beta_at_wall(face, index) * self.metric.area_by_width(face.axis, index);
            (face, WallTerm { cells, values: cells.indices().map(value).collect() })
        };
        let fixed = self.walls_of_block().filter(|&(face, _)| self.wall(face).gives_value()).map(coupling);
        let fixed: Vec<_> = fixed.collect();
        self.agree("the coefficient is negative or not finite", &fixed, |value| {
            value >= 0.0 && value.is_finite()
        })?;
        Ok(fixed.into_iter().map(|(face, term)| (face.axis, term)).collect())
    }

    /// The terms of the right-hand side at the walls.
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When it is not finite.
    pub(super) fn sources(&self) -> Result<Vec<WallTerm<N>>> {
        let term = |(face, cells): (Face, Region<N>)| {
            let (wall, h) = (self.wall(face), self.problem.grid.axis(face.axis).mean_width());
            let scale = if wall.gives_value() { 2.0 / (h * h) } else { 1.0 / h };
            let value = |index| {
                let beta = match &self.beta {
                    // A flux is β times the slope, so that β must be that of the wall to first
                    // order.
                    Some(field) if !wall.gives_value() => {
                        extrapolated(field, face, index, self.metric.part_at_wall(face, index))
                    }
                    _ => self.beta_at_wall(face, index),
                };
                let size = if wall.gives_value() {
                    self.metric.area_by_width(face.axis, index)
                } else {
                    self.metric.area(face.axis, index)
                };
                scale * beta * value_at(wall, self.place_on_wall(face, index)) * size
            };
            (face, WallTerm { cells, values: cells.indices().map(value).collect() })
        };
        let given = self.walls_of_block().filter(|&(face, _)| !is_homogeneous(self.wall(face)));
        let sources: Vec<_> = given.map(term).collect();
        self.agree(
            "the given value or slope, times the coefficient, is not finite",
            &sources,
            f64::is_finite,
        )?;
        Ok(sources.into_iter().map(|(_, term)| term).collect())
    }

    /// # Errors
    /// On all ranks, when a value on any of them is not `right`.
    pub(super) fn agree(&self, what: &str, sources: &[AtWall<N>], right: impl Fn(f64) -> bool) -> Result<()> {
        let local = sources.iter().find_map(|(face, term)| {
            let wrong = term.values.iter().filter(|&&value| !right(value)).count();
            let why = || {
                format!(
                    "no elliptic operator can be made: {what} at {wrong} of {} point(s) of one rank at the wall {face:?} \
                     ({:?})",
                    term.values.len(),
                    self.wall(*face)
                )
            };
            (wrong > 0).then(|| Error::new(ErrorKind::Argument, why()))
        });
        self.problem.grid.world().agree(local.map_or(Ok(()), Err))
    }
}

/// The coefficient at the wall beside a cell, from it and the next cell inside; the cell's own
/// where it jumps. The cell has this `part` of the width of both.
pub(super) fn extrapolated<const N: usize>(
    field: &Field<f64, N>,
    face: Face,
    index: [isize; N],
    part: f64,
) -> f64 {
    let mut inner = index;
    inner[face.axis] += if face.high { -1 } else { 1 };
    let [own, next] = [index, inner].map(|index| field.with_halo(0).get(index));
    if next < 2.0 * own && own < 2.0 * next { (1.0 + part) * own - part * next } else { own }
}

/// The value or derivative that a wall has at this place.
pub(super) fn value_at<const N: usize>(wall: &Boundary<f64, N>, place: [f64; N]) -> f64 {
    match wall {
        Boundary::Dirichlet(value) | Boundary::Neumann(value) => *value,
        Boundary::DirichletAt(value) | Boundary::NeumannAt(value) => value(place),
        Boundary::Reflecting | Boundary::Antireflecting => 0.0,
        Boundary::Function(_)
        | Boundary::HaloValue(_)
        | Boundary::Extrapolated(_)
        | Boundary::Custom { .. } => unreachable!("refused by the checks"),
    }
}

/// Whether nothing but zeros is given.
pub(super) fn is_homogeneous<const N: usize>(wall: &Boundary<f64, N>) -> bool {
    match wall {
        Boundary::Dirichlet(value) | Boundary::Neumann(value) => *value == 0.0,
        Boundary::Reflecting | Boundary::Antireflecting => true,
        _ => false,
    }
}
