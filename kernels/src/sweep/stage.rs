//! One stage of a time step: a right-hand side, and the linear combination that it becomes part of.
#![allow(unsafe_code, reason = "threads write disjoint rows; see the invariants of cells.rs")]

use num_complex::Complex;

use crate::pool::SMALL_WORK;
use crate::simd::dispatched;
use crate::storage::{Cells, rows};
use crate::unrolled::unrolled;
use crate::{Element, Inputs, KernelError, PointOf, Points, Pool, Region, View, ViewMut};

/// An element that can be multiplied by a number: `f32`, `f64` and their complex numbers.
pub trait Linear: Element {
    /// `self · factor`.
    fn scaled(self, factor: f64) -> Self;
}

macro_rules! linear {
    ($($t:ident),*) => {$(
        impl Linear for $t {
            #[inline(always)]
            fn scaled(self, factor: f64) -> Self {
                self * factor as $t
            }
        }
        impl Linear for Complex<$t> {
            #[inline(always)]
            fn scaled(self, factor: f64) -> Self {
                self * factor as $t
            }
        }
    )*};
}
linear!(f32, f64);

/// The coefficients of one stage, which turns a state `y` with the right-hand side `L(y)` into
///
/// ```text
/// register ← keep · register + gain · L
/// output   ← start · start + now · y + rate · L + add · register
/// ```
///
/// Arrays whose coefficient is 0 are not read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the formulas name the fields")]
pub struct Stage {
    pub keep: f64,
    pub gain: f64,
    pub start: f64,
    pub now: f64,
    pub rate: f64,
    pub add: f64,
}

/// The arrays of a [`Stage`], for `K` equations.
#[derive(Debug)]
pub struct StageArrays<'a, T, const N: usize, const K: usize> {
    /// The arrays that the stage writes.
    pub output: [ViewMut<'a, T, N>; K],
    /// The state at the start of the step; `None` if it is in the output.
    pub start: Option<[View<'a, T, N>; K]>,
    /// The state `y` of the stage.
    pub now: [View<'a, T, N>; K],
    /// A sum of earlier right-hand sides.
    pub register: Option<[ViewMut<'a, T, N>; K]>,
}

/// Cells of a row that are computed at a time, so that they stay in the L1 cache.
pub(super) const CHUNK: usize = 128;

/// Values of `K` equations in a piece of a row.
#[derive(Clone, Debug)]
pub(super) struct Chunk<T, const K: usize>(pub(super) [[T; CHUNK]; K]);

/// A [`Chunk`] of any number of equations.
pub(super) trait Slots {
    type Value;
    fn set(&mut self, i: usize, value: Self::Value);
}

impl<T: Copy, const K: usize> Slots for Chunk<T, K> {
    type Value = [T; K];

    #[inline(always)]
    fn set(&mut self, i: usize, value: [T; K]) {
        unrolled!(k in 0..K <= 32, { self.0[k][i] = value[k]; });
    }
}

impl<T: Element, const K: usize> Chunk<T, K> {
    pub(super) fn zeros(number: usize) -> Vec<Self> {
        vec![Self([[T::zero(); CHUNK]; K]); number]
    }

    /// Writes `value(i)` to the first `len` places.
    #[inline(always)]
    pub(super) fn evaluate(&mut self, len: usize, value: impl Fn(usize) -> [T; K]) {
        dispatched! {
            fn evaluate<C: Slots, F: Fn(usize) -> C::Value>(chunk: &mut C, len: usize, value: F) {
                for i in 0..len.min(CHUNK) {
                    chunk.set(i, value(i));
                }
            }
        }
        evaluate(self, len, value);
    }
}

/// `sum ← own · sum + factor · terms`, without reading the sum where `own` is 0.
pub(super) fn combine<T: Linear>(sum: &mut [T], own: f64, terms: &[T], factor: f64) {
    dispatched! {
        fn combine<T: Linear>(sum: &mut [T], own: f64, terms: &[T], factor: f64) {
            if own == 0.0 {
                sum.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = term.scaled(factor));
            } else {
                sum.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = sum.scaled(own) + term.scaled(factor));
            }
        }
    }
    combine(sum, own, terms, factor);
}

/// Computes right-hand sides, piece by piece of the rows of a part of the cells.
pub(super) trait RightHandSide<T, const N: usize, const K: usize>: Sync {
    /// What one thread keeps from piece to piece.
    type Kept;

    fn keep(&self, part: Region<N>) -> Self::Kept;

    /// Writes the right-hand side of `len` cells from `first` on. Pieces are asked for in the order
    /// of memory, [`CHUNK`] cells each except for the last of a row.
    ///
    /// # Safety
    /// The cells lie in a region that passed the check of the inputs.
    unsafe fn evaluate(&self, kept: &mut Self::Kept, first: [isize; N], len: usize, rates: &mut Chunk<T, K>);
}

struct Rule<'a, I, F> {
    inputs: &'a I,
    rule: F,
}

impl<T, I, F, const N: usize, const K: usize> RightHandSide<T, N, K> for Rule<'_, I, F>
where
    T: Element,
    I: Inputs<N>,
    F: for<'p> Fn(PointOf<'p, I, N>) -> [T; K] + Sync,
{
    type Kept = ();

    fn keep(&self, _: Region<N>) {}

    unsafe fn evaluate(&self, (): &mut (), first: [isize; N], len: usize, rates: &mut Chunk<T, K>) {
        // SAFETY: the contract.
        unsafe {
            let first = self.inputs.first(first);
            rates.evaluate(
                len,
                #[inline(always)]
                |i| (self.rule)(I::Points::advanced(&first, i)),
            );
        }
    }
}

/// Computes one stage of a time step in the cells of `region`, with the right-hand side
/// `rule(neighborhood in the inputs)`. The calling thread runs `between_rows` from time to time.
///
/// ```
/// use parhelion_kernels::{Point, Pool, Region, Stage, StageArrays, View, ViewMut, stage};
///
/// // One step of 0.1 of du/dt = −u by Euler's method.
/// let (u, mut next) = ([1.0, 2.0, 3.0], [0.0; 3]);
/// let cells = Region::from_shape([3]);
/// let now = View::from_slice(&u, cells);
/// let arrays = StageArrays { output: [ViewMut::from_slice(&mut next, cells)], start: None, now: [now], register: None };
/// let euler = Stage { now: 1.0, rate: 0.1, ..Stage::default() };
/// stage(&Pool::new(2)?, cells, euler, arrays, now.reach::<0>(), |u: Point<'_, f64, 1, 0>| [-u.center()], || ())?;
/// assert_eq!(next, [0.9, 1.8, 3.0 - 0.1 * 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When arrays lack cells of `region`, or the inputs lack cells within the rule's radius of it.
pub fn stage<T: Linear, I: Inputs<N>, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    stage: Stage,
    arrays: StageArrays<'_, T, N, K>,
    inputs: I,
    rule: impl for<'p> Fn(PointOf<'p, I, N>) -> [T; K] + Sync,
    between_rows: impl FnMut(),
) -> Result<(), KernelError> {
    inputs.check(&region)?;
    // SAFETY: the inputs passed their check.
    unsafe { run(pool, region, stage, arrays, &Rule { inputs: &inputs, rule }, between_rows) }
}

/// The arrays of a stage, shared by threads.
struct Shared<T, const N: usize, const K: usize> {
    output: [Cells<T, N>; K],
    start: [Cells<T, N>; K],
    now: [Cells<T, N>; K],
    register: Option<[Cells<T, N>; K]>,
}

/// Makes a stage with any right-hand side.
///
/// # Safety
/// The inputs of the right-hand side passed their check with `region`.
pub(super) unsafe fn run<T: Linear, L: RightHandSide<T, N, K>, const N: usize, const K: usize>(
    pool: &Pool,
    region: Region<N>,
    stage: Stage,
    arrays: StageArrays<'_, T, N, K>,
    right: &L,
    mut between_rows: impl FnMut(),
) -> Result<(), KernelError> {
    let StageArrays { output, start, now, register } = arrays;
    let read = now.iter().filter(|_| stage.now != 0.0).chain(start.iter().flatten());
    let written = output.iter().chain(register.iter().flatten());
    let mut in_view = read.map(View::region).chain(written.map(ViewMut::region));
    if let Some(seen) = in_view.find(|seen| !seen.contains_region(&region)) {
        return Err(KernelError::new(format!(
            "the cells {region:?} of a stage are not all in its arrays, one of which has {seen:?}; use a smaller region"
        )));
    }
    let output = output.map(|view| view.cells);
    let shared = Shared {
        output,
        start: start.map_or(output, |start| start.map(|view| view.cells)),
        now: now.map(|view| view.cells),
        register: register.map(|register| register.map(|view| view.cells)),
    };
    let work = |part: Region<N>, between_rows: &mut dyn FnMut()| {
        let mut kept = right.keep(part);
        let mut rates = Chunk::zeros(1);
        for (mut first, mut left) in rows(part) {
            between_rows();
            while left > 0 {
                let len = left.min(CHUNK);
                // SAFETY: the part passed the checks of arrays and inputs (V1); parts are disjoint
                // (V3).
                unsafe {
                    right.evaluate(&mut kept, first, len, &mut rates[0]);
                    shared.finish(stage, first, len, &mut rates[0]);
                }
                first[N - 1] += len as isize;
                left -= len;
            }
        }
    };
    if region.len().saturating_mul(K * size_of::<T>()) < SMALL_WORK {
        work(region, &mut between_rows);
    } else {
        let part = |thread: usize| region.part(thread, pool.threads());
        pool.run_with_caller(&|thread| work(part(thread), &mut || ()), &mut || {
            work(part(0), &mut between_rows)
        });
    }
    Ok(())
}

impl<T: Linear, const N: usize, const K: usize> Shared<T, N, K> {
    /// Turns the right-hand side of `len` cells from `first` on into the stage's output.
    ///
    /// # Safety
    /// The cells are in all arrays, and no other thread touches them.
    unsafe fn finish(&self, stage: Stage, first: [isize; N], len: usize, rates: &mut Chunk<T, K>) {
        for k in 0..K {
            let rates = &mut rates.0[k][..len];
            // SAFETY: V1, V2 by the contract; this borrow ends before a row is borrowed to be written.
            let row = |cells: &Cells<T, N>| unsafe {
                std::slice::from_raw_parts(cells.at(first).cast_const(), len)
            };
            // SAFETY: V1, V2, V3 by the contract; output and register are exclusive borrows of
            // different arrays, and no other borrow of the row is alive.
            let row_mut =
                |cells: &Cells<T, N>| unsafe { std::slice::from_raw_parts_mut(cells.at(first), len) };
            if let Some(register) = &self.register {
                combine(row_mut(&register[k]), stage.keep, rates, stage.gain);
            }
            // A rate of 1 changes no bits.
            rates.iter_mut().for_each(|rate| *rate = rate.scaled(stage.rate));
            if let Some(register) = self.register.as_ref().filter(|_| stage.add != 0.0) {
                combine(rates, 1.0, row(&register[k]), stage.add);
            }
            if stage.now != 0.0 {
                combine(rates, 1.0, row(&self.now[k]), stage.now);
            }
            if stage.start != 0.0 {
                combine(rates, 1.0, row(&self.start[k]), stage.start);
            }
            row_mut(&self.output[k]).copy_from_slice(rates);
        }
    }
}
