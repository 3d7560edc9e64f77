//! A field's walls as the kernels see them.

use parhelion_kernels::{Element, Pattern, Walls, fill_walls, set_walls};

use super::coordinates::Coordinates;
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Boundary, Field};
use crate::grid::Face;

/// What a block's walls have in common for all components.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<const N: usize> {
    /// The sum of the indices of a point and of its mirror image, at the low and the high wall of each axis.
    mirrors: [[Option<isize>; 2]; N],
    staggered: [bool; N],
    place: Coordinates<N>,
    spacing: [f64; N],
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
        ComponentWalls { at: *self, conditions }
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

    /// The place on a wall next to that point.
    fn place_on_wall(&self, axis: usize, high: bool, first: [isize; N], i: usize) -> [f64; N] {
        let mut place = self.coordinates(first, i);
        place[axis] = self.ends[axis][usize::from(high)];
        place
    }

    /// From that point, beyond a wall, to its mirror image.
    fn distance_to_image(&self, axis: usize, high: bool, first: [isize; N], i: usize) -> f64 {
        let mirror = self.mirrors[axis][usize::from(high)].unwrap_or_default();
        let index = first[axis] + if axis + 1 == N { i as isize } else { 0 };
        (mirror - 2 * index).unsigned_abs() as f64 * self.spacing[axis]
    }
}

impl<T: Element, const N: usize> Walls<T, N> for ComponentWalls<'_, T, N> {
    fn mirror(&self, axis: usize, high: bool) -> Option<isize> {
        self.at.mirrors[axis][usize::from(high)]
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
                let time = at.start_time + (at.steps + level as u64) as f64 * at.time_step;
                for (i, cell) in cells.iter_mut().enumerate() {
                    *cell = value(at.coordinates(first, i), time);
                }
            }
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
        }
    }
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
            place: Coordinates::new(
                grid.origin(),
                grid.spacing(),
                self.centering,
                self.region_global().start,
            ),
            spacing: grid.spacing(),
            ends: std::array::from_fn(|a| {
                [0, shape[a]].map(|i| grid.origin()[a] + i as f64 * grid.spacing()[a])
            }),
            periods: std::array::from_fn(|a| periodic[a].then_some(shape[a] as isize)),
            start_time: self.start_time,
            time_step: self.time_step,
            steps: self.steps,
        }
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

    /// Fills the halo beyond the walls that this rank's block touches: what mirrors its own points and the halo toward
    /// itself across periodic axes, or, once that is `received`, the halo toward other ranks. Axis after axis, so that
    /// every edge and corner is filled from points that are valid already.
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
