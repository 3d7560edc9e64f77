//! The halo beyond walls, filled piece by piece from the cells inside them.
#![allow(unsafe_code, reason = "threads write disjoint cells; see the invariants of cells.rs")]

use super::pass::slabs;
use super::walls::Walls;
use crate::storage::{Cells, rows};
use crate::{Element, KernelError, Pool, Region, View, ViewMut};

/// The halo cells beyond the walls of a block.
#[derive(Debug)]
pub(super) struct WallHalo<W, const N: usize> {
    walls: W,
    /// Asked of the walls once, so that the mirrors in use are the checked ones.
    mirrors: [[Option<isize>; 2]; N],
    /// As the mirrors.
    reach: [[usize; 2]; N],
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
        let mirrors: [[Option<isize>; 2]; N] =
            std::array::from_fn(|axis| [false, true].map(|high| walls.mirror(axis, high)));
        let reach =
            |axis: usize, high: bool| mirrors[axis][usize::from(high)].map_or(0, |_| walls.reach(axis, high));
        let reach = std::array::from_fn(|axis| [false, true].map(|high| reach(axis, high)));
        Self { walls, mirrors, reach, interior, depth }
    }

    /// For each axis, the number of outermost cells that the halo beyond its walls depends on.
    fn reach(&self) -> [usize; N] {
        self.reach.map(|[low, high]| low.max(high))
    }

    /// Checks that a pass that keeps this many cells at walls together can fill the halo beyond
    /// them.
    ///
    /// # Errors
    /// When a wall reads more cells.
    pub(super) fn check_reach(&self, kept: [usize; N]) -> Result<(), KernelError> {
        let reach = self.reach();
        let Some(axis) = (0..N).find(|&axis| kept[axis] < reach[axis]) else { return Ok(()) };
        Err(KernelError::new(format!(
            "a wall on axis {axis} reads {} cells inside it, but the pass keeps {} together; make the pass with_reach \
             {reach:?}",
            reach[axis], kept[axis]
        )))
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
            let (halo, reach) = (self.region(axis, high), self.reach[axis][usize::from(high)]);
            if reach > self.interior.shape()[axis] {
                return Err(KernelError::new(format!(
                    "a wall on axis {axis} reads {reach} cells inside it, more than there are in {:?}; use larger blocks",
                    self.interior
                )));
            }
            let images = if reach > 0 { self.outermost(axis, high) } else { mirrored(&halo, axis, mirror) };
            let inside = |part: &Region<N>| {
                part.is_empty() || cells.start[axis] <= part.start[axis] && part.end[axis] <= cells.end[axis]
            };
            // Beyond a side without a wall, images are computed or received like other cells.
            let [low_wall, high_wall] = self.mirrors[axis].map(|mirror| mirror.is_some());
            let inside_walls =
                !(low_wall && images.start[axis] < start || high_wall && images.end[axis] > end);
            if !inside(&halo) || !inside(&images) || !inside_walls && !halo.is_empty() {
                return Err(KernelError::new(format!(
                    "the halo {halo:?} beyond a wall on axis {axis} is made from {images:?}; both must be in the array \
                     {cells:?}, the latter inside the walls {:?}; use larger blocks or a thinner halo",
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

    /// The cells that the halo beyond a wall with a reach depends on.
    fn outermost(&self, axis: usize, high: bool) -> Region<N> {
        let reach = self.reach[axis][usize::from(high)] as isize;
        let (start, end) = (self.interior.start[axis], self.interior.end[axis]);
        let (start, end) = if high { (end - reach, end) } else { (start, start + reach) };
        self.interior.with_axis(axis, start, end)
    }

    /// The halo cells beyond one wall that are filled once `piece` is written: those whose images
    /// lie in it or, as pieces follow each other in ascending order, whose line has its last cell
    /// in it.
    fn filled_after(&self, piece: &Region<N>, axis: usize, high: bool, mirror: isize) -> Region<N> {
        let halo = self.region(axis, high);
        if self.reach[axis][usize::from(high)] > 0 {
            let last = self.outermost(axis, high).end[axis] - 1;
            let complete = piece.start[axis] <= last && last < piece.end[axis];
            let end = if complete { halo.end[axis] } else { halo.start[axis] };
            return piece.with_axis(axis, halo.start[axis], end);
        }
        let image = mirrored(piece, axis, mirror);
        piece.with_axis(axis, halo.start[axis].max(image.start[axis]), halo.end[axis].min(image.end[axis]))
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

    /// Fills the halo cells [after](Self::filled_after) `piece`, and then those after such halo
    /// cells, on the axes from `from` on.
    ///
    /// # Safety
    /// The halo passed `check` with all cells in view, `piece` is in view, and no other thread
    /// touches these halo cells, or writes to `piece` or to the cells inside walls that these halo
    /// cells depend on.
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
                let target = self.filled_after(&piece, axis, high, mirror);
                if target.is_empty() {
                    continue;
                }
                // SAFETY: target and images, or outermost cells, are in view by `check`, and
                // disjoint because the latter are inside the walls; the contract.
                unsafe {
                    if self.reach[axis][usize::from(high)] > 0 {
                        self.extend_box(cells, level, axis, high, target);
                    } else {
                        self.fill_box(cells, level, axis, high, mirror, target);
                    }
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

    /// # Safety
    /// `target` and the outermost cells on its lines are in view, and no other thread touches the
    /// target or writes to these cells.
    unsafe fn extend_box<T: Element>(
        &self,
        cells: &Cells<T, N>,
        level: usize,
        axis: usize,
        high: bool,
        target: Region<N>,
    ) where
        W: Walls<T, N>,
    {
        let outermost = self.outermost(axis, high);
        let lines = target.with_axis(axis, outermost.start[axis], outermost.end[axis]);
        // SAFETY: the contract. The lines have no cell of the target (V3).
        let inside: View<'_, T, N> = unsafe { View::of(cells, lines) };
        for (first, len) in rows(target) {
            // SAFETY: the contract.
            let row = unsafe { std::slice::from_raw_parts_mut(cells.at(first), len) };
            self.walls.extend(axis, high, level, first, inside, row);
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
/// `interior` has the cells between the walls. `known` has the cells that the halo is made from: the
/// interior and the halo on other sides, or a part of these. It has all or none of the outermost
/// cells that a wall reads.
///
/// # Errors
/// When cells are not in view, images or the cells that a wall reads are not in the interior, or
/// walls are not at its ends.
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
        // Cells at a wall that its halo depends on stay in one part.
        let cuts = slabs(known.shape(), halo.reach().map(|reach| reach.max(1)), threads);
        for block in Region::from_shape(cuts).indices().skip(thread).step_by(threads) {
            let cut = |a: usize, c: isize| known.start[a] + c * known.shape()[a] as isize / cuts[a] as isize;
            let part = Region::new(
                std::array::from_fn(|a| cut(a, block[a])),
                std::array::from_fn(|a| cut(a, block[a] + 1)),
            );
            // SAFETY: the halo passed its check; every thread fills the cells that depend on its
            // own part, or on halo cells that it has filled.
            unsafe { halo.fill(&cells, 0, part, 0) };
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests;
