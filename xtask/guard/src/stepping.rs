//! Rules that advance fields of a grid, and the frame of their loops by hand.

use std::cell::RefCell;
use std::rc::Rc;

use num_traits::Float;
use parhelion::Result;
use parhelion::kernels::Element;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;

use crate::case::Case;

/// Steps of one call.
pub const STEPS: usize = 4;

/// Places of cells in an array without padding, with its halo.
#[derive(Clone, Copy)]
pub struct Places<const N: usize> {
    halo: usize,
    /// Cells with halo.
    padded: [usize; N],
}

impl<const N: usize> Places<N> {
    fn new(shape: [usize; N], halo: usize) -> Self {
        Self { halo, padded: shape.map(|n| n + 2 * halo) }
    }

    fn of(&self, index: [isize; N]) -> usize {
        (0..N).fold(0, |place, a| place * self.padded[a] + index[a].strict_add(self.halo as isize) as usize)
    }

    /// Distance of a neighbor along `axis`.
    pub fn stride(&self, axis: usize) -> usize {
        self.padded[axis + 1..].iter().product()
    }
}

/// A row of cells: where it begins in every array, and how long it is.
#[derive(Clone, Copy)]
pub struct Row {
    pub at: usize,
    pub len: usize,
}

impl Row {
    /// The cells `distance` farther on.
    pub fn of<'u, T>(&self, array: &'u [T], distance: isize) -> &'u [T] {
        &array[self.at.strict_add_signed(distance)..][..self.len]
    }

    pub fn of_mut<'u, T>(&self, array: &'u mut [T]) -> &'u mut [T] {
        &mut array[self.at..][..self.len]
    }
}

/// The case of a rule that advances `K` arrays by [`STEPS`] steps a call. `row(places, row, now,
/// next)` is one row by hand; `next` holds the values one step before `now`.
pub fn steps<T: Element + Float, const N: usize, const K: usize>(
    world: &World,
    shape: [usize; N],
    radius: usize,
    initial: impl Fn(usize, [isize; N]) -> f64 + Sync,
    ours: impl FnMut(&Grid<N>, &mut [Field<T, N>; K], &mut [Field<T, N>; K]) -> Result<()> + 'static,
    row: impl Fn(Places<N>, Row, &[Vec<T>; K], &mut [Vec<T>; K]) + 'static,
) -> Result<Case> {
    whole_steps(world, shape, radius, initial, ours, move |places, rows, now, next| {
        rows.iter().for_each(|&cells| row(places, cells, now, next));
        std::mem::swap(now, next);
    })
}

/// As [`steps`]; `step(places, rows, now, next)` is one step by hand.
pub fn whole_steps<T: Element + Float, const N: usize, const K: usize>(
    world: &World,
    shape: [usize; N],
    radius: usize,
    initial: impl Fn(usize, [isize; N]) -> f64 + Sync,
    mut ours: impl FnMut(&Grid<N>, &mut [Field<T, N>; K], &mut [Field<T, N>; K]) -> Result<()> + 'static,
    step: impl Fn(Places<N>, &[Row], &mut [Vec<T>; K], &mut [Vec<T>; K]) + 'static,
) -> Result<Case> {
    let grid = Grid::builder(shape).halo(radius).build(world)?;
    let places = Places::new(shape, radius);
    let cells = Region::from_shape(shape);
    let rows: Vec<Row> = cells.rows().map(|(first, len)| Row { at: places.of(first), len }).collect();
    let value = |k: usize, index: [isize; N]| T::from(initial(k, index)).expect("a number");
    let field = |k: usize| {
        let mut field = grid.field::<T>(&format!("u{k}"));
        field.fill_indexed(|index| value(k, index.map(|i| i as isize)));
        field.set_blocking(Some(Blocking::PLAIN));
        field
    };
    let (now, before) = (std::array::from_fn(field), std::array::from_fn(field));
    let flat = |k: usize| {
        let mut flat = Vec::new();
        flat.extend(cells.grown([[radius; 2]; N]).indices().map(|index| value(k, index)));
        flat
    };
    let now_flat: [Vec<T>; K] = std::array::from_fn(flat);
    let state = Rc::new(RefCell::new((now, before)));
    let by_hand = Rc::new(RefCell::new((now_flat.clone(), now_flat)));
    let (mine, theirs) = (state.clone(), by_hand.clone());
    Ok(Case {
        cells: cells.len() * STEPS,
        ours: Box::new(move || {
            let (now, before) = &mut *mine.borrow_mut();
            ours(&grid, now, before)
        }),
        by_hand: Box::new(move || {
            let (now, next) = &mut *theirs.borrow_mut();
            (0..STEPS).for_each(|_| step(places, &rows, now, next));
        }),
        difference: Box::new(move || {
            // The loop by hand does nothing about walls.
            let inner = cells.shrunk([[STEPS * radius; 2]; N]);
            assert!(!inner.is_empty(), "the block is too thin to compare");
            let (fields, flat) = (state.borrow(), by_hand.borrow());
            let (mut largest, mut difference) = (0.0_f64, 0.0_f64);
            for (field, flat) in fields.0.iter().zip(&flat.0) {
                for index in inner.indices() {
                    let by_hand = flat[places.of(index)].to_f64().expect("a number");
                    let ours = field.view().get(index).to_f64().expect("a number");
                    largest = largest.max(by_hand.abs());
                    difference = difference.max((ours - by_hand).abs());
                }
            }
            difference / largest
        }),
        tolerance: 1e3 * T::epsilon().to_f64().expect("a number"),
    })
}
