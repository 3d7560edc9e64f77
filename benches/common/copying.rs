//! Copies of memory: the limit of packing.

use std::hint::black_box;

use parhelion::kernels::{Pool, Region, ViewMut};

/// Below this many bytes the library uses one thread, and so do the limits.
pub(crate) const WORTH_THREADS: usize = 64 << 10;

/// Contiguous copies by the threads of a rank.
pub(crate) struct Copying {
    from: Vec<f64>,
    buffer: Vec<f64>,
    pub(crate) to: Vec<f64>,
}

impl Copying {
    pub(crate) fn new(len: usize) -> Self {
        Self { from: vec![1.0; len], buffer: vec![0.0; len], to: vec![0.0; len] }
    }

    /// Into a buffer, and out of it to another place, as a message would be.
    pub(crate) fn in_and_out(&mut self, pool: &Pool) {
        copy(pool, &self.from, &mut self.buffer);
        copy(pool, &self.buffer, &mut self.to);
    }

    pub(crate) fn directly(&mut self, pool: &Pool) {
        copy(pool, &self.from, &mut self.to);
    }
}

fn copy(pool: &Pool, from: &[f64], to: &mut [f64]) {
    if size_of_val(to) < WORTH_THREADS {
        to.copy_from_slice(from);
    } else {
        let line = Region::from_shape([to.len()]);
        ViewMut::from_slice(to, line)
            .for_each_row(pool, line, |[i], row| row.copy_from_slice(&from[i as usize..][..row.len()]));
    }
    black_box(to);
}
