//! Row functions compiled elsewhere: by a C compiler, Numba or anything else that yields a function
//! pointer.
#![allow(unsafe_code, reason = "calls functions by address; see the contract of RuntimeRule::external")]

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::definition::{Neighborhood, Parameter};
use crate::storage::{Cells, rows};
use crate::{Element, Places, Region, View};

/// A function that computes a row of cells:
///
/// ```c
/// void row(T *const *outputs, const T *const *inputs, const ptrdiff_t *strides, size_t len,
///          const T *parameters, const double *clock, const ptrdiff_t *const *indices,
///          const double *const *positions);
/// ```
///
/// - `outputs[k]` is the address of the row's first cell in output `k`; the next cell follows.
/// - `inputs[k]` is the address of that cell in input `k`. The neighbor at an offset `o` of cell `i`
///   is `inputs[k][i + o[0]·strides[k·N] + … + o[N − 1]]`; strides count elements, and that of the
///   last axis is 1.
/// - `len` is the number of cells, at least 1.
/// - `clock` holds the time of the values that are read and the number of steps made before.
/// - `indices[a][0]` and `positions[a][0]` are the global index and the coordinate of the row along
///   axis `a`; along the last axis, `[i]` are those of cell `i`.
pub type RowFunction<T> = unsafe extern "C" fn(
    outputs: *const *mut T,
    inputs: *const *const T,
    strides: *const isize,
    len: usize,
    parameters: *const T,
    clock: *const f64,
    indices: *const *const isize,
    positions: *const *const f64,
);

/// A row function and what the library must know about it; see
/// [`RuntimeRule::external`](crate::RuntimeRule::external).
#[derive(Clone)]
pub struct ExternalRule<T> {
    /// The function.
    pub function: RowFunction<T>,
    /// The neighbors that it reads of each input.
    pub inputs: Vec<Neighborhood>,
    /// Number of arrays that it writes.
    pub outputs: usize,
    /// Whether it reads the values that its outputs have before it writes them.
    pub reads_old: bool,
    /// Whether it reads the clock, indices or positions. If not, the clock may be 0 and the
    /// addresses of indices and positions null.
    pub reads_place: bool,
    /// Names and values of its parameters.
    pub parameters: Vec<(String, T)>,
    /// Kept alive as long as the rule, such as a loaded library.
    pub owner: Arc<dyn Any + Send + Sync>,
}

impl<T: fmt::Debug> fmt::Debug for ExternalRule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, inputs, outputs, reads_old, reads_place, parameters, owner: _ } = self;
        f.debug_struct("ExternalRule")
            .field("function", &(*function as *const ()))
            .field("inputs", inputs)
            .field("outputs", outputs)
            .field("reads_old", reads_old)
            .field("reads_place", reads_place)
            .field("parameters", parameters)
            .finish_non_exhaustive()
    }
}

/// A row function whose user has promised the contract of
/// [`RuntimeRule::external`](crate::RuntimeRule::external) (invariant E1).
#[derive(Clone)]
pub(super) struct External<T> {
    function: RowFunction<T>,
    _owner: Arc<dyn Any + Send + Sync>,
}

impl<T: Element> External<T> {
    /// # Safety
    /// The contract of [`RuntimeRule::external`](crate::RuntimeRule::external).
    pub(super) unsafe fn new(rule: ExternalRule<T>) -> Self {
        Self { function: rule.function, _owner: rule.owner }
    }

    /// Computes the cells of `region`, row by row. Calls `before_row` before each.
    ///
    /// # Safety
    /// The views are as many as the rule's, with all cells that it writes and reads for this region
    /// (V1), places have entries for them, and no other thread touches the cells written or writes
    /// the cells read (V3).
    pub(super) unsafe fn compute<const N: usize>(
        &self,
        parameters: &[Parameter<T>],
        region: Region<N>,
        outputs: &[Cells<T, N>],
        inputs: &[View<'_, T, N>],
        places: Option<&Places<'_, N>>,
        before_row: &mut dyn FnMut(),
    ) {
        let parameters: Vec<T> = parameters.iter().map(|parameter| parameter.value).collect();
        let strides: Vec<[isize; N]> =
            inputs.iter().map(|input| input.cells.strides().map(|stride| stride as isize)).collect();
        let mut to: Vec<*mut T> = vec![std::ptr::null_mut(); outputs.len()];
        let mut from: Vec<*const T> = vec![std::ptr::null(); inputs.len()];
        let (time, step) = places.map_or((0.0, 0), Places::clock);
        let clock = [time, step as f64];
        let (mut indices, mut positions) = ([std::ptr::null(); N], [std::ptr::null(); N]);
        for (index, len) in rows(region) {
            before_row();
            if let Some(places) = places {
                indices = std::array::from_fn(|a| places.indices_from(a, index[a]).as_ptr());
                positions = std::array::from_fn(|a| places.positions_from(a, index[a]).as_ptr());
            }
            // SAFETY: the row is in view by the contract. The function writes the row's cells and
            // reads neighbors that are in view (E1), which no other thread disturbs.
            unsafe {
                to.iter_mut().zip(outputs).for_each(|(to, output)| *to = output.at(index));
                from.iter_mut().zip(inputs).for_each(|(from, input)| *from = input.cells.at(index));
                (self.function)(
                    to.as_ptr(),
                    from.as_ptr(),
                    strides.as_ptr().cast(),
                    len,
                    parameters.as_ptr(),
                    clock.as_ptr(),
                    indices.as_ptr(),
                    positions.as_ptr(),
                );
            }
        }
    }
}
