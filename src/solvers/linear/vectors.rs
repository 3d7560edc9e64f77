//! Updates of several fields at once, with exact sums of what they come to: one pass over memory,
//! one message.

use parhelion_kernels::{Accumulator, ExactSum, View, map_parts};

use crate::field::Field;
use crate::stopwatch::Kind;
use crate::world::World;

/// Values of each field at hand: few enough to stay in the L1 cache.
const CHUNK: usize = 256;

/// Exact sums over the points of this rank, to be added up over all ranks.
pub(in crate::solvers) struct PartialSums<const D: usize> {
    sums: [Accumulator; D],
    world: World,
}

impl<const D: usize> PartialSums<D> {
    fn new(world: &World, threads: impl IntoIterator<Item = [Accumulator; D]>) -> Self {
        let mut sums = std::array::from_fn(|_| Accumulator::new());
        for thread in threads {
            sums.iter_mut().zip(&thread).for_each(|(sum, part): (&mut Accumulator, _)| sum.merge(part));
        }
        Self { sums, world: world.clone() }
    }

    /// The sums over all ranks, in one message.
    ///
    /// # Collective
    /// Over all ranks of the world.
    pub(in crate::solvers) fn add_up(self) -> [f64; D] {
        if self.world.size() == 1 {
            return self.sums.map(|sum| sum.total());
        }
        self.add_up_by(World::all_sum).0
    }

    /// Adds up over all ranks, and does `work` while the message travels.
    ///
    /// # Collective
    /// Over all ranks of the world.
    pub(in crate::solvers) fn add_up_while<R>(self, work: impl FnOnce() -> R) -> ([f64; D], R) {
        if self.world.size() == 1 {
            let result = work();
            return (self.add_up(), result);
        }
        self.add_up_by(|world, words| world.all_sum_while(words, work))
    }

    fn add_up_by<R>(mut self, over_ranks: impl FnOnce(&World, &mut [i64]) -> R) -> ([f64; D], R) {
        let mut words = vec![0; D * Accumulator::WORDS];
        for (sum, words) in self.sums.iter().zip(words.chunks_exact_mut(Accumulator::WORDS)) {
            sum.write_words(words);
        }
        let result = over_ranks(&self.world, &mut words);
        for (sum, words) in self.sums.iter_mut().zip(words.chunks_exact(Accumulator::WORDS)) {
            *sum = Accumulator::from_words(words);
        }
        (self.sums.map(|sum| sum.total()), result)
    }
}

/// Adds up `D` sums of all threads and ranks, in one message.
///
/// # Collective
/// Over all ranks of `world`.
pub(in crate::solvers) fn add_up_all<const D: usize>(
    world: &World,
    threads: impl IntoIterator<Item = [Accumulator; D]>,
) -> [f64; D] {
    PartialSums::new(world, threads).add_up()
}

/// Replaces the values of `changed` by what `rule(changed, read)` returns first, at every point,
/// and returns the exact sums of what it returns second: each with the same bits on any ranks and
/// threads.
///
/// The fields are of one grid and centering, with one component.
///
/// # Collective
/// Over all ranks of the grid.
pub(in crate::solvers) fn combine<const K: usize, const M: usize, const D: usize, const N: usize>(
    changed: [&mut Field<f64, N>; K],
    read: [&Field<f64, N>; M],
    rule: impl Fn([f64; K], [f64; M]) -> ([f64; K], [f64; D]) + Sync,
) -> [f64; D] {
    let parts = combine_locally(changed, read, rule);
    if D == 0 { [0.0; D] } else { parts.add_up() }
}

/// As [`combine`], with sums that are yet to be added up over the ranks.
pub(in crate::solvers) fn combine_locally<const K: usize, const M: usize, const D: usize, const N: usize>(
    changed: [&mut Field<f64, N>; K],
    read: [&Field<f64, N>; M],
    rule: impl Fn([f64; K], [f64; M]) -> ([f64; K], [f64; D]) + Sync,
) -> PartialSums<D> {
    let (grid, region) = match (changed.first(), read.first()) {
        (Some(field), _) => (field.grid().clone(), field.region_local()),
        (None, Some(field)) => (field.grid().clone(), field.region_local()),
        (None, None) => unreachable!("combine is called with some field"),
    };
    let timing = grid.world().measure().start_on(if K > 0 { Kind::Update } else { Kind::Reduce }, "vectors");
    let read = read.map(|field| field.view());
    let changed = changed.map(|field| field.view_mut());
    let threads = map_parts(grid.world().pool(), region, changed, |part, mut changed| {
        let mut sums: [Accumulator; D] = std::array::from_fn(|_| Accumulator::new());
        let (mut old, mut given) = ([[0.0; CHUNK]; K], [[0.0; CHUNK]; M]);
        let mut terms = [[0.0; CHUNK]; D];
        for (mut first, mut left) in part.rows() {
            while left > 0 {
                let len = left.min(CHUNK);
                for (old, changed) in old.iter_mut().zip(&mut changed) {
                    old[..len].copy_from_slice(changed.row_mut(first, len));
                }
                for (given, read) in given.iter_mut().zip(&read) {
                    given[..len].copy_from_slice(View::row(read, first, len));
                }
                for i in 0..len {
                    let (new, term) = rule(old.each_ref().map(|x| x[i]), given.each_ref().map(|x| x[i]));
                    for k in 0..K {
                        old[k][i] = new[k];
                    }
                    for d in 0..D {
                        terms[d][i] = term[d];
                    }
                }
                for (old, changed) in old.iter().zip(&mut changed) {
                    changed.row_mut(first, len).copy_from_slice(&old[..len]);
                }
                for (sum, terms) in sums.iter_mut().zip(&terms) {
                    sum.add_row(&terms[..len]);
                }
                first[N - 1] += len as isize;
                left -= len;
            }
        }
        sums
    });
    timing.finish(region.len(), (2 * K + M) * size_of::<f64>());
    PartialSums::new(grid.world(), threads)
}

/// Sums over all points of all ranks of what `rule` makes of the values of `read`.
///
/// # Collective
/// Over all ranks of the grid.
pub(in crate::solvers) fn sums<const M: usize, const D: usize, const N: usize>(
    read: [&Field<f64, N>; M],
    rule: impl Fn([f64; M]) -> [f64; D] + Sync,
) -> [f64; D] {
    combine([], read, |[], read| ([], rule(read)))
}

/// Takes the mean off a field: the part of it in the null space of an operator that maps constants
/// to 0.
///
/// # Collective
/// Over all ranks of the grid.
pub(in crate::solvers) fn subtract_mean<const N: usize>(field: &mut Field<f64, N>) {
    // The mean is rounded, so that a little of it stays, which no solution can meet: the second
    // time takes that off too.
    for _ in 0..2 {
        let mean = field.mean();
        combine([&mut *field], [], |[value], []| ([value - mean], []));
    }
}
