//! A field's walls as the kernels see them.

use parhelion_kernels::{Element, Pattern, View, Walls, fill_walls, set_walls};

use super::coordinates::Coordinates;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Boundary, Field, HaloPoint};
use crate::grid::Face;

/// What a block's walls have in common for all components.
#[derive(Clone)]
pub(crate) struct Surroundings<const N: usize> {
    /// The sum of the indices of a point and of its mirror image, at the low and the high wall of
    /// each axis.
    mirrors: [[Option<isize>; 2]; N],
    staggered: [bool; N],
    place: Coordinates<N>,
    /// Coordinates of the low and the high wall of each axis.
    ends: [[f64; 2]; N],
    /// Points on each periodic axis.
    periods: [Option<isize>; N],
    start_time: f64,
    time_step: f64,
    /// Steps since the start time.
    steps: u64,
}

/// The walls around one component.
pub struct ComponentWalls<'a, T, const N: usize> {
    at: Surroundings<N>,
    conditions: &'a [[Boundary<T, N>; 2]; N],
}

impl<const N: usize> Surroundings<N> {
    pub(crate) fn of<'a, T>(&self, conditions: &'a [[Boundary<T, N>; 2]; N]) -> ComponentWalls<'a, T, N> {
        ComponentWalls { at: self.clone(), conditions }
    }

    /// The place of the point `i` points after `first` along the last axis; beyond a periodic end, the
    /// place inside the domain.
    fn coordinates(&self, first: [isize; N], i: usize) -> [f64; N] {
        let mut index = self.place.global(first, i);
        for (index, period) in index.iter_mut().zip(self.periods) {
            *index = period.map_or(*index, |period| index.rem_euclid(period));
        }
        self.place.coordinates_of(index)
    }

    /// The time, `level` steps after now.
    fn time(&self, level: usize) -> f64 {
        self.start_time + (self.steps + level as u64) as f64 * self.time_step
    }

    /// The place on a wall next to that point.
    fn place_on_wall(&self, axis: usize, high: bool, first: [isize; N], i: usize) -> [f64; N] {
        let mut place = self.coordinates(first, i);
        place[axis] = self.ends[axis][usize::from(high)];
        place
    }

    /// From that point, beyond a wall, to its mirror image.
    fn distance_to_image(&self, axis: usize, high: bool, first: [isize; N], i: usize) -> f64 {
        let line = &self.place.axes()[axis];
        if line.is_stretched() {
            let place = line.coordinate(self.place.global(first, i)[axis], self.staggered[axis]);
            return 2.0 * (place - self.ends[axis][usize::from(high)]).abs();
        }
        let mirror = self.mirrors[axis][usize::from(high)].unwrap_or_default();
        let index = first[axis] + if axis + 1 == N { i as isize } else { 0 };
        (mirror - 2 * index).unsigned_abs() as f64 * line.mean_width()
    }
}

impl<T: Element, const N: usize> Walls<T, N> for ComponentWalls<'_, T, N> {
    fn mirror(&self, axis: usize, high: bool) -> Option<isize> {
        self.at.mirrors[axis][usize::from(high)]
    }

    fn reach(&self, axis: usize, high: bool) -> usize {
        self.conditions[axis][usize::from(high)].reach()
    }

    fn gives_values(&self, axis: usize, high: bool) -> bool {
        self.conditions[axis][usize::from(high)].gives_value()
            && self.at.staggered[axis]
            && self.mirror(axis, high).is_some()
    }

    fn set(&self, axis: usize, high: bool, first: [isize; N], points: &mut [T]) {
        match &self.conditions[axis][usize::from(high)] {
            Boundary::Dirichlet(value) => points.fill(*value),
            Boundary::Antireflecting => points.fill(T::zero()),
            Boundary::DirichletAt(value) => {
                for (i, point) in points.iter_mut().enumerate() {
                    *point = value(self.at.place_on_wall(axis, high, first, i));
                }
            }
            _ => {}
        }
    }

    fn fill(&self, axis: usize, high: bool, level: usize, first: [isize; N], cells: &mut [T]) {
        let Self { at, conditions } = self;
        match &conditions[axis][usize::from(high)] {
            Boundary::Function(value) => {
                let time = at.time(level);
                for (i, cell) in cells.iter_mut().enumerate() {
                    *cell = value(at.coordinates(first, i), time);
                }
            }
            Boundary::HaloValue(value) => cells.fill(*value),
            Boundary::Dirichlet(value) => {
                cells.iter_mut().for_each(|image| *image = image.mirrored_about(*value));
            }
            Boundary::Antireflecting => {
                cells.iter_mut().for_each(|image| *image = image.mirrored_about(T::zero()));
            }
            Boundary::DirichletAt(value) => {
                for (i, image) in cells.iter_mut().enumerate() {
                    *image = image.mirrored_about(value(at.place_on_wall(axis, high, first, i)));
                }
            }
            Boundary::Neumann(slope) if *slope != T::zero() => {
                for (i, image) in cells.iter_mut().enumerate() {
                    let distance = at.distance_to_image(axis, high, first, i);
                    *image = image.extrapolated(*slope, distance).unwrap_or(*image);
                }
            }
            Boundary::NeumannAt(slope) => {
                for (i, image) in cells.iter_mut().enumerate() {
                    let slope = slope(at.place_on_wall(axis, high, first, i));
                    let distance = at.distance_to_image(axis, high, first, i);
                    *image = image.extrapolated(slope, distance).unwrap_or(*image);
                }
            }
            Boundary::Neumann(_) | Boundary::Reflecting => {}
            Boundary::Extrapolated(_) | Boundary::Custom { .. } => unreachable!("walls with a reach"),
        }
    }

    fn extend(
        &self,
        axis: usize,
        high: bool,
        level: usize,
        first: [isize; N],
        inside: View<'_, T, N>,
        cells: &mut [T],
    ) {
        let Self { at, conditions } = self;
        let condition = &conditions[axis][usize::from(high)];
        let (region, reach) = (inside.region(), condition.reach());
        let wall = if high { region.end[axis] - 1 } else { region.start[axis] };
        // Along the last axis, the row of halo points is itself part of a line.
        let (across, along) = (usize::from(axis + 1 < N), usize::from(axis + 1 == N));
        let outermost = |i: usize| {
            let mut index = first;
            index[N - 1] += (across * i) as isize;
            index[axis] = wall;
            index
        };
        let distance = |i: usize| (first[axis] + (along * i) as isize).abs_diff(wall);
        match condition {
            Boundary::Custom { value, .. } => {
                let time = at.time(level);
                for (i, cell) in cells.iter_mut().enumerate() {
                    *cell = value(HaloPoint {
                        inside,
                        outermost: outermost(i),
                        axis,
                        high,
                        reach,
                        distance: distance(i),
                        coordinates: at.coordinates(first, i),
                        time,
                    });
                }
            }
            Boundary::Extrapolated(order) => {
                let row = |number: usize| {
                    let mut index = outermost(0);
                    let inward = number.min(*order) as isize;
                    index[axis] += if high { -inward } else { inward };
                    inside.row(index, if across == 1 { cells.len() } else { 1 })
                };
                let [w0, w1, w2] = [0, 1, 2].map(row);
                for (i, cell) in cells.iter_mut().enumerate() {
                    let [w0, w1, w2] = [w0, w1, w2].map(|row| row[across * i]);
                    *cell = extrapolated(*order, distance(i), [w0, w1, w2]);
                }
            }
            _ => unreachable!("walls without a reach"),
        }
    }
}

/// The polynomial of this order through the outermost points `w`, `distance` points beyond them.
fn extrapolated<T: Element>(order: usize, distance: usize, w: [T; 3]) -> T {
    let k = distance as f64;
    let value = match order {
        0 => return w[0],
        1 => w[0].extrapolated(w[0] - w[1], k),
        _ => w[0]
            .extrapolated(w[0] - w[1], k)
            .and_then(|line| line.extrapolated((w[0] - w[1]) - (w[1] - w[2]), 0.5 * k * (k + 1.0))),
    };
    value.expect("integer fields are extrapolated with order 0 only")
}

impl<T: Element, const N: usize> Field<T, N> {
    /// What the walls of this rank's block have in common, now.
    pub(crate) fn surroundings(&self) -> Surroundings<N> {
        let (grid, interior) = (&self.grid, self.layout.interior());
        let topology = grid.topology();
        let staggered = std::array::from_fn(|a| self.centering.staggered(a));
        let mirror = |axis: usize, high: bool| {
            // The wall between, or on, points: its two sides add up to this.
            let last = interior.end[axis] - 1;
            match (high, staggered[axis]) {
                _ if !topology.at_wall(Face { axis, high }) => None,
                (false, true) => Some(0),
                (false, false) => Some(-1),
                (true, true) => Some(2 * last),
                (true, false) => Some(2 * last + 1),
            }
        };
        let (periodic, shape) = (topology.periodic(), grid.decomposition().shape());
        Surroundings {
            mirrors: std::array::from_fn(|a| [false, true].map(|high| mirror(a, high))),
            staggered,
            place: Coordinates::new(grid, staggered, self.region_global().start),
            ends: std::array::from_fn(|a| [0, shape[a] as isize].map(|i| grid.axis(a).face(i))),
            periods: std::array::from_fn(|a| periodic[a].then_some(shape[a] as isize)),
            start_time: self.start_time.unwrap_or(0.0),
            time_step: self.time_step,
            steps: self.steps,
        }
    }

    /// Points on the axis of a wall, of the blocks at it.
    pub(super) fn points_at_wall(&self, face: Face) -> usize {
        let (grid, axis) = (&self.grid, face.axis);
        let (procs, mut block) = (grid.topology().procs(), [0; N]);
        block[axis] = if face.high { procs[axis] - 1 } else { 0 };
        let last = block[axis] + 1 == procs[axis];
        grid.decomposition().block(block).shape()[axis] + usize::from(last && self.centering.staggered(axis))
    }

    /// For each axis, the number of outermost points that the halo beyond this block's walls
    /// depends on.
    pub(crate) fn wall_reach(&self) -> [usize; N] {
        let topology = self.grid.topology();
        let mut reach = [0; N];
        for face in Face::all::<N>().filter(|&face| topology.at_wall(face)) {
            for conditions in &self.boundaries {
                let most = &mut reach[face.axis];
                *most = conditions[face.axis][usize::from(face.high)].reach().max(*most);
            }
        }
        reach
    }

    /// Sets the staggered points that lie on walls of given value, axis after axis, so that on an edge
    /// between two such walls the later axis decides.
    pub(crate) fn set_walls(&mut self) {
        let (at, interior) = (self.surroundings(), self.layout.interior());
        let pool = self.grid.world().pool();
        for (array, conditions) in self.components.iter_mut().zip(&self.boundaries) {
            set_walls(pool, array.view_mut(), &at.of(conditions), interior)
                .expect("every array has the interior");
        }
    }

    /// Fills the halo beyond the walls that this rank's block touches: what mirrors its own points
    /// and the halo toward itself across periodic axes, or, once that is `received`, the halo
    /// toward other ranks. Axis after axis, so that every edge and corner is filled from points
    /// that are valid already.
    pub(crate) fn fill_walls(
        &mut self,
        widths: [[usize; 2]; N],
        pattern: Pattern,
        received: bool,
    ) -> Result<()> {
        let (at, interior, halo) = (self.surroundings(), self.layout.interior(), self.grid.halo());
        let depth = std::array::from_fn(|a| [0, 1].map(|side| halo[a][side].min(widths[a][side])));
        let topology = self.grid.topology();
        let (open, remote) = (topology.open_sides(), topology.remote_sides());
        let toward = |sides: &dyn Fn(usize, usize) -> bool| {
            let width = |a: usize, side: usize| if sides(a, side) { widths[a][side] } else { 0 };
            interior.grown(std::array::from_fn(|a| [0, 1].map(|side| width(a, side))))
        };
        let parts = match (received, pattern) {
            (false, Pattern::Star) => vec![interior],
            (false, Pattern::Box) => vec![toward(&|a, side| open[a][side] && !remote[a][side])],
            // In thin blocks of staggered points, images may lie on the far side of the block.
            (true, Pattern::Star) => (0..N)
                .flat_map(|axis| toward(&|a, side| a == axis && open[a][side]).shells(&interior))
                .collect(),
            (true, Pattern::Box) => {
                let own = toward(&|a, side| open[a][side] && !remote[a][side]);
                toward(&|a, side| open[a][side]).shells(&own)
            }
        };
        let pool = self.grid.world().pool();
        for (array, conditions) in self.components.iter_mut().zip(&self.boundaries) {
            for &known in &parts {
                fill_walls(pool, array.view_mut(), &at.of(conditions), interior, known, depth)
                    .map_err(|error| Error::new(ErrorKind::Geometry, error.to_string()))?;
            }
        }
        Ok(())
    }
}
