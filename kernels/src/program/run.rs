//! The register machine: every instruction computes a run of cells, with vector instructions.
#![allow(unsafe_code, reason = "calls functions compiled for the CPU's vector instructions")]

use std::cell::Cell;

use super::code::{Code, Instruction, Row, Source, Target, Uniform, Work};
use super::operations::{Real, chain_of_3, chain_of_4};
use super::place::Place;
use crate::simd::dispatched;
use crate::storage::rows;
use crate::{Region, View, ViewMut};

/// Bytes of registers that a run of cells may need. They stay in the first-level cache beside the
/// rows of the inputs.
const REGISTER_BYTES: usize = 16 << 10;

/// Cells on which an instruction works at once.
const FEWEST_CELLS: usize = 64;
const MOST_CELLS: usize = 512;

/// Registers start on cache lines, and not at equal distances from multiples of 4 KiB.
const LINE_BYTES: usize = 64;

/// The rows that the instructions of one row of cells work on.
pub struct Rows<'r, 'o, T> {
    instructions: &'r [Instruction],
    /// Cells at once.
    cells: usize,
    /// Registers, each `stride` cells after the one before.
    registers: &'r mut [T],
    stride: usize,
    inputs: &'r [&'r [T]],
    outputs: &'r mut [&'o mut [T]],
}

/// What programs need of an element type.
pub trait Interpreted: Sized + 'static {
    /// Runs all instructions.
    #[doc(hidden)]
    fn interpret(rows: Rows<'_, '_, Self>);
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
            fn interpret(rows: Rows<'_, '_, Self>) {
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
    fn interpret<T: Real>(rows: Rows<'_, '_, T>) {
        let Rows { instructions, cells, registers, stride, inputs, outputs } = rows;
        let len = outputs.first().map_or(0, |row| row.len());
        let mut start = 0;
        while start < len {
            let end = len.min(start + cells);
            for instruction in instructions {
                let (low, target, high, split) = match instruction.target {
                    Target::Output(k) => (&*registers, &mut outputs[k][start..end], &[][..], usize::MAX),
                    Target::Register(r) => {
                        let (low, rest) = registers.split_at_mut(r * stride);
                        let (target, high) = rest.split_at_mut(stride);
                        let target = &mut target[..end - start];
                        if let Work::Old(k) = instruction.work {
                            target.copy_from_slice(&outputs[k][start..end]);
                            continue;
                        }
                        (&*low, target, &*high, r)
                    }
                };
                let row = |source: Source| match source {
                    Source::Row(row) => &inputs[row][start..end],
                    Source::Register(r) if r < split => &low[r * stride..][..end - start],
                    Source::Register(r) => &high[(r - split - 1) * stride..][..end - start],
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
            start = end;
        }
    }
}

/// Computes the cells of `region`, row by row. Calls `before_row` before each.
///
/// # Panics
/// When views lack cells that are read or written.
pub(super) fn compute<T: Real, const N: usize>(
    code: &Code<T, N>,
    parameters: &[T],
    region: Region<N>,
    outputs: &mut [ViewMut<'_, T, N>],
    inputs: &[View<'_, T, N>],
    place: &Place<N>,
    before_row: &mut dyn FnMut(),
) {
    let len = region.shape()[N - 1];
    let cells = cells_at_once::<T>(code.registers, len);
    let line = LINE_BYTES / size_of::<T>();
    let stride = cells + line;
    let own_rows = code.rows.iter().filter(|row| !matches!(row, Row::Load(..))).count();
    let needed = code.registers * stride + own_rows * len;
    let mut buffer = T::swap_buffer(Vec::new());
    if buffer.len() < needed + line {
        buffer.resize(needed + line, T::zero());
    }
    let aligned = buffer.as_ptr().align_offset(LINE_BYTES).min(line);
    let (registers, own) = buffer[aligned..aligned + needed].split_at_mut(code.registers * stride);
    let uniforms = uniform_values(code, parameters, place);
    for (register, &uniform) in registers.chunks_mut(stride).zip(&code.spread) {
        register.fill(uniforms[uniform]);
    }
    let mut first_row = true;
    for (index, len) in rows(region) {
        before_row();
        fill_own_rows(code, own, place, index, len, first_row);
        first_row = false;
        let mut own = own.chunks_exact(len);
        let sources: Vec<&[T]> = code
            .rows
            .iter()
            .map(|row| match *row {
                Row::Load(array, offset) => {
                    inputs[array].row(std::array::from_fn(|a| index[a] + offset[a]), len)
                }
                _ => own.next().expect("there is room for every such row"),
            })
            .collect();
        let mut run = |outputs: &mut [&mut [T]]| {
            T::interpret(Rows {
                instructions: &code.instructions,
                cells,
                registers: &mut *registers,
                stride,
                inputs: &sources,
                outputs,
            });
        };
        match &mut *outputs {
            [only] => run(&mut [only.row_mut(index, len)]),
            all => run(&mut all.iter_mut().map(|output| output.row_mut(index, len)).collect::<Vec<_>>()),
        }
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

fn uniform_values<T: Real, const N: usize>(code: &Code<T, N>, parameters: &[T], place: &Place<N>) -> Vec<T> {
    let mut values: Vec<T> = Vec::with_capacity(code.uniforms.len());
    for uniform in &code.uniforms {
        values.push(match *uniform {
            Uniform::Constant(value) => value,
            Uniform::Parameter(number) => parameters[number],
            Uniform::Time => T::from_f64(place.time),
            Uniform::Step => T::from_f64(place.step as f64),
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
fn fill_own_rows<T: Real, const N: usize>(
    code: &Code<T, N>,
    own: &mut [T],
    place: &Place<N>,
    index: [isize; N],
    len: usize,
    first_row: bool,
) {
    let kinds = code.rows.iter().filter(|row| !matches!(row, Row::Load(..)));
    for (row, kind) in own.chunks_exact_mut(len).zip(kinds) {
        let (axis, value) = match *kind {
            Row::Index(axis) => (axis, Place::index_as_number as fn(&Place<N>, usize, isize) -> f64),
            Row::Position(axis) => (axis, Place::position as _),
            Row::Load(..) => continue,
        };
        if axis + 1 < N {
            row.fill(T::from_f64(value(place, axis, index[axis])));
        } else if first_row {
            for (cell, i) in row.iter_mut().zip(index[axis]..) {
                *cell = T::from_f64(value(place, axis, i));
            }
        }
    }
}
