//! Operators on nodes: walls lie on nodes 0 and n.
//!
//! The equation of a node is that of the part of its cell that is inside the domain, divided by the
//! volume of a whole cell. A node on a wall of given value `g` has the equation `d u = d g`,
//! and what couples its neighbors to it is on their diagonal and right-hand side. So the matrix is
//! symmetric.

use std::ops::Range;
use std::sync::Arc;

use parhelion_kernels::Region;

use super::builder::{Assembler, Coefficient, Shift};
use super::wall_terms::{AtWall, WallTerm, WallTerms, is_homogeneous, value_at};
use super::{Assembly, Frame, refused};
use crate::error::Result;
use crate::field::Field;
use crate::grid::{Centering, Face, GridAxis};
use crate::solvers::elliptic::axis::{Axis, End, Points};
use crate::solvers::elliptic::matrix::Terms;
use crate::solvers::elliptic::matrix::faces::Faces;
use crate::solvers::elliptic::matrix::nodal::{Nodal, NodeAxis, fixed_diagonal};

/// The nodes of this block on a wall of given value.
pub(in crate::solvers) struct FixedNodes<const N: usize> {
    /// Local.
    pub(in crate::solvers) nodes: Region<N>,
    /// On the diagonal of each, in memory order.
    pub(in crate::solvers) diagonal: Vec<f64>,
    /// Its right-hand side.
    given: Vec<f64>,
}

impl<const N: usize> FixedNodes<N> {
    /// Writes the right-hand side of these nodes.
    pub(super) fn set(&self, b: &mut Field<f64, N>) {
        let mut view = b.view_mut();
        let mut given = &self.given[..];
        for (first, len) in self.nodes.rows() {
            let (row, rest) = given.split_at(len);
            view.row_mut(first, len).copy_from_slice(row);
            given = rest;
        }
    }

    /// Solves the equations of these nodes: `z = r / d`.
    pub(in crate::solvers) fn solve(&self, r: &Field<f64, N>, z: &mut Field<f64, N>) {
        let (r, mut z) = (r.view(), z.view_mut());
        let mut diagonal = &self.diagonal[..];
        for (first, len) in self.nodes.rows() {
            let (row, rest) = diagonal.split_at(len);
            let right = r.row(first, len);
            z.row_mut(first, len).iter_mut().zip(right).zip(row).for_each(|((z, r), d)| *z = r / d);
            diagonal = rest;
        }
    }
}

/// The length that belongs to a node inside the domain, divided by the mean width; 0 where the
/// value is given.
fn share(node: &NodeAxis, axis: &GridAxis, i: isize) -> f64 {
    if node.is_fixed(i) { 0.0 } else { axis.share(i, true) / axis.mean_width() }
}

impl<const N: usize> Assembler<'_, '_, N> {
    /// # Errors
    /// When no node is unknown, or what walls or coefficients give makes no sense.
    pub(super) fn at_nodes(&self, constants: Option<[f64; 2]>) -> Result<Assembly<N>> {
        let (axes, grid) = (self.node_axes(), &self.problem.grid);
        let unknown = self.unknown_nodes()?;
        let discrete_axes = std::array::from_fn(|a| {
            // Periodic nodes are coupled as periodic cells are; variable coefficients are coarsened
            // by pairs of points.
            let periodic = self.ends[a][0] == End::Periodic;
            let points = if periodic || constants.is_none() { Points::Cells } else { Points::Nodes };
            let finest =
                if constants.is_none() { unknown.shape()[a] } else { grid.decomposition().shape()[a] };
            let (spacing, range) = (grid.axis(a).mean_width(), unknown.start[a]..unknown.end[a]);
            let faces = grid.axis(a).is_stretched().then(|| self.boundaries(a, range));
            Axis { finest, spacing, faces, width: 1, ends: self.ends[a], points }
        });
        let mut couplings = Vec::new();
        let terms = match constants {
            Some(numbers @ [beta, _]) => {
                for face in self.faces_where(End::Fixed) {
                    let scale = beta / (grid.spacing()[face.axis] * grid.spacing()[face.axis]);
                    let cells = self.next_to_wall(face);
                    let values = cells.indices().map(|index| scale * self.across(face.axis, index)).collect();
                    couplings.push((face, WallTerm { cells, values }));
                }
                Terms::Nodal(Nodal::new(&axes, grid.spacing(), numbers, self.offset, self.local))
            }
            None => {
                let (faces, links) = self.node_faces()?;
                couplings = links;
                Terms::Faces(Box::new(faces))
            }
        };
        let mut sources = Vec::new();
        for (face, term) in &couplings {
            let value = |(index, coupling)| {
                if coupling == 0.0 { 0.0 } else { coupling * self.wall_value(*face, index) }
            };
            let values = term.cells.indices().zip(term.values.iter().copied()).map(value).collect();
            sources.push((*face, WallTerm { cells: term.cells, values }));
        }
        for face in self.faces_where(End::Free).filter(|&face| !is_homogeneous(self.wall(face))) {
            let (cells, h) = (self.on_wall(face), grid.axis(face.axis).mean_width());
            let value = |index| {
                let share = self.across(face.axis, index) / h;
                if share == 0.0 {
                    0.0
                } else {
                    share * self.beta_on(face, index) * self.wall_value(face, index)
                }
            };
            sources.push((face, WallTerm { cells, values: cells.indices().map(value).collect() }));
        }
        self.agree(
            "the given value or slope, times the coefficient, is not finite",
            &sources,
            f64::is_finite,
        )?;
        let fixed_nodes = self.fixed_nodes()?;
        let origin = if constants.is_some() { [0; N] } else { unknown.start };
        Ok(Assembly {
            terms,
            axes: discrete_axes,
            walls: WallTerms {
                volumes: grid.is_stretched().then(|| std::array::from_fn(|a| self.shares(a))),
                sources: sources.into_iter().map(|(_, term)| term).collect(),
                couplings: couplings.into_iter().map(|(face, term)| (face.axis, term)).collect(),
                halved: self
                    .faces_where(End::Free)
                    .filter(|_| !grid.is_stretched())
                    .map(|face| self.on_wall(face))
                    .collect(),
                fixed_nodes,
            },
            frame: Frame { centering: Centering::Node, origin, unknown },
        })
    }

    /// The places between these nodes of an axis, and around them, in units of the mean width.
    fn boundaries(&self, a: usize, nodes: Range<isize>) -> Arc<[f64]> {
        let (axis, [low, high]) = (self.problem.grid.axis(a), self.ends[a]);
        let between = |i: isize| match i {
            _ if i == nodes.start && low == End::Free => axis.face(i),
            _ if i == nodes.end && high == End::Free => axis.face(i - 1),
            _ => axis.center(i - 1),
        };
        let first = between(nodes.start);
        (nodes.start..=nodes.end).map(|i| (between(i) - first) / axis.mean_width()).collect()
    }

    /// The lengths that belong to the nodes of this block along an axis, divided by the mean width.
    fn shares(&self, a: usize) -> Vec<f64> {
        let axis = self.problem.grid.axis(a);
        let nodes = self.local.start[a] + self.offset[a]..self.local.end[a] + self.offset[a];
        nodes.map(|i| axis.share(i, true) / axis.mean_width()).collect()
    }

    fn node_axes(&self) -> [NodeAxis; N] {
        let shape = self.problem.grid.decomposition().shape();
        std::array::from_fn(|a| NodeAxis { last: shape[a] as isize, ends: self.ends[a] })
    }

    /// The nodes whose value is not given, global.
    fn unknown_nodes(&self) -> Result<Region<N>> {
        let mut region = Region::from_shape(self.problem.grid.shape_global(Centering::Node));
        for a in 0..N {
            region.start[a] += isize::from(self.ends[a][0] == End::Fixed);
            region.end[a] -= isize::from(self.ends[a][1] == End::Fixed);
            if region.start[a] >= region.end[a] {
                return Err(refused(format!(
                    "axis {a} has one cell between two walls of given value, so that no node is left to solve for; give it two \
                     cells or more"
                )));
            }
        }
        Ok(region)
    }

    fn faces_where(&self, end: End) -> impl Iterator<Item = Face> {
        let ends = self.ends;
        Face::all::<N>().filter(move |face| ends[face.axis][usize::from(face.high)] == end)
    }

    /// The local nodes whose global index along an axis is this.
    fn layer(&self, axis: usize, global: isize) -> Region<N> {
        let at = global - self.offset[axis];
        self.local.intersection(&self.local.with_axis(axis, at, at + 1))
    }

    /// The local nodes on a wall.
    fn on_wall(&self, face: Face) -> Region<N> {
        self.layer(face.axis, if face.high { self.node_axes()[face.axis].last } else { 0 })
    }

    /// The local nodes next to those on a wall.
    fn next_to_wall(&self, face: Face) -> Region<N> {
        self.layer(face.axis, if face.high { self.node_axes()[face.axis].last - 1 } else { 1 })
    }

    /// The share of the other axes in what is coupled along one.
    fn across(&self, axis: usize, index: [isize; N]) -> f64 {
        let (axes, lines) = (self.node_axes(), self.problem.grid.axes());
        let others = (0..N).filter(|&a| a != axis);
        others.map(|a| share(&axes[a], &lines[a], index[a] + self.offset[a])).product()
    }

    /// The value or slope of a wall at its node nearest to a local one.
    fn wall_value(&self, face: Face, index: [isize; N]) -> f64 {
        let mut global: [isize; N] = std::array::from_fn(|a| index[a] + self.offset[a]);
        global[face.axis] = if face.high { self.node_axes()[face.axis].last } else { 0 };
        value_at(self.wall(face), self.problem.grid.coordinates(global, Centering::Node))
    }

    /// The coefficient at a node on a wall.
    fn beta_on(&self, face: Face, index: [isize; N]) -> f64 {
        let global: [isize; N] = std::array::from_fn(|a| index[a] + self.offset[a]);
        match &self.problem.coefficient {
            Coefficient::Constant(beta) => *beta,
            Coefficient::At(beta) => beta(self.problem.grid.coordinates(global, Centering::Node)),
            Coefficient::Of(field, _) if field.centering() == Centering::Node => field.get_local(index),
            Coefficient::Of(field, _) => {
                let mut inside = index;
                inside[face.axis] -= isize::from(face.high);
                // The part that the cell at the wall has of the width of it and the next one.
                let (axis, at) =
                    (self.problem.grid.axis(face.axis), global[face.axis] - isize::from(face.high));
                let part = 0.5 * axis.width(at) / axis.distance(at + isize::from(!face.high));
                let at_wall = |corner: usize| {
                    let cell: [isize; N] = std::array::from_fn(|a| {
                        inside[a] - if a == face.axis { 0 } else { (corner >> a & 1) as isize }
                    });
                    super::wall_terms::extrapolated(self.beta.as_ref().unwrap_or(field), face, cell, part)
                };
                let corners = (0..1_usize << N).filter(|corner| corner >> face.axis & 1 == 0);
                corners.map(at_wall).sum::<f64>() / (1 << (N - 1)) as f64
            }
        }
    }

    /// Nodes of given value.
    fn fixed_nodes(&self) -> Result<Vec<FixedNodes<N>>> {
        let spacing = self.problem.grid.axes().each_ref().map(GridAxis::mean_width);
        let (mut fixed_nodes, mut given) = (Vec::new(), Vec::new());
        for face in self.faces_where(End::Fixed) {
            let nodes = self.on_wall(face);
            let number = |index| {
                let beta = self.beta_on(face, index);
                // Any number does where the coefficient is 0.
                fixed_diagonal(if beta > 0.0 && beta.is_finite() { beta } else { 1.0 }, spacing)
            };
            let diagonal: Vec<f64> = nodes.indices().map(number).collect();
            let values =
                nodes.indices().zip(&diagonal).map(|(index, d)| d * self.wall_value(face, index)).collect();
            given.push((face, WallTerm { cells: nodes, values }));
            fixed_nodes.push(FixedNodes { nodes, diagonal, given: Vec::new() });
        }
        self.agree("the given value is not finite", &given, f64::is_finite)?;
        for (fixed, (_, term)) in fixed_nodes.iter_mut().zip(given) {
            fixed.given = term.values;
        }
        Ok(fixed_nodes)
    }

    /// Couplings of a variable coefficient, and those to walls of given value.
    fn node_faces(&self) -> Result<(Faces<f64, N>, Vec<AtWall<N>>)> {
        let (grid, axes, offset) = (&self.problem.grid, self.node_axes(), self.offset);
        let lines = grid.axes().clone();
        let mut faces = Faces::at(grid, Centering::Node)?;
        let mut couplings = Vec::new();
        for a in 0..N {
            let below = &mut faces.below[a];
            if grid.is_stretched() {
                self.couple_nodes(a, below);
            } else {
                self.couple(a, below)?;
            }
            let region = below.region_local();
            below.view_mut().for_each_row(grid.world().pool(), region, |first, row| {
                for (i, value) in row.iter_mut().enumerate() {
                    let mut node: [isize; N] = std::array::from_fn(|b| first[b] + offset[b]);
                    node[N - 1] += i as isize;
                    let across: f64 =
                        (0..N).filter(|&b| b != a).map(|b| share(&axes[b], &lines[b], node[b])).product();
                    *value = if axes[a].linked(node[a]) && across > 0.0 { across * *value } else { 0.0 };
                }
            });
            self.check_couplings(a, below)?;
            for face in self.faces_where(End::Fixed).filter(|face| face.axis == a) {
                let cells = self.next_to_wall(face);
                let link = |mut index: [isize; N]| {
                    index[a] += isize::from(face.high);
                    index
                };
                let values = cells.indices().map(|index| below.get_local(link(index))).collect();
                couplings.push((face, WallTerm { cells, values }));
            }
        }
        // Only now: where two cells lie between two walls, a node is beside both.
        for face in self.faces_where(End::Fixed) {
            let last = axes[face.axis].last;
            let links = self.layer(face.axis, if face.high { last } else { 1 });
            let mut view = faces.below[face.axis].view_mut();
            links.rows().for_each(|(first, len)| view.row_mut(first, len).fill(0.0));
        }
        match self.problem.shift {
            Shift::Constant(alpha) => faces.shift.fill(alpha),
            Shift::Of(field) => faces.shift.copy_from(field)?,
        }
        let region = faces.shift.region_local();
        faces.shift.view_mut().for_each_row(grid.world().pool(), region, |first, row| {
            for (i, value) in row.iter_mut().enumerate() {
                let along = |a: usize| if a + 1 == N { i as isize } else { 0 };
                let node = |a: usize| first[a] + offset[a] + along(a);
                *value *= (0..N).map(|a| share(&axes[a], &lines[a], node(a))).product::<f64>();
            }
        });
        couplings.iter().for_each(|(_, term)| term.add(&mut faces.shift, 1.0));
        for fixed in self.fixed_nodes()? {
            for (index, d) in fixed.nodes.indices().zip(&fixed.diagonal) {
                faces.shift.set_local(index, *d);
            }
        }
        faces.exchange()?;
        Ok((faces, couplings))
    }
}
