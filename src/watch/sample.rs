//! The values of a picture's pixels: each is that of the nearest point.

use num_traits::AsPrimitive;

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use parhelion_kernels::Element;

/// A plane of a field as `height` rows of `width` pixels, the first row at the top.
pub(super) struct Sample<const N: usize> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The axes that run up and to the right.
    pub(super) axes: [usize; 2],
    /// For each axis, the coordinates of the first and the last point of the plane, half a spacing
    /// further out.
    pub(super) edges: [[f64; 2]; N],
    /// The index on each other axis.
    pub(super) fixed: [Option<usize>; N],
    component: usize,
}

impl<const N: usize> Sample<N> {
    /// The plane of `field` with the indices of `planes`; if more than two axes are left, the
    /// slowest are cut in the middle. Its longer side has `pixels` pixels.
    ///
    /// # Errors
    /// When there is no such plane or component; the same on all ranks.
    pub(super) fn new<T: Element>(
        field: &Field<T, N>,
        planes: &[(usize, usize)],
        component: usize,
        pixels: usize,
    ) -> Result<Self> {
        let refuse = |reason: String| {
            let message = format!("no picture of field '{}': {reason}", field.name());
            Err(Error::on_all_ranks(ErrorKind::Argument, message))
        };
        let shape = field.shape_global();
        let mut fixed = [None; N];
        for &(axis, index) in planes {
            if axis >= N || index >= shape[axis] {
                return refuse(format!("it has no plane {index} of axis {axis}; its shape is {shape:?}"));
            }
            fixed[axis] = Some(index);
        }
        if component >= field.components() {
            return refuse(format!("it has {} component(s), none of number {component}", field.components()));
        }
        if pixels == 0 || pixels > MOST_PIXELS {
            return refuse(format!("{pixels} pixels were asked for; 1 to {MOST_PIXELS} are possible"));
        }
        for axis in 0..N {
            if fixed.iter().filter(|index| index.is_none()).count() > 2 && fixed[axis].is_none() {
                fixed[axis] = Some(shape[axis] / 2);
            }
        }
        let shown: Vec<usize> = (0..N).filter(|&axis| fixed[axis].is_none()).collect();
        let &[up, right] = &shown[..] else {
            return refuse(format!("a picture needs two axes, but {} are left", shown.len()));
        };
        let (first, last) = (field.coordinates([0; N]), field.coordinates(shape.map(|n| n.max(1) - 1)));
        let half = |a: usize, end: isize| {
            let axis = field.grid().axis(a);
            0.5 * if field.centering().staggered(a) { axis.distance(end) } else { axis.width(end) }
        };
        let edges: [[f64; 2]; N] =
            std::array::from_fn(|a| [first[a] - half(a, 0), last[a] + half(a, shape[a].max(1) as isize - 1)]);
        let length = |axis: usize| edges[axis][1] - edges[axis][0];
        let scale = pixels as f64 / length(up).max(length(right));
        let side = |axis: usize| ((length(axis) * scale).round() as usize).clamp(1, pixels);
        Ok(Self { width: side(right), height: side(up), axes: [up, right], edges, fixed, component })
    }

    /// The values of all pixels, on rank 0.
    ///
    /// # Collective
    /// Over all ranks.
    pub(super) fn collect<T: Element + AsPrimitive<f64>>(&self, field: &Field<T, N>) -> Vec<f64> {
        let block = field.region_global();
        let [up, right] = self.axes;
        let [rows, columns] = [(up, self.height), (right, self.width)].map(|(axis, pixels)| {
            (0..pixels).map(|pixel| self.nearest(field, axis, pixel, pixels)).collect::<Vec<_>>()
        });
        // Pixels of points that other ranks own are 0, so that the sum over all ranks is the
        // owner's value.
        let mut values = vec![0.0; self.width * self.height];
        let mut index = self.fixed.map(|index| index.unwrap_or(0));
        let mine =
            |axis: usize, index: usize| (block.start[axis]..block.end[axis]).contains(&(index as isize));
        if (0..N).all(|axis| self.fixed[axis].is_none_or(|index| mine(axis, index))) {
            let cells = field.component(self.component).view();
            for row in 0..self.height {
                index[up] = rows[self.height - 1 - row];
                if !mine(up, index[up]) {
                    continue;
                }
                for (column, &nearest) in columns.iter().enumerate() {
                    index[right] = nearest;
                    if mine(right, index[right]) {
                        let local = std::array::from_fn(|a| index[a] as isize - block.start[a]);
                        values[row * self.width + column] = cells.get(local).as_();
                    }
                }
            }
        }
        field.grid().world().sum_on_root(&values)
    }

    /// The point along an axis whose cell the middle of a pixel lies in.
    fn nearest<T: Element>(&self, field: &Field<T, N>, axis: usize, pixel: usize, pixels: usize) -> usize {
        let (points, line) = (field.shape_global()[axis], field.grid().axis(axis));
        if !line.is_stretched() {
            return (2 * pixel + 1) * points / (2 * pixels);
        }
        let [low, high] = self.edges[axis];
        let place = low + (high - low) * (pixel as f64 + 0.5) / pixels as f64;
        let staggered = field.centering().staggered(axis);
        // Half-way between two points the next one begins; for cells, at their face.
        let end = |i: usize| line.coordinate(i as isize + isize::from(!staggered), !staggered);
        let (mut first, mut last) = (0, points.max(1) - 1);
        while first < last {
            let middle = first + (last - first) / 2;
            if end(middle) <= place { first = middle + 1 } else { last = middle }
        }
        first
    }
}

/// Longest side of a picture.
const MOST_PIXELS: usize = 8192;
