//! The register machine: every instruction computes a run of cells, with vector instructions.
#![allow(
    unsafe_code,
    reason = "rows of cells without bounds checks, and functions compiled for the CPU's vector instructions"
)]
//!
//! Invariant R1: the `len` cells from every address in [`Rows`] on are in a view, those of outputs
//! in views of different cells that are borrowed exclusively and that no input overlaps.

use std::cell::Cell;

use super::code::{Code, Instruction, PlaceRow, Source, Target, Uniform, Work};
use super::operations::{Real, chain_of_3, chain_of_4};
use crate::simd::dispatched;
use crate::storage::{Cells, rows};
use crate::{Places, Region, View, ViewMut};

/// Bytes of registers that a run of cells may need. They stay in the first-level cache beside the
/// rows of the inputs.
const REGISTER_BYTES: usize = 16 << 10;

/// Cells on which an instruction works at once.
const FEWEST_CELLS: usize = 64;
const MOST_CELLS: usize = 512;

/// Registers start on cache lines, and not at equal distances from multiples of 4 KiB.
const LINE_BYTES: usize = 64;

/// The rows that the instructions of one row of cells work on.
pub struct Rows<'r, T> {
    instructions: &'r [Instruction],
    len: usize,
    /// Cells at once.
    cells: usize,
    /// Registers, each `stride` cells after the one before.
    registers: &'r mut [T],
    stride: usize,
    /// Rows of indices and positions, `len` cells each.
    places: &'r [T],
    /// Addresses of the first cells of the loads.
    loads: &'r [*const T],
    outputs: &'r [*mut T],
}

/// What programs need of an element type.
pub trait Interpreted: Sized + 'static {
    /// Runs all instructions.
    #[doc(hidden)]
    fn interpret(rows: Rows<'_, Self>);
    /// Takes this thread's buffer for registers, or puts it back.
    #[doc(hidden)]
    fn swap_buffer(buffer: Vec<Self>) -> Vec<Self>;
    #[doc(hidden)]
    fn from_f64(value: f64) -> Self;
    #[doc(hidden)]
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! interpreted {
    ($($t:ty),*) => {$(
        impl Interpreted for $t {
            // Compiled here, so not again in every crate that runs a program.
            #[inline(never)]
            fn interpret(rows: Rows<'_, Self>) {
                interpret(rows);
            }
            fn swap_buffer(buffer: Vec<Self>) -> Vec<Self> {
                thread_local! {
                    static BUFFER: Cell<Vec<$t>> = const { Cell::new(Vec::new()) };
                }
                BUFFER.replace(buffer)
            }
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}
interpreted!(f32, f64);

dispatched! {
    fn interpret<T: Real>(rows: Rows<'_, T>) {
        let Rows { instructions, len, cells, registers, stride, places, loads, outputs } = rows;
        let mut start = 0;
        while start < len {
            let n = cells.min(len - start);
            for instruction in instructions {
                let (low, target, high, split) = match instruction.target {
                    Target::Output(k) => {
                        // SAFETY: R1; the only reference to these cells, as old values are copied.
                        let target = unsafe { std::slice::from_raw_parts_mut(outputs[k].add(start), n) };
                        (&*registers, target, &[][..], usize::MAX)
                    }
                    Target::Register(r) => {
                        let (low, rest) = registers.split_at_mut(r * stride);
                        let (target, high) = rest.split_at_mut(stride);
                        let target = &mut target[..n];
                        if let Work::Old(k) = instruction.work {
                            // SAFETY: R1; there is no other reference to these cells.
                            target.copy_from_slice(unsafe { std::slice::from_raw_parts(outputs[k].add(start), n) });
                            continue;
                        }
                        (&*low, target, &*high, r)
                    }
                };
                let row = |source: Source| match source {
                    // SAFETY: R1; nothing writes to inputs.
                    Source::Load(load) => unsafe { std::slice::from_raw_parts(loads[load].add(start), n) },
                    Source::Place(place) => &places[place * len + start..][..n],
                    Source::Register(r) if r < split => &low[r * stride..][..n],
                    Source::Register(r) => &high[(r - split - 1) * stride..][..n],
                };
                let [a, b, c, d] = instruction.sources;
                match instruction.work {
                    Work::Apply(operation) => match operation.arguments().len() {
                        1 => operation.of_rows(target, [row(a), &[], &[]]),
                        2 => operation.of_rows(target, [row(a), row(b), &[]]),
                        _ => operation.of_rows(target, [row(a), row(b), row(c)]),
                    },
                    Work::Chain3(links) => chain_of_3(target, [row(a), row(b), row(c)], links),
                    Work::Chain4(links) => chain_of_4(target, [row(a), row(b), row(c), row(d)], links),
                    Work::Copy => target.copy_from_slice(row(a)),
                    Work::Old(_) => unreachable!("old values are copied to registers only"),
                }
            }
            start += n;
        }
    }
}

/// Computes the cells of `region`, row by row. Calls `before_row` before each.
///
/// # Panics
/// When views lack cells that are read or written, or are too few, or places that the program asks
/// for are missing.
pub(super) fn compute<T: Real, const N: usize>(
    code: &Code<T, N>,
    parameters: &[T],
    region: Region<N>,
    outputs: &mut [ViewMut<'_, T, N>],
    inputs: &[View<'_, T, N>],
    places: Option<&Places<'_, N>>,
    before_row: &mut dyn FnMut(),
) {
    if region.is_empty() {
        return;
    }
    let outputs: Vec<Cells<T, N>> =
        outputs.iter_mut().map(|output| output.cells.restricted(region)).collect();
    for &(input, offset) in &code.loads {
        inputs[input].cells.assert_contains(&region.shifted(offset));
    }
    let mut loads = vec![std::ptr::null(); code.loads.len()];
    let mut written = vec![std::ptr::null_mut(); outputs.len()];

    let len = region.shape()[N - 1];
    let cells = cells_at_once::<T>(code.registers, len);
    let line = LINE_BYTES / size_of::<T>();
    let stride = cells + line;
    let needed = code.registers * stride + code.places.len() * len;
    let mut buffer = T::swap_buffer(Vec::new());
    if buffer.len() < needed + line {
        buffer.resize(needed + line, T::zero());
    }
    let aligned = buffer.as_ptr().align_offset(LINE_BYTES).min(line);
    let (registers, place_rows) = buffer[aligned..aligned + needed].split_at_mut(code.registers * stride);
    let uniforms = uniform_values(code, parameters, places);
    for (register, &uniform) in registers.chunks_mut(stride).zip(&code.spread) {
        register.fill(uniforms[uniform]);
    }
    for (index, len) in rows(region) {
        before_row();
        fill_places(&code.places, place_rows, places, index, index == region.start);
        // SAFETY: rows of the region, and these rows shifted by the offsets, are in view by the
        // checks above. Establishes R1: the views are borrowed as it says.
        unsafe {
            for (load, &(input, offset)) in loads.iter_mut().zip(&code.loads) {
                let neighbor = std::array::from_fn(|a| index[a] + offset[a]);
                *load = inputs[input].cells.at(neighbor).cast_const();
            }
            written.iter_mut().zip(&outputs).for_each(|(first, output)| *first = output.at(index));
        }
        let instructions = &code.instructions;
        let (loads, outputs, places) = (&loads, &written, &*place_rows);
        T::interpret(Rows { instructions, len, cells, registers, stride, places, loads, outputs });
    }
    T::swap_buffer(buffer);
}

/// Cells on which instructions work at once: equal parts of a row, and registers that stay in the
/// cache.
fn cells_at_once<T>(registers: usize, len: usize) -> usize {
    let line = LINE_BYTES / size_of::<T>();
    let most = (REGISTER_BYTES / (size_of::<T>() * registers.max(1))).clamp(FEWEST_CELLS, MOST_CELLS);
    let parts = len.div_ceil(most).max(1);
    len.div_ceil(parts).next_multiple_of(line)
}

fn uniform_values<T: Real, const N: usize>(
    code: &Code<T, N>,
    parameters: &[T],
    places: Option<&Places<'_, N>>,
) -> Vec<T> {
    let (time, step) = places.map_or((0.0, 0), Places::clock);
    let mut values: Vec<T> = Vec::with_capacity(code.uniforms.len());
    for uniform in &code.uniforms {
        values.push(match *uniform {
            Uniform::Constant(value) => value,
            Uniform::Parameter(number) => parameters[number],
            Uniform::Time => T::from_f64(time),
            Uniform::Step => T::from_f64(step as f64),
            Uniform::Apply(operation, arguments) => {
                let unused = operation.arguments().len();
                operation
                    .of(std::array::from_fn(|a| if a < unused { values[arguments[a]] } else { T::zero() }))
            }
        });
    }
    values
}

/// Fills the rows of indices and positions. Those along the rows are the same for all of them.
fn fill_places<T: Real, const N: usize>(
    kinds: &[PlaceRow],
    rows: &mut [T],
    places: Option<&Places<'_, N>>,
    index: [isize; N],
    first_row: bool,
) {
    let len = rows.len() / kinds.len().max(1);
    for (row, kind) in rows.chunks_exact_mut(len.max(1)).zip(kinds) {
        let places = places.expect("the places that a program asks for are there");
        let (PlaceRow::Index(axis) | PlaceRow::Position(axis)) = *kind;
        let value = |i: usize| match kind {
            PlaceRow::Index(_) => places.indices_from(axis, index[axis])[i] as f64,
            PlaceRow::Position(_) => places.positions_from(axis, index[axis])[i],
        };
        if axis + 1 < N {
            row.fill(T::from_f64(value(0)));
        } else if first_row {
            row.iter_mut().enumerate().for_each(|(i, cell)| *cell = T::from_f64(value(i)));
        }
    }
}
