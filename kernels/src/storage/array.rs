//! Storage of one block: aligned, zeroed, first touched by the threads that compute on it.
#![allow(unsafe_code, reason = "hands out slices of a hand-aligned allocation")]
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **A1** `start` points to `layout.len()` consecutive elements inside the allocation `base`,
//!   aligned for `T`, all initialized (the allocation is zeroed, and all-zero bytes are a valid
//!   value of every [`Element`]).
//! - **A2** The allocation belongs to this value alone and lives as long as it does.

use std::alloc::{self, alloc_zeroed, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::layout::CACHE_LINE;
use crate::{Element, Layout, Pool, View, ViewMut};

/// Arrays of at least this many bytes are aligned to, and ask the kernel for, huge pages.
const HUGE_PAGE: usize = 2 << 20;

/// The cells of one block with its halo.
///
/// ```
/// use parhelion_kernels::{Array, Layout, Pool};
///
/// let pool = Pool::new(2)?;
/// let mut u = Array::<f64, 2>::zeros(&pool, Layout::new([4, 4], [[1, 1]; 2], 8)?);
/// u.view_mut().set([3, -1], 2.5);
/// assert_eq!(u.view().get([3, -1]), 2.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Array<T, const N: usize> {
    layout: Layout<N>,
    start: NonNull<T>,
    base: NonNull<u8>,
    allocation: alloc::Layout,
    owns: PhantomData<T>,
}

// SAFETY: by A2 the array owns its memory like a `Vec<T>` does, and `T: Element` is `Send`.
unsafe impl<T: Element, const N: usize> Send for Array<T, N> {}
// SAFETY: shared access only reads, and `T: Element` is `Sync`.
unsafe impl<T: Element, const N: usize> Sync for Array<T, N> {}

impl<T: Element, const N: usize> Array<T, N> {
    /// An array of zeros. The thread of `pool` that owns the cells of a page touches it first.
    ///
    /// # Panics
    /// When the layout is for elements of another size.
    pub fn zeros(pool: &Pool, layout: Layout<N>) -> Self {
        assert_eq!(
            layout.element_size(),
            size_of::<T>(),
            "the layout is for elements of another size; pass size_of::<T>() to Layout::new"
        );
        let bytes = layout.len() * size_of::<T>();
        let align = if bytes >= HUGE_PAGE { HUGE_PAGE } else { CACHE_LINE };
        // Over-allocates and aligns by hand: an over-aligned `alloc_zeroed` writes the zeros
        // itself, from this thread, while a plain one maps untouched pages.
        let allocation = alloc::Layout::from_size_align(bytes + align, align_of::<T>())
            .expect("Layout::new refuses sizes beyond isize::MAX / 2");
        // SAFETY: the size is not zero, because `align` is not.
        let Some(base) = NonNull::new(unsafe { alloc_zeroed(allocation) }) else {
            handle_alloc_error(allocation)
        };
        let skip = base.align_offset(align);
        // SAFETY: `skip ≤ align`, so `skip + bytes` lies within the allocation.
        let start = unsafe { base.add(skip) }.cast::<T>();
        if bytes >= HUGE_PAGE {
            advise_huge_pages(start.cast(), bytes);
        }
        let mut array = Self { layout, start, base, allocation, owns: PhantomData };
        array.touch(pool);
        array
    }

    /// Writes zeros to every row, from the thread that will sweep over it.
    fn touch(&mut self, pool: &Pool) {
        let whole = self.layout.whole();
        self.view_mut().for_each_row(pool, whole, |_, row| row.fill(T::zero()));
    }

    /// The placement of the cells.
    pub fn layout(&self) -> &Layout<N> {
        &self.layout
    }

    /// The whole buffer, padding included: [`Layout::allocated`] in C order.
    pub fn buffer(&self) -> &[T] {
        // SAFETY: A1, A2.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.len()) }
    }

    /// The whole buffer, padding included: [`Layout::allocated`] in C order.
    pub fn buffer_mut(&mut self) -> &mut [T] {
        // SAFETY: A1, A2, and `&mut self` makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.len()) }
    }

    /// All cells, halo included, in the frame whose 0 is the first interior cell.
    pub fn view(&self) -> View<'_, T, N> {
        View::from_layout(self.buffer(), &self.layout)
    }

    /// All cells, halo included, in the frame whose 0 is the first interior cell.
    pub fn view_mut(&mut self) -> ViewMut<'_, T, N> {
        let layout = self.layout;
        ViewMut::from_layout(self.buffer_mut(), &layout)
    }
}

impl<T, const N: usize> Drop for Array<T, N> {
    fn drop(&mut self) {
        // SAFETY: `base` came from `alloc_zeroed` with this layout.
        unsafe { alloc::dealloc(self.base.as_ptr(), self.allocation) }
    }
}

impl<T: Element, const N: usize> std::fmt::Debug for Array<T, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Array").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// Asks for huge pages, for fewer page-table look-ups on strided access. A hint: failure is
/// ignored.
fn advise_huge_pages(start: NonNull<u8>, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the range lies within one live allocation, and the advice does not change contents.
    unsafe {
        libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interior_rows_start_on_cache_lines_and_everything_is_zero() {
        let pool = Pool::new(2).unwrap();
        for shape in [[3, 5, 7], [20, 130, 200]] {
            let array = Array::<f32, 3>::zeros(&pool, Layout::new(shape, [[1, 2]; 3], 4).unwrap());
            let first = array.layout().position([0, 0, 0]);
            assert_eq!(array.buffer()[first..].as_ptr() as usize % CACHE_LINE, 0);
            assert!(array.buffer().iter().all(|&x| x == 0.0));
        }
    }
}
