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

/// A wall at the low end whose halo is the sum of the outermost three cells.
struct Summing;

impl Walls<f64, 1> for Summing {
    fn mirror(&self, _: usize, high: bool) -> Option<isize> {
        (!high).then_some(-1)
    }
    fn reach(&self, _: usize, _: bool) -> usize {
        3
    }
    fn gives_values(&self, _: usize, _: bool) -> bool {
        false
    }
    fn set(&self, _: usize, _: bool, _: [isize; 1], _: &mut [f64]) {}
    fn fill(&self, _: usize, _: bool, _: usize, _: [isize; 1], _: &mut [f64]) {}
    fn extend(
        &self,
        _: usize,
        _: bool,
        _: usize,
        _: [isize; 1],
        inside: View<'_, f64, 1>,
        cells: &mut [f64],
    ) {
        cells.fill(inside.row([0], 3).iter().sum());
    }
}

#[test]
fn a_wall_reads_cells_that_pieces_separate() {
    let mean = star_stencil::<f64, 1, 1>(|u| 0.5 * (u.at::<-1>() + u.at::<1>()));
    let advanced = |levels, tile, reach, interior: Region<1>| {
        let mut arrays = [vec![1.0; 42], vec![0.0; 42]];
        arrays[0].iter_mut().enumerate().for_each(|(i, cell)| *cell = (i * i) as f64);
        let whole = interior.grown([[1, 1]]);
        let pass = Pass::new(interior, [[false, true]], 1, Blocking { levels, tile: [tile] });
        let pass = pass.with_reach([reach]);
        let (even, odd) = arrays.split_at_mut(1);
        let arrays =
            [&mut even[0], &mut odd[0]].map(|cells| ViewMut::from_slice(&mut cells[..whole.len()], whole));
        advance(&Pool::new(2).unwrap(), &pass, &mean, arrays, &Summing, interior, || ())?;
        Ok::<_, KernelError>(if levels % 2 == 0 { even[0].clone() } else { odd[0].clone() })
    };
    let interior = Region::from_shape([40]);
    let mut by_hand: Vec<f64> = (0..42).map(|i| (i * i) as f64).collect();
    for level in 1..=4 {
        let old = by_hand.clone();
        (1..=41 - level).for_each(|i| by_hand[i] = 0.5 * (old[i - 1] + old[i + 1]));
        by_hand[0] = by_hand[1..4].iter().sum();
    }
    for tile in [1, 2, 3, 16, usize::MAX] {
        assert_eq!(advanced(4, tile, 3, interior).unwrap()[1..=37], by_hand[1..=37], "tiles of {tile}");
    }
    let error = advanced(2, 4, 2, interior).unwrap_err();
    assert!(error.to_string().contains("make the pass with_reach [3]"), "{error}");
    let error = advanced(2, 4, 3, Region::from_shape([2])).unwrap_err();
    assert!(error.to_string().contains("reads 3 cells inside it, more than there are"), "{error}");
    // One level needs no halo beyond the wall.
    assert!(advanced(1, 4, 0, interior).is_ok());
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
