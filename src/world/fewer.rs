//! Worlds of a subset of another world's ranks.

use std::cell::RefCell;
use std::rc::Rc;

use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::Communicator;

use super::threads::Cores;
use super::{Inner, World};
use crate::error::Alone;

/// The rank, of `all`, of member number `member` of `fewer`. Members are spread evenly, so that
/// each node has its share; the first is rank 0.
pub(crate) fn member_rank(member: usize, fewer: usize, all: usize) -> usize {
    // Numbers of ranks fit 32 bits.
    member * all / fewer
}

/// The member number, among `fewer`, of a rank of `all`; `None` if it is not a member.
pub(crate) fn member(rank: usize, fewer: usize, all: usize) -> Option<usize> {
    let member = (rank * fewer).div_ceil(all);
    (member < fewer && member_rank(member, fewer, all) == rank).then_some(member)
}

impl World {
    /// A world of `ranks` ranks of this one, [evenly spread](member_rank); `None` on the others.
    ///
    /// # Collective
    /// Over all ranks.
    pub(crate) fn fewer(&self, ranks: usize) -> Option<Self> {
        let belongs = member(self.rank(), ranks, self.size()).is_some();
        let color = if belongs { Color::with_value(0) } else { Color::undefined() };
        let comm = self.comm().split_by_color(color)?;
        let (cores, nodes, node) = Cores::find(&comm);
        Some(self.part(comm, cores, [nodes, node]))
    }

    /// A world of the ranks of `comm`, which are ranks of this one.
    pub(super) fn part(&self, comm: SimpleCommunicator, cores: Cores, [nodes, node]: [usize; 2]) -> Self {
        let user_comm = comm.duplicate();
        World(Rc::new(Inner {
            rank: comm.rank() as usize,
            size: comm.size() as usize,
            comm,
            user_comm,
            nodes,
            node,
            cores,
            pool: Rc::clone(&self.0.pool),
            measure: self.0.measure.clone(),
            attached: RefCell::default(),
            at_end: RefCell::default(),
            environment: Rc::clone(&self.0.environment),
            _whole: Some((self.clone(), Alone::new())),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_distinct_and_known_from_their_rank() {
        for all in 1..40 {
            for fewer in 1..=all {
                let ranks: Vec<usize> = (0..fewer).map(|m| member_rank(m, fewer, all)).collect();
                assert!(ranks[0] == 0 && ranks.is_sorted_by(|a, b| a < b) && ranks[fewer - 1] < all);
                for rank in 0..all {
                    assert_eq!(
                        member(rank, fewer, all),
                        ranks.iter().position(|&r| r == rank),
                        "{rank} {fewer} {all}"
                    );
                }
            }
        }
    }
}
