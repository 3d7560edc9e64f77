//! The newest planes of an array that is computed plane by plane.

use crate::storage::CACHE_LINE;
use crate::{Element, Region};

/// The newest planes, across the slowest axis, of an array that one thread computes plane by plane
/// and that is never in memory as a whole.
///
/// A ring lets several rules run in one pass over memory, each a radius of planes behind the
/// previous one: while a rule writes plane `z` of the ring, the next rule reads planes `z − 2` to
/// `z` and computes `z − 1`. Cut a thread's part along the middle axis into tiles whose rings fit
/// into the cache of a core; neighboring tiles both compute the cells that both need. The value of
/// a cell depends only on its neighborhood, so the bits are those of rules that run one after
/// another.
///
/// ```
/// use parhelion_kernels::{Region, Ring, View};
///
/// // The second difference of second differences along axis 0, with two planes in flight: u → d → out.
/// let u: Vec<f64> = (0..10).flat_map(|z| [1.0, 2.0].map(|x| x * f64::powi(z as f64, 4))).collect();
/// let u = View::from_slice(&u, Region::new([-2, 0], [8, 2]));
/// let cells = Region::from_shape([6, 2]);
/// let mut d = Ring::new(cells.grown([[1, 1], [0, 0]]), 3);
/// let mut out = vec![];
/// for z in -1..7 {
///     for (i, d) in d.row_mut([z, 0], 2).iter_mut().enumerate() {
///         *d = u.row([z - 1, 0], 2)[i] - 2.0 * u.row([z, 0], 2)[i] + u.row([z + 1, 0], 2)[i];
///     }
///     if z >= 1 {
///         let [low, center, high] = [z - 2, z - 1, z].map(|z| d.row([z, 0], 2));
///         out.extend((0..2).map(|i| low[i] - 2.0 * center[i] + high[i]));
///     }
/// }
/// assert_eq!(out, [24.0, 48.0].repeat(6)); // of x z⁴
/// ```
#[derive(Clone, Debug)]
pub struct Ring<T, const N: usize> {
    /// All cells that pass through, in the caller's frame.
    region: Region<N>,
    planes: usize,
    /// One past the newest plane.
    end: isize,
    strides: [usize; N],
    /// Start of the first plane's slot in `values`.
    origin: usize,
    values: Vec<T>,
}

impl<T: Element, const N: usize> Ring<T, N> {
    /// A ring of `planes` planes for the cells of `region`. The first plane to be written is the
    /// region's first.
    ///
    /// # Panics
    /// When `planes` is 0, or there is only one axis.
    pub fn new(region: Region<N>, planes: usize) -> Self {
        assert!(N >= 2 && planes > 0, "a ring needs at least one plane and two axes");
        let mut ring =
            Self { region, planes, end: region.start[0], strides: [1; N], origin: 0, values: Vec::new() };
        ring.restart(region);
        ring
    }

    /// Starts again with other cells, in the same memory if it suffices.
    pub fn restart(&mut self, region: Region<N>) {
        let (shape, per_line) = (region.shape(), CACHE_LINE / size_of::<T>());
        let mut stride = 1;
        for a in (0..N).rev() {
            self.strides[a] = stride;
            // Whole cache lines, but no multiple of 2 KiB, whose lines would compete for the same
            // cache sets.
            let length = if a == 0 { self.planes } else { shape[a] };
            stride = (stride * length).next_multiple_of(per_line);
            if stride.is_multiple_of(2048 / size_of::<T>()) {
                stride += per_line;
            }
        }
        if self.values.len() < stride + per_line {
            self.values = vec![T::zero(); stride + per_line];
        }
        // Alignment only makes rows faster.
        self.origin = self.values.as_ptr().align_offset(CACHE_LINE).min(per_line);
        (self.region, self.end) = (region, region.start[0]);
    }

    /// All cells that pass through.
    pub fn region(&self) -> Region<N> {
        self.region
    }

    /// The place of a row in `values`.
    #[inline(always)]
    fn place(&self, index: [isize; N], len: usize) -> std::ops::Range<usize> {
        let inside = self.region.contains(index) && len <= self.region.end[N - 1].abs_diff(index[N - 1]);
        assert!(inside, "{len} cells from {index:?} on are not all inside the ring's {:?}", self.region);
        let slot = index[0].abs_diff(self.region.start[0]) % self.planes;
        let mut first = self.origin + slot * self.strides[0];
        for a in 1..N {
            first += index[a].abs_diff(self.region.start[a]) * self.strides[a];
        }
        first..first + len
    }

    /// The `len` cells from `index` on along the last axis.
    ///
    /// # Panics
    /// When some of them are outside, or the plane is not one of the newest.
    #[inline]
    pub fn row(&self, index: [isize; N], len: usize) -> &[T] {
        let held = self.end - self.planes as isize..self.end;
        assert!(held.contains(&index[0]), "the ring holds planes {held:?}, not {}", index[0]);
        &self.values[self.place(index, len)]
    }

    /// As [`row`](Self::row), to be written: in the newest plane, or in the next plane, which
    /// replaces the oldest.
    ///
    /// # Panics
    /// When some of the cells are outside, or the plane is neither the newest nor the next.
    #[inline]
    pub fn row_mut(&mut self, index: [isize; N], len: usize) -> &mut [T] {
        let next = index[0] == self.end;
        assert!(
            next || index[0] + 1 == self.end,
            "plane {} cannot be written: the next one is {}",
            index[0],
            self.end
        );
        self.end = index[0] + 1;
        let place = self.place(index, len);
        &mut self.values[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag([z, y, x]: [isize; 3]) -> f64 {
        (100 * z + 10 * y + x) as f64
    }

    /// The ring holds every cell of the newest planes for any extent of rows and planes, also when
    /// reused.
    #[test]
    fn the_newest_planes_are_held() {
        let mut ring = Ring::<f64, 3>::new(Region::from_shape([1, 1, 1]), 3);
        for shape in [[5, 4, 3], [7, 1, 9], [4, 8, 256], [3, 1, 1]] {
            let region = Region::from_shape(shape).shifted([-2, 1, -1]);
            ring.restart(region);
            assert_eq!(ring.region(), region);
            for z in region.start[0]..region.end[0] {
                for (first, len) in region.with_axis(0, z, z + 1).rows() {
                    let row = ring.row_mut(first, len);
                    assert_eq!(row.as_ptr().addr() % CACHE_LINE, 0);
                    row.iter_mut().enumerate().for_each(|(i, cell)| {
                        *cell = tag([first[0], first[1], first[2] + i as isize]);
                    });
                }
                for index in region.with_axis(0, (z - 2).max(region.start[0]), z + 1).indices() {
                    assert_eq!(ring.row(index, 1), [tag(index)]);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "the ring holds planes 1..3, not 0")]
    fn planes_that_were_overwritten_are_refused() {
        let mut ring = Ring::<f32, 2>::new(Region::from_shape([4, 2]), 2);
        (0..3).for_each(|z| ring.row_mut([z, 0], 2).fill(1.0));
        ring.row([0, 0], 2);
    }

    #[test]
    #[should_panic(expected = "plane 1 cannot be written: the next one is 0")]
    fn no_plane_is_left_out() {
        Ring::<f32, 2>::new(Region::from_shape([4, 2]), 2).row_mut([1, 0], 2);
    }

    #[test]
    #[should_panic(expected = "are not all inside the ring's")]
    fn rows_that_leave_the_ring_are_refused() {
        Ring::<f32, 2>::new(Region::from_shape([4, 2]), 2).row_mut([0, 1], 2);
    }
}
