//! The halo beyond walls, filled piece by piece from the cells inside them.
#![allow(unsafe_code, reason = "threads write disjoint cells; see the invariants of cells.rs")]

use crate::storage::{Cells, rows};
use crate::{Element, KernelError, Pool, Region, ViewMut};

/// The walls of a block, and the values of the halo cells beyond them.
///
/// A wall is a mirror at an end of the block, either between points or on the outermost point. The
/// halo cell `i` on its axis has the image `mirror − i` inside. The value of a halo cell depends on
/// its image or only on its place. Beyond edges and corners the last axis decides; its images were
/// filled by the earlier axes.
pub trait Walls<T, const N: usize>: Sync {
    /// The sum of the indices of a halo cell and its image. `None` where there is no wall.
    fn mirror(&self, axis: usize, high: bool) -> Option<isize>;

    /// Whether a wall carries points and gives them values.
    fn gives_values(&self, axis: usize, high: bool) -> bool;

    /// Writes the values of points on a wall that gives them, from `first` on along the last axis.
    fn set(&self, axis: usize, high: bool, first: [isize; N], points: &mut [T]);

    /// Turns `cells`, which hold the images, into the values of the halo cells from `first` on
    /// along the last axis, `level` steps after the start of the pass.
    fn fill(&self, axis: usize, high: bool, level: usize, first: [isize; N], cells: &mut [T]);
}

/// A block without walls.
#[derive(Clone, Copy, Debug)]
pub struct NoWalls;

impl<T, const N: usize> Walls<T, N> for NoWalls {
    fn mirror(&self, _: usize, _: bool) -> Option<isize> {
        None
    }
    fn gives_values(&self, _: usize, _: bool) -> bool {
        false
    }
    fn set(&self, _: usize, _: bool, _: [isize; N], _: &mut [T]) {}
    fn fill(&self, _: usize, _: bool, _: usize, _: [isize; N], _: &mut [T]) {}
}

impl<T, W: Walls<T, N>, const N: usize> Walls<T, N> for &W {
    fn mirror(&self, axis: usize, high: bool) -> Option<isize> {
        W::mirror(self, axis, high)
    }
    fn gives_values(&self, axis: usize, high: bool) -> bool {
        W::gives_values(self, axis, high)
    }
    fn set(&self, axis: usize, high: bool, first: [isize; N], points: &mut [T]) {
        W::set(self, axis, high, first, points);
    }
    fn fill(&self, axis: usize, high: bool, level: usize, first: [isize; N], cells: &mut [T]) {
        W::fill(self, axis, high, level, first, cells);
    }
}

/// The halo cells beyond the walls of a block.
#[derive(Debug)]
pub(super) struct WallHalo<W, const N: usize> {
    walls: W,
    /// Asked of the walls once, so that the mirrors in use are the checked ones.
    mirrors: [[Option<isize>; 2]; N],
    /// Cells inside the walls.
    interior: Region<N>,
    /// Number of halo cells beyond the walls, `[low, high]` on each axis.
    depth: [[usize; 2]; N],
}

impl<W, const N: usize> WallHalo<W, N> {
    pub(super) fn new<T>(walls: W, interior: Region<N>, depth: [[usize; 2]; N]) -> Self
    where
        W: Walls<T, N>,
    {
        let mirrors = std::array::from_fn(|axis| [false, true].map(|high| walls.mirror(axis, high)));
        Self { walls, mirrors, interior, depth }
    }

    /// Checks that the halo beyond the walls can be filled from the images in the cells `computed`.
    ///
    /// # Errors
    /// When a wall is not at an end of the interior, when `cells` lacks halo cells or their images,
    /// or when `computed` has cells beyond a wall, which would be filled as well.
    pub(super) fn check(&self, cells: &Region<N>, computed: &Region<N>) -> Result<(), KernelError> {
        for (axis, high) in sides::<N>() {
            let Some(mirror) = self.mirrors[axis][usize::from(high)] else { continue };
            let (start, end) = (self.interior.start[axis], self.interior.end[axis]);
            // Between points, or on the outermost point.
            let twice = if high { end } else { start }.wrapping_mul(2);
            let legal = if high { [twice - 1, twice - 2] } else { [twice - 1, twice] };
            let crossed = if high { computed.end[axis] > end } else { computed.start[axis] < start }
                && !computed.is_empty();
            if !legal.contains(&mirror) || crossed {
                return Err(KernelError::new(format!(
                    "a wall on axis {axis} that mirrors about {mirror}/2 must be at an end of the cells {:?}, with none of \
                     {computed:?} beyond it",
                    self.interior
                )));
            }
            let halo = self.region(axis, high);
            let images = mirrored(&halo, axis, mirror);
            let inside = |part: &Region<N>| {
                part.is_empty() || cells.start[axis] <= part.start[axis] && part.end[axis] <= cells.end[axis]
            };
            // Beyond a side without a wall, images are computed or received like other cells.
            let [low_wall, high_wall] = self.mirrors[axis].map(|mirror| mirror.is_some());
            let inside_walls =
                !(low_wall && images.start[axis] < start || high_wall && images.end[axis] > end);
            if !inside(&halo) || !inside(&images) || !inside_walls && !halo.is_empty() {
                return Err(KernelError::new(format!(
                    "the halo {halo:?} beyond a wall on axis {axis} has the images {images:?}; both must be in the array \
                     {cells:?}, the images inside the walls {:?}; use larger blocks or a thinner halo",
                    self.interior
                )));
            }
        }
        Ok(())
    }

    /// The halo cells beyond one wall.
    fn region(&self, axis: usize, high: bool) -> Region<N> {
        let depth = self.depth[axis][usize::from(high)] as isize;
        let (start, end) = (self.interior.start[axis], self.interior.end[axis]);
        if high {
            self.interior.with_axis(axis, end, end + depth)
        } else {
            self.interior.with_axis(axis, start - depth, start)
        }
    }

    /// Sets the points of `piece` that lie on walls to the values of the walls.
    ///
    /// # Safety
    /// `piece` is in view, and no other thread touches it.
    pub(super) unsafe fn set_walls<T: Element>(&self, cells: &Cells<T, N>, piece: Region<N>)
    where
        W: Walls<T, N>,
    {
        for (axis, high) in sides::<N>().filter(|&(axis, high)| self.walls.gives_values(axis, high)) {
            let wall = if high { self.interior.end[axis] - 1 } else { self.interior.start[axis] };
            for (first, len) in rows(piece.intersection(&piece.with_axis(axis, wall, wall + 1))) {
                // SAFETY: part of `piece`; the contract.
                let points = unsafe { std::slice::from_raw_parts_mut(cells.at(first), len) };
                self.walls.set(axis, high, first, points);
            }
        }
    }

    /// Fills the halo cells whose images lie in `piece`, and then those whose images are such halo
    /// cells, on the axes from `from` on.
    ///
    /// # Safety
    /// The halo passed `check` with all cells in view, `piece` is in view, and no other thread
    /// touches these halo cells or writes to `piece`.
    pub(super) unsafe fn fill<T: Element>(
        &self,
        cells: &Cells<T, N>,
        level: usize,
        piece: Region<N>,
        from: usize,
    ) where
        W: Walls<T, N>,
    {
        for axis in from..N {
            for high in [false, true] {
                let Some(mirror) = self.mirrors[axis][usize::from(high)] else { continue };
                let halo = self.region(axis, high);
                let image = mirrored(&piece, axis, mirror);
                let target = piece.with_axis(
                    axis,
                    halo.start[axis].max(image.start[axis]),
                    halo.end[axis].min(image.end[axis]),
                );
                if target.is_empty() {
                    continue;
                }
                // SAFETY: target and images are in view by `check`, and disjoint because the images
                // are inside the walls; the contract.
                unsafe {
                    self.fill_box(cells, level, axis, high, mirror, target);
                    self.fill(cells, level, target, axis + 1);
                }
            }
        }
    }

    /// # Safety
    /// `target` and its images are in view and disjoint, and no other thread touches the target or
    /// writes to the images.
    unsafe fn fill_box<T: Element>(
        &self,
        cells: &Cells<T, N>,
        level: usize,
        axis: usize,
        high: bool,
        mirror: isize,
        target: Region<N>,
    ) where
        W: Walls<T, N>,
    {
        for (first, len) in rows(target) {
            let mut image = first;
            image[axis] = mirror - first[axis];
            // SAFETY: the contract. Along the last axis the images run backwards.
            let row = unsafe {
                let (to, from) = (cells.at(first), cells.at(image));
                if axis + 1 < N {
                    std::ptr::copy_nonoverlapping(from, to, len);
                } else {
                    (0..len).for_each(|i| *to.add(i) = *from.sub(i));
                }
                std::slice::from_raw_parts_mut(to, len)
            };
            self.walls.fill(axis, high, level, first, row);
        }
    }
}

/// The mirror images of `cells`.
fn mirrored<const N: usize>(cells: &Region<N>, axis: usize, mirror: isize) -> Region<N> {
    let image = |i: isize| mirror.saturating_sub(i).saturating_add(1);
    cells.with_axis(axis, image(cells.end[axis]), image(cells.start[axis]))
}

fn sides<const N: usize>() -> impl Iterator<Item = (usize, bool)> {
    (0..N).flat_map(|axis| [(axis, false), (axis, true)])
}

/// Sets the points of `interior` that lie on walls to the values of the walls.
///
/// # Errors
/// When some of `interior` is not in view.
pub fn set_walls<T: Element, W: Walls<T, N>, const N: usize>(
    pool: &Pool,
    cells: ViewMut<'_, T, N>,
    walls: &W,
    interior: Region<N>,
) -> Result<(), KernelError> {
    require(&cells, &interior)?;
    let halo = WallHalo::new(walls, interior, [[0; 2]; N]);
    let cells = cells.cells;
    let values = sides::<N>().filter(|&(axis, high)| walls.gives_values(axis, high)).count();
    let surface = interior.shape().iter().map(|&n| interior.len() / n.max(1)).max().unwrap_or(0);
    pool.run_unless_small(values * surface * size_of::<T>(), |thread, threads| {
        // SAFETY: in view by the check; the parts of a region are disjoint.
        unsafe { halo.set_walls(&cells, interior.part(thread, threads)) };
    });
    Ok(())
}

fn require<T: Element, const N: usize>(
    cells: &ViewMut<'_, T, N>,
    needed: &Region<N>,
) -> Result<(), KernelError> {
    if cells.region().contains_region(needed) {
        return Ok(());
    }
    Err(KernelError::new(format!("the cells {needed:?} are not all in the view {:?}", cells.region())))
}

/// Fills the halo beyond walls, `depth` cells on each side, including the edges and corners next to
/// cells of `known`.
///
/// `interior` has the cells between the walls. `known` has the cells to be mirrored: the interior
/// and the halo on other sides, or a part of these.
///
/// # Errors
/// When cells are not in view, images are not in the interior, or walls are not at its ends.
pub fn fill_walls<T: Element, W: Walls<T, N>, const N: usize>(
    pool: &Pool,
    cells: ViewMut<'_, T, N>,
    walls: &W,
    interior: Region<N>,
    known: Region<N>,
    depth: [[usize; 2]; N],
) -> Result<(), KernelError> {
    let halo = WallHalo::new(walls, interior, depth);
    require(&cells, &known)?;
    halo.check(&cells.region(), &known)?;
    let cells = cells.cells;
    let surface: usize = sides::<N>()
        .filter(|&(axis, high)| halo.mirrors[axis][usize::from(high)].is_some())
        .map(|(axis, high)| halo.region(axis, high).len())
        .sum();
    pool.run_unless_small(surface * size_of::<T>(), |thread, threads| {
        // SAFETY: the halo passed its check; every thread fills the cells that mirror its own part.
        unsafe { halo.fill(&cells, 0, known.part(thread, threads), 0) };
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{Blocking, Pass, advance, star_stencil};

    /// Walls that report a mirror only from question number `from` on.
    struct FickleWalls {
        mirror: isize,
        from: usize,
        asked: AtomicUsize,
    }

    impl Walls<f64, 1> for FickleWalls {
        fn mirror(&self, _: usize, high: bool) -> Option<isize> {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            (!high && number >= self.from).then_some(self.mirror)
        }
        fn gives_values(&self, _: usize, _: bool) -> bool {
            false
        }
        fn set(&self, _: usize, _: bool, _: [isize; 1], _: &mut [f64]) {}
        fn fill(&self, _: usize, _: bool, _: usize, _: [isize; 1], cells: &mut [f64]) {
            cells.fill(777.0);
        }
    }

    fn try_walls(mirror: isize, from: usize, interior: Region<1>) -> Result<Vec<f64>, KernelError> {
        let (mut a, mut b) = (vec![1.0; 102], vec![1.0; 102]);
        let whole = Region::new([-1], [101]);
        let walls = FickleWalls { mirror, from, asked: AtomicUsize::new(0) };
        let mean = star_stencil::<f64, 1, 1>(|u| 0.5 * (u.at::<-1>() + u.at::<1>()));
        let pass = Pass::new(Region::from_shape([100]), [[false; 2]], 1, Blocking { levels: 2, tile: [10] });
        let arrays = [ViewMut::from_slice(&mut a, whole), ViewMut::from_slice(&mut b, whole)];
        advance(&Pool::new(2).unwrap(), &pass, &mean, arrays, &walls, interior, || ())?;
        Ok(b)
    }

    #[test]
    fn walls_are_asked_once_and_must_be_at_the_ends_of_the_cells() {
        let interior = Region::from_shape([100]);
        // Between points and on the outermost point: the halo cell is filled at level 1.
        for mirror in [-1, 0] {
            assert_eq!(try_walls(mirror, 0, interior).unwrap()[0], 777.0);
        }
        // Answers after the first do not matter.
        assert_eq!(try_walls(0, 2, interior).unwrap()[0], 1.0);
        for mirror in [-2, 1, 99, isize::MAX] {
            assert!(try_walls(mirror, 0, interior).unwrap_err().to_string().contains("must be at an end"));
        }
        // Cells beyond the wall would be computed and filled.
        let error = try_walls(99, 0, Region::new([50], [100])).unwrap_err();
        assert!(error.to_string().contains("beyond it"), "{error}");
    }
}
