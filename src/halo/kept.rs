//! Reuse of the plans that the library makes itself: each grid keeps them for all its fields.

use std::cell::{Cell, RefCell};

use super::plan::Routes;
use crate::grid::Grid;

/// Number of plans that a grid keeps.
const MOST_KEPT: usize = 16;

/// The plans of a grid.
#[derive(Default)]
pub(super) struct KeptPlans<const N: usize> {
    /// Number of plans made so far, including those of users; the same on every rank.
    made: Cell<u32>,
    /// Plans that are not in use, the most recently used last; the same on every rank.
    idle: RefCell<Vec<Routes<N>>>,
}

impl<const N: usize> KeptPlans<N> {
    /// The plans of `grid`.
    pub(super) fn of(grid: &Grid<N>) -> &Self {
        grid.kept()
    }

    /// A number for a new plan, the same on every rank because plans are made collectively.
    pub(super) fn next_number(&self) -> u32 {
        self.made.replace(self.made.get() + 1)
    }

    /// Takes out a plan that `serves`, if there is one.
    pub(super) fn take(&self, serves: impl Fn(&Routes<N>) -> bool) -> Option<Routes<N>> {
        let mut idle = self.idle.borrow_mut();
        let position = idle.iter().position(serves)?;
        Some(idle.remove(position))
    }

    /// Keeps a plan, and drops the least recently used one if there are too many.
    pub(super) fn keep(&self, routes: Routes<N>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= MOST_KEPT {
            idle.remove(0);
        }
        idle.push(routes);
    }
}
