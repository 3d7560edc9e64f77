//! Points at which values are added and recorded at every step of a pass.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Element, Region, View, ViewMut};

/// Cells of an array to which values are added, and cells whose values are recorded, at every step
/// of a pass, without ending it. A step is one level, or two of [`alternate`](super::alternate()).
///
/// Values are added when the rule has computed the cell, and recorded after that and after points on
/// walls were set. Sums from several cells are left to the caller, so that they do not depend on the
/// order in which a pass computes them.
#[derive(Debug)]
pub struct Visits<T, const N: usize> {
    /// For each step from 1 on, the cells to which a value is added, in ascending order.
    added: Vec<Vec<([isize; N], T)>>,
    /// The cells to be recorded, in ascending order.
    recorded: Vec<[isize; N]>,
    /// Their values step by step, as bits.
    values: Vec<[AtomicU64; 2]>,
}

impl<T: Element, const N: usize> Visits<T, N> {
    /// Visits for a pass of `added.len()` steps. Values for the same cell are added in their order.
    /// Recorded cells must be computed at every step.
    pub fn new(mut added: Vec<Vec<([isize; N], T)>>, mut recorded: Vec<[isize; N]>) -> Self {
        added.iter_mut().for_each(|added| added.sort_by_key(|(cell, _)| *cell));
        recorded.sort_unstable();
        recorded.dedup();
        let number = added.len() * recorded.len();
        let values = (0..number).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect();
        Self { added, recorded, values }
    }

    /// Number of steps.
    pub(super) fn steps(&self) -> usize {
        self.added.len()
    }

    /// Adds the values of `step` to the cells of `piece`.
    pub(super) fn add(&self, step: usize, mut piece: ViewMut<'_, T, N>) {
        let (cells, region) = (&self.added[step - 1], piece.region());
        for &(cell, value) in &cells[planes(cells, |(cell, _)| cell[0], &region)] {
            if region.contains(cell) {
                let old = piece.as_view().get(cell);
                piece.set(cell, old + value);
            }
        }
    }

    /// Records the cells of `piece` at `step`.
    pub(super) fn record(&self, step: usize, piece: View<'_, T, N>) {
        let region = piece.region();
        for number in planes(&self.recorded, |cell| cell[0], &region) {
            let cell = self.recorded[number];
            if region.contains(cell) {
                let slot = &self.values[(step - 1) * self.recorded.len() + number];
                let mut bits = [0; 2];
                bytemuck::cast_slice_mut(&mut bits)[..size_of::<T>()]
                    .copy_from_slice(bytemuck::bytes_of(&piece.get(cell)));
                slot.iter().zip(bits).for_each(|(slot, bits)| slot.store(bits, Ordering::Relaxed));
            }
        }
    }

    /// The value of a recorded cell at a step, from 1 on; `None` for other cells and steps.
    pub fn value(&self, step: usize, cell: [isize; N]) -> Option<T> {
        let number = self.recorded.binary_search(&cell).ok()?;
        let slot = self.values.get(step.checked_sub(1)? * self.recorded.len() + number)?;
        let bits = slot.each_ref().map(|slot| slot.load(Ordering::Relaxed));
        Some(bytemuck::pod_read_unaligned(&bytemuck::cast_slice(&bits)[..size_of::<T>()]))
    }
}

/// The part of `sorted` whose cells lie in the planes of axis 0 that `region` has.
fn planes<E, const N: usize>(
    sorted: &[E],
    plane: impl Fn(&E) -> isize,
    region: &Region<N>,
) -> std::ops::Range<usize> {
    let from = |end: isize| sorted.partition_point(|entry| plane(entry) < end);
    from(region.start[0])..from(region.end[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blocking, NoWalls, Pass, Pool, State, evolve};

    #[test]
    fn what_a_pass_cannot_do_is_refused() {
        let try_pass = |visited: usize, interior: isize, reach: usize| {
            let (whole, cells) = (Region::new([-1], [14]), Region::from_shape([10]));
            let (mut a, mut b) = (vec![0.0; 15], vec![0.0; 15]);
            let visits = Visits::new(vec![Vec::new(); visited], vec![[3]]);
            let walls = Mirror { mirror: 2 * interior - 1, reach };
            let pass = Pass::new(cells, [[false; 2]], 1, Blocking { levels: 2, tile: [5] }).with_reach([2]);
            let arrays = [ViewMut::from_slice(&mut a, whole), ViewMut::from_slice(&mut b, whole)];
            let interior = Region::from_shape([interior as usize]);
            let state = State::<_, _, 1, 1, true> { arrays, walls, interior, visits: Some(&visits) };
            let rule = |_: f64, u: crate::StarPoint<'_, f64, 1, 1>, ()| u.center();
            evolve(&Pool::new(1).unwrap(), &pass, state, (), rule, || ())
        };
        assert!(try_pass(2, 10, 2).is_ok() && try_pass(2, 9, 1).is_ok());
        for (visited, interior, reach, why) in [
            (1, 10, 2, "ends with step 2, but values are added and recorded at 1 steps"),
            (2, 8, 0, "goes 2 cells beyond a wall at the end of 8 cells"),
            (2, 9, 2, "reads 2 cells inside it, but the pass keeps 1 together"),
        ] {
            let error = try_pass(visited, interior, reach).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    /// A high wall that reads `reach` cells.
    struct Mirror {
        mirror: isize,
        reach: usize,
    }

    impl crate::Walls<f64, 1> for Mirror {
        fn mirror(&self, _: usize, high: bool) -> Option<isize> {
            high.then_some(self.mirror)
        }
        fn gives_values(&self, _: usize, _: bool) -> bool {
            false
        }
        fn set(&self, _: usize, _: bool, _: [isize; 1], _: &mut [f64]) {}
        fn fill(&self, _: usize, _: bool, _: usize, _: [isize; 1], _: &mut [f64]) {}
        fn reach(&self, _: usize, high: bool) -> usize {
            if high { self.reach } else { 0 }
        }
    }

    /// Adding 1 to some cells at some levels of a rule that halves, beside plain steps.
    #[test]
    fn passes_add_and_record_as_plain_steps_do() {
        let (whole, radius) = (Region::new([-1, -1], [13, 18]), 1);
        let interior = Region::from_shape([12, 17]);
        let start: Vec<f64> = (0..whole.len()).map(|i| (i as f64).cos()).collect();
        let added: Vec<Vec<([isize; 2], f64)>> = (0..5)
            .map(|level| vec![([3, 4], 1.0 + level as f64), ([11, 16 - level], 2.0), ([3, 4], 0.1)])
            .collect();
        let recorded = vec![[3, 4], [0, 0], [3, 5], [11, 16]];
        let run = |threads: usize, levels: &[usize], tile: [usize; 2]| {
            let (mut a, mut b) = (start.clone(), start.clone());
            let mut heard = Vec::new();
            let mut done = 0;
            for &levels in levels {
                let visits = Visits::new(added[done..done + levels].to_vec(), recorded.clone());
                let pass = Pass::new(interior, [[false; 2]; 2], radius, Blocking { levels, tile });
                let arrays = [ViewMut::from_slice(&mut a, whole), ViewMut::from_slice(&mut b, whole)];
                let state =
                    State::<_, _, 2, 1, true> { arrays, walls: NoWalls, interior, visits: Some(&visits) };
                let rule = |_: f64, u: crate::StarPoint<'_, f64, 2, 1>, ()| {
                    0.5 * u.center() + 0.25 * u.at::<-1, 0>() - 0.125 * u.at::<0, 1>()
                };
                evolve(&Pool::new(threads).unwrap(), &pass, state, (), rule, || ()).unwrap();
                for level in 1..=levels {
                    heard.push(
                        recorded.iter().map(|&cell| visits.value(level, cell).unwrap()).collect::<Vec<_>>(),
                    );
                }
                assert_eq!(visits.value(1, [5, 5]), None);
                if levels % 2 == 1 {
                    std::mem::swap(&mut a, &mut b);
                }
                done += levels;
            }
            let view = View::from_slice(&a, whole);
            (interior.indices().map(|cell| view.get(cell)).collect::<Vec<_>>(), heard)
        };
        let plain = run(1, &[1; 5], [usize::MAX; 2]);
        assert_eq!(plain.0[interior.len() - 1], plain.1[4][3]);
        assert!(plain.1[0][0] > 1.0);
        for (threads, levels, tile) in
            [(1, &[5][..], [1, usize::MAX]), (3, &[2, 3], [2, 4]), (2, &[4, 1], [3, 16])]
        {
            assert!(
                run(threads, levels, tile) == plain,
                "{threads} threads, {levels:?} levels, tiles {tile:?}"
            );
        }
    }
}
