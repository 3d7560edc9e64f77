//! Plain loops that move what a job must move: the limit that memory sets, on the threads of a
//! rank.

use parhelion::kernels::{Array, KernelError, Layout, Pool};

/// Two arrays in the memory that fields live in, for loops over them.
pub(crate) struct Traffic {
    pub(crate) a: Array<f64, 1>,
    b: Array<f64, 1>,
}

impl Traffic {
    /// Arrays of `len` numbers.
    pub(crate) fn new(pool: &Pool, len: usize) -> Result<Self, KernelError> {
        let layout = Layout::new([len], [[0, 0]], size_of::<f64>())?;
        let [mut a, mut b] = [(), ()].map(|()| Array::zeros(pool, layout));
        rows(pool, &mut a, |_, row| row.fill(1.0));
        rows(pool, &mut b, |_, row| row.fill(2.0));
        Ok(Self { a, b })
    }

    /// `b[i] = (a[i] + b[i]) / 2`, which neither grows nor vanishes: reads two numbers and writes
    /// one.
    pub(crate) fn accumulate(&mut self, pool: &Pool) {
        let a = self.a.view();
        rows(pool, &mut self.b, |first, row| {
            let a = a.row(first, row.len());
            row.iter_mut().zip(a).for_each(|(b, a)| *b = 0.5 * (*a + *b));
        });
    }
}

/// Calls `work(first index, row)` for the part of each thread.
pub(crate) fn rows(pool: &Pool, array: &mut Array<f64, 1>, work: impl Fn([isize; 1], &mut [f64]) + Sync) {
    let line = array.layout().interior();
    array.view_mut().for_each_row(pool, line, work);
}
