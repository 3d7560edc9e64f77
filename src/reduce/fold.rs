//! Reductions with a custom operation.

use bytemuck::Pod;
use mpi::traits::{Communicator, Root};
use parhelion_kernels::{Inputs, PointOf, fold};

use crate::error::{Error, Result};
use crate::grid::Grid;
use crate::messages::{receive, send};
use crate::stopwatch::{Kind, Part};
use crate::world::World;
use parhelion_kernels::Region;

/// Tag of the messages that carry partial results up the tree.
const PARTIAL_TAG: i32 = 1;

impl<const N: usize> Grid<N> {
    /// Combines `rule(neighborhood)` of all points of `region` on all ranks with a custom
    /// operation.
    ///
    /// The result has the same bits for any ranks × threads if `combine` is exactly associative and
    /// commutative. Minimum, maximum, bit operations and integer sums are; floating-point addition
    /// is not, so use [`Grid::sum`] for sums. Combining a value with `identity` must return the
    /// value.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let grid = Grid::builder([100]).build(&world)?;
    /// let mut u = grid.field::<u32>("u");
    /// u.fill_indexed(|[i]| 1 << (i % 7));
    /// let bits = grid.reduce(u.region_local(), u.reach::<0>()?, |u: Point<'_, u32, 1, 0>| u.center(), 0, |a, b| a | b)?;
    /// assert_eq!(bits, 0b111_1111);
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks of the grid.
    ///
    /// # Errors
    /// When the inputs lack points of the region or around it; the same error on every rank.
    pub fn reduce<V: Pod + Send + Sync + Default, I: Inputs<N>>(
        &self,
        region: Region<N>,
        inputs: I,
        rule: impl for<'p> Fn(PointOf<'p, I, N>) -> V + Sync,
        identity: V,
        combine: impl Fn(V, V) -> V + Sync,
    ) -> Result<V> {
        let world = self.world();
        let timing = world.measure().start(Kind::Reduce);
        let parts = fold(
            world.pool(),
            region,
            inputs,
            rule,
            || identity,
            |result, _, values| *result = values.iter().fold(*result, |a, &b| combine(a, b)),
        );
        let parts = world.agree(parts.map_err(Error::from))?;
        let result = over_ranks(world, parts.into_iter().fold(identity, &combine), combine);
        timing.finish(region.len(), I::BYTES);
        Ok(result)
    }
}

/// Combines the values of all ranks in a binomial tree and sends the result to all.
fn over_ranks<V: Pod>(world: &World, mut value: V, combine: impl Fn(V, V) -> V) -> V {
    let _wait = world.measure().part(Part::Wait);
    let (comm, rank, size) = (world.comm(), world.rank(), world.size());
    let mut step = 1;
    while step < size {
        if rank % (2 * step) == step {
            send(comm, rank - step, PARTIAL_TAG, bytemuck::bytes_of(&value));
            break;
        }
        if rank + step < size {
            let mut theirs = V::zeroed();
            receive(comm, rank + step, PARTIAL_TAG, bytemuck::bytes_of_mut(&mut theirs));
            value = combine(value, theirs);
        }
        step *= 2;
    }
    comm.process_at_rank(0).broadcast_into(bytemuck::bytes_of_mut(&mut value));
    value
}
