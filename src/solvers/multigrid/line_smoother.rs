//! Gauss–Seidel by lines: the cells of a line along one axis are solved for at once.
//!
//! What couples them is a tridiagonal matrix, of a ring where the axis is periodic (Sherman and
//! Morrison's formula makes two tridiagonal ones of it). Lines that lie side by side along the last
//! axis are solved together, so that the loop over them is vectorized; each comes out of its own
//! numbers alone, in the same order on any ranks × threads.

use parhelion_kernels::{Pattern, Region, View, map_lines};

use crate::error::Result;
use crate::field::Field;
use crate::solvers::elliptic::matrix::rows::RowCouplings;
use crate::solvers::elliptic::matrix::{Discrete, RowSource, with_rows};
use crate::solvers::linear::Real;
use crate::stopwatch::Kind;

/// Lines side by side that are solved together: few enough to stay in the cache.
const TOGETHER: usize = 32;

/// The systems of some lines: cell `k` of line `i` is at `k · lines + i`.
struct Bundle<T> {
    lines: usize,
    below: Vec<T>,
    above: Vec<T>,
    diagonal: Vec<T>,
    right: Vec<T>,
    /// The solution of a periodic line's second system.
    corner: Vec<T>,
}

impl<T: Real, const N: usize> Discrete<T, N> {
    /// One half of a Gauss–Seidel sweep by lines: those along `axis` whose other global indices add
    /// up to an even number, or, with `color` 1, to an odd one, solve their equations; the others
    /// keep their values.
    ///
    /// # Collective
    /// Over all ranks of the grid, of which none is cut along `axis`.
    pub(in crate::solvers) fn solve_lines(
        &self,
        axis: usize,
        color: usize,
        u: &mut Field<T, N>,
        f: &Field<T, N>,
        output: &mut Field<T, N>,
    ) -> Result<()> {
        debug_assert_eq!(self.grid.topology().procs()[axis], 1);
        u.exchange_for(Pattern::Star, 1)?;
        let timing = self.grid.world().measure().start_on(Kind::Sweep, "lines");
        let (pool, region) = (self.grid.world().pool(), output.region_local());
        let (odd, periodic) = (self.parity(color), self.grid.topology().periodic()[axis]);
        let (view, f) = (u.with_halo(0), f.view());
        with_rows!(self, source => {
            map_lines(pool, region, axis, [output.view_mut()], |part, [mut out]| {
                let mut bundle = Bundle::new();
                for lines in bundles(part, axis) {
                    let first = lines.start;
                    // The indices along the axis are ignored; that of the first cell is 0.
                    let odd = odd + first.iter().sum::<isize>() as usize;
                    let solves = |line: usize| (odd + line).is_multiple_of(2);
                    let width = if axis + 1 == N { 1 } else { lines.shape()[N - 1] };
                    let any = width > 1 || solves(0);
                    if any {
                        bundle.read(source, axis, lines, width, &view, &f);
                        bundle.solve(periodic);
                    }
                    let mut at = 0;
                    for (first, len) in lines.rows() {
                        let (out, old) = (out.row_mut(first, len), view.row(first, len));
                        for (i, (out, &old)) in out.iter_mut().zip(old).enumerate() {
                            let line = if axis + 1 == N { 0 } else { i };
                            *out = if solves(line) { bundle.right[at + i] } else { old };
                        }
                        at += len;
                    }
                }
            });
        });
        timing.finish(region.len(), 3 * size_of::<T>() + self.bytes());
        Ok(())
    }
}

/// The lines of a part, some at a time.
fn bundles<const N: usize>(part: Region<N>, axis: usize) -> impl Iterator<Item = Region<N>> {
    let across = part.with_axis(axis, part.start[axis], part.start[axis] + 1);
    across.rows().flat_map(move |(first, len)| {
        (0..len).step_by(TOGETHER).map(move |from| {
            let mut lines = Region::new(first, first.map(|i| i + 1));
            let start = first[N - 1] + from as isize;
            lines = lines.with_axis(N - 1, start, start + TOGETHER.min(len - from) as isize);
            lines.with_axis(axis, part.start[axis], part.end[axis])
        })
    })
}

impl<T: Real> Bundle<T> {
    fn new() -> Self {
        let none = Vec::new;
        Self { lines: 0, below: none(), above: none(), diagonal: none(), right: none(), corner: none() }
    }

    /// The systems of some lines, with what their neighbors are now on the right.
    fn read<S: RowSource<T, N>, const N: usize>(
        &mut self,
        source: &S,
        axis: usize,
        cells: Region<N>,
        lines: usize,
        u: &View<'_, T, N>,
        f: &View<'_, T, N>,
    ) {
        self.lines = lines;
        for values in [&mut self.below, &mut self.above, &mut self.diagonal, &mut self.right] {
            values.clear();
        }
        for (first, len) in cells.rows() {
            let couplings = source.row(first, len);
            let couplings = couplings.trimmed(len);
            let along = |step: isize| -> [&[T]; N] {
                std::array::from_fn(|a| {
                    let mut index = first;
                    index[a] += step;
                    &u.row(index, len)[..len]
                })
            };
            let (before, after, f) = (along(-1), along(1), &f.row(first, len)[..len]);
            for i in 0..len {
                let at = couplings.at(i);
                let mut right = f[i];
                for a in (0..N).filter(|&a| a != axis) {
                    right += at.below[a] * before[a][i] + at.above[a] * after[a][i];
                }
                self.below.push(at.below[axis]);
                self.above.push(at.above[axis]);
                self.diagonal.push(at.diagonal);
                self.right.push(right);
            }
        }
    }

    /// Leaves the solutions in `right`.
    fn solve(&mut self, periodic: bool) {
        let lines = self.lines;
        let cells = self.right.len() / lines;
        let last = (cells - 1) * lines;
        if !periodic {
            return self.eliminate(false);
        }
        match cells {
            // A cell that is its own neighbor, and two that are each other's on both sides.
            1 => (0..lines).for_each(|i| self.diagonal[i] -= self.below[i] + self.above[i]),
            2 => (0..lines).for_each(|i| {
                self.above[i] += self.below[i];
                self.below[last + i] += self.above[last + i];
            }),
            _ => {
                self.corner.clear();
                self.corner.resize(self.right.len(), T::zero());
                for i in 0..lines {
                    let d = self.diagonal[i];
                    self.corner[i] = T::zero() - d;
                    self.corner[last + i] = T::zero() - self.above[last + i];
                    self.diagonal[i] = d + d;
                    self.diagonal[last + i] += self.above[last + i] * self.below[i] / d;
                }
                let ratio: Vec<T> =
                    (0..lines).map(|i| self.below[i] / (self.diagonal[i] / T::nearest(2.0))).collect();
                self.eliminate(true);
                for i in 0..lines {
                    let (ends, corners) =
                        ([self.right[i], self.right[last + i]], [self.corner[i], self.corner[last + i]]);
                    let factor =
                        (ends[0] + ratio[i] * ends[1]) / (T::one() + corners[0] + ratio[i] * corners[1]);
                    for k in 0..cells {
                        let at = k * lines + i;
                        self.right[at] = self.right[at] - factor * self.corner[at];
                    }
                }
                return;
            }
        }
        self.eliminate(false);
    }

    /// Gauss's elimination of all lines, with a second right-hand side if it is `cornered`. Where a
    /// line is singular by itself, its last cell becomes 0.
    fn eliminate(&mut self, cornered: bool) {
        let lines = self.lines;
        let epsilon = if size_of::<T>() < 8 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let small = T::nearest(8.0 * epsilon);
        let cells = self.right.len() / lines;
        for k in 0..cells {
            for i in 0..lines {
                let at = k * lines + i;
                let below = if k > 0 { self.below[at] } else { T::zero() };
                let before = if k > 0 { at - lines } else { at };
                // `above` becomes what is left of it.
                let d = self.diagonal[at];
                let pivot = if k > 0 { d - below * self.above[before] } else { d };
                let size = if pivot < T::zero() { T::zero() - pivot } else { pivot };
                let scale = if d < T::zero() { T::zero() - d } else { d };
                let inverse = if size > small * scale { T::one() / pivot } else { T::zero() };
                self.above[at] = inverse * self.above[at];
                self.right[at] = inverse
                    * if k > 0 { self.right[at] + below * self.right[before] } else { self.right[at] };
                if cornered {
                    let corner = self.corner[at];
                    self.corner[at] =
                        inverse * if k > 0 { corner + below * self.corner[before] } else { corner };
                }
            }
        }
        for k in (0..cells - 1).rev() {
            for at in k * lines..(k + 1) * lines {
                self.right[at] = self.right[at] + self.above[at] * self.right[at + lines];
                if cornered {
                    self.corner[at] = self.corner[at] + self.above[at] * self.corner[at + lines];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the equations themselves: `d x − below · x_before − above · x_after` is the
    /// right-hand side again.
    #[test]
    fn lines_and_rings_are_solved() {
        for (cells, lines) in [(1, 1), (2, 3), (3, 1), (4, 2), (9, 3)] {
            for periodic in [false, true] {
                let number =
                    |seed: usize| (0..cells * lines).map(move |i| 0.5 + ((i * 7 + seed) % 11) as f64 / 11.0);
                let (mut below, mut above) = (number(1).collect::<Vec<_>>(), number(5).collect::<Vec<_>>());
                if !periodic {
                    below[..lines].fill(0.0);
                    above[(cells - 1) * lines..].fill(0.0);
                }
                let diagonal: Vec<f64> = below.iter().zip(&above).map(|(b, a)| b + a + 0.3).collect();
                let right: Vec<f64> = number(3).collect();
                let mut bundle = Bundle {
                    lines,
                    below: below.clone(),
                    above: above.clone(),
                    diagonal: diagonal.clone(),
                    right: right.clone(),
                    corner: Vec::new(),
                };
                bundle.solve(periodic);
                let x = &bundle.right;
                for k in 0..cells {
                    for i in 0..lines {
                        let (at, before, after) =
                            (k * lines + i, (k + cells - 1) % cells * lines + i, (k + 1) % cells * lines + i);
                        let left = diagonal[at] * x[at] - below[at] * x[before] - above[at] * x[after];
                        assert!(
                            (left - right[at]).abs() < 1e-12,
                            "{cells} {lines} {periodic}: {left} {}",
                            right[at]
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_without_walls_gets_some_solution() {
        // Second differences with no flux through the ends, and a right-hand side of mean 0.
        let mut bundle = Bundle {
            lines: 1,
            below: vec![0.0, 1.0, 1.0],
            above: vec![1.0, 1.0, 0.0],
            diagonal: vec![1.0, 2.0, 1.0],
            right: vec![1.0, 0.0, -1.0],
            corner: Vec::new(),
        };
        bundle.solve(false);
        assert_eq!(bundle.right, [2.0, 1.0, 0.0]);
    }
}
