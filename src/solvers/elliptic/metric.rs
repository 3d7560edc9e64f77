//! Sizes of a block's cells, relative to the mean, and the couplings between cells of different
//! size.
//!
//! On a grid with a stretched axis the equation of a cell, or of the cell around a node, is that of
//! finite volumes: the sum of the fluxes through its faces. It is divided by the mean volume of all
//! cells, not by the cell's own, so that the matrix is symmetric. On a uniform grid all factors here are exactly 1.

use parhelion_kernels::Region;

use super::builder::{Assembler, Coefficient};
use super::couplings::Mean;
use crate::error::Result;
use crate::field::Field;
use crate::grid::{Face, GridAxis};

/// The cells of this rank's block along each axis.
pub(super) struct Metric<const N: usize> {
    /// Widths along each axis by local index, divided by their mean.
    widths: [Vec<f64>; N],
    axes: [AxisMetric; N],
}

/// By local index.
struct AxisMetric {
    /// Across each low face, from center to center, divided by the mean width; one more than cells.
    distance: Vec<f64>,
    /// Places of the low faces and of the centers.
    face: Vec<f64>,
    center: Vec<f64>,
}

impl<const N: usize> Metric<N> {
    /// For the block `local` whose point 0 has this global index.
    pub(super) fn new(axes: &[GridAxis; N], offset: [isize; N], local: Region<N>) -> Self {
        let axis = |a: usize| {
            let (axis, mean) = (&axes[a], axes[a].mean_width());
            let cells = || local.start[a] + offset[a]..local.end[a] + offset[a];
            let faces = || cells().start..cells().end + 1;
            AxisMetric {
                distance: faces().map(|i| axis.distance(i) / mean).collect(),
                face: cells().map(|i| axis.face(i)).collect(),
                center: cells().map(|i| axis.center(i)).collect(),
            }
        };
        let widths = |a: usize| {
            let cells = local.start[a] + offset[a]..local.end[a] + offset[a];
            cells.map(|i| axes[a].width(i) / axes[a].mean_width()).collect()
        };
        Self { widths: std::array::from_fn(widths), axes: std::array::from_fn(axis) }
    }

    /// Widths along each axis, whose products are the volumes.
    pub(super) fn widths(self) -> [Vec<f64>; N] {
        self.widths
    }

    /// The area of a cell's faces normal to an axis.
    pub(super) fn area(&self, axis: usize, index: [isize; N]) -> f64 {
        (0..N).filter(|&a| a != axis).map(|a| self.widths[a][index[a] as usize]).product()
    }

    /// Area by width: of the flux through a wall of given value, from the cell at it.
    pub(super) fn area_by_width(&self, axis: usize, index: [isize; N]) -> f64 {
        self.area(axis, index) / self.widths[axis][index[axis] as usize]
    }

    /// The part that the cell at a wall has of the width of it and the next one together.
    pub(super) fn part_at_wall(&self, face: Face, index: [isize; N]) -> f64 {
        let here = index[face.axis] as usize;
        // Half of both lies between their centers.
        let distance = self.axes[face.axis].distance[here + usize::from(!face.high)];
        0.5 * self.widths[face.axis][here] / distance
    }

    /// The middle of the low face of a cell.
    fn middle_of_face(&self, axis: usize, index: [isize; N]) -> [f64; N] {
        std::array::from_fn(|a| {
            let table = if a == axis { &self.axes[a].face } else { &self.axes[a].center };
            table[index[a] as usize]
        })
    }
}

impl<const N: usize> Assembler<'_, '_, N> {
    /// As [`couple`](Self::couple), for cells that may differ in size.
    pub(super) fn couple_by_area(&self, a: usize, below: &mut Field<f64, N>) -> Result<()> {
        let (grid, metric) = (&self.problem.grid, &self.metric);
        let mean_width = grid.axis(a).mean_width();
        let scale = 1.0 / (mean_width * mean_width);
        let (region, pool) = (below.region_local(), grid.world().pool());
        let beta = self.beta.as_ref().map(|beta| beta.with_halo(0));
        let (along, coefficient) = (&metric.axes[a], self.face_coefficient());
        below.view_mut().for_each_row(pool, region, |first, row| {
            for (i, value) in row.iter_mut().enumerate() {
                let mut index = first;
                index[N - 1] += i as isize;
                let here = index[a] as usize;
                let coefficient = match (&coefficient, &beta) {
                    (FaceCoefficient::Constant(beta), _) => *beta,
                    (FaceCoefficient::At(beta), _) => beta(metric.middle_of_face(a, index)),
                    (FaceCoefficient::Mean(mean), Some(beta)) => {
                        let mut before = index;
                        before[a] -= 1;
                        // The cell before may be another rank's.
                        let (width, distance) = (metric.widths[a][here], along.distance[here]);
                        mean.across([2.0 * distance - width, width], [beta.get(before), beta.get(index)])
                    }
                    (FaceCoefficient::Mean(_), None) => unreachable!("the field was copied"),
                };
                *value = scale * coefficient * (metric.area(a, index) / along.distance[here]);
            }
        });
        Ok(())
    }

    /// Multiplies the value of each cell with its volume.
    pub(super) fn multiply_by_volume(&self, field: &mut Field<f64, N>) {
        multiply_by_products(&self.metric.widths, field);
    }

    /// As [`couple`](Self::couple), for nodes of cells that may differ in size: the coefficient by
    /// distance, without the area.
    pub(super) fn couple_nodes(&self, a: usize, below: &mut Field<f64, N>) {
        let grid = &self.problem.grid;
        let (lines, offset, mean_width) = (grid.axes().clone(), self.offset, grid.axis(a).mean_width());
        let at_nodes = self.beta.as_ref().is_some_and(|beta| beta.centering() == below.centering());
        let beta = self.beta.as_ref().map(|beta| beta.with_halo(0));
        let (region, coefficient) = (below.region_local(), self.face_coefficient());
        below.view_mut().for_each_row(grid.world().pool(), region, |first, row| {
            for (i, value) in row.iter_mut().enumerate() {
                let mut node = first;
                node[N - 1] += i as isize;
                let global: [isize; N] = std::array::from_fn(|b| node[b] + offset[b]);
                let coefficient = match (&coefficient, &beta) {
                    (FaceCoefficient::Constant(beta), _) => *beta,
                    (FaceCoefficient::At(beta), _) => {
                        // Around a periodic end, the middle of the last cell.
                        let before = |b: usize| (global[b] - 1).rem_euclid(lines[b].cells() as isize);
                        let place = |b: usize| {
                            if b == a { lines[b].center(before(b)) } else { lines[b].face(global[b]) }
                        };
                        beta(std::array::from_fn(place))
                    }
                    (FaceCoefficient::Mean(mean), Some(beta)) if at_nodes => {
                        let mut before = node;
                        before[a] -= 1;
                        mean.across([1.0; 2], [beta.get(before), beta.get(node)])
                    }
                    (FaceCoefficient::Mean(mean), Some(beta)) => {
                        let area = |cell: [isize; N]| -> f64 {
                            (0..N).filter(|&b| b != a).map(|b| lines[b].width(cell[b] + offset[b])).product()
                        };
                        mean.of_areas_along(a, node, area, |cell| beta.get(cell))
                    }
                    (FaceCoefficient::Mean(_), None) => unreachable!("the field was copied"),
                };
                *value = coefficient / (mean_width * lines[a].width(global[a] - 1));
            }
        });
    }

    fn face_coefficient(&self) -> FaceCoefficient<'_, N> {
        match &self.problem.coefficient {
            Coefficient::Constant(beta) => FaceCoefficient::Constant(*beta),
            Coefficient::At(beta) => FaceCoefficient::At(&**beta),
            Coefficient::Of(_, mean) => FaceCoefficient::Mean(*mean),
        }
    }
}

/// Multiplies the value of each cell with its volume: the product of its widths along all axes.
pub(super) fn multiply_by_products<const N: usize>(widths: &[Vec<f64>; N], field: &mut Field<f64, N>) {
    let (world, region) = (field.grid().world().clone(), field.region_local());
    field.view_mut().for_each_row(world.pool(), region, |first, row| {
        let area: f64 = (0..N - 1).map(|a| widths[a][first[a] as usize]).product();
        let along = &widths[N - 1][first[N - 1] as usize..];
        row.iter_mut().zip(along).for_each(|(value, width)| *value *= area * width);
    });
}

/// The coefficient at faces, as threads may share it.
enum FaceCoefficient<'a, const N: usize> {
    Constant(f64),
    At(&'a (dyn Fn([f64; N]) -> f64 + Send + Sync)),
    Mean(Mean),
}
