//! Reuse of the plans that the library makes itself: each grid keeps them for all its fields.

use std::cell::{Cell, RefCell};

use parhelion_kernels::Pattern;

use super::fields::HaloFields;
use super::plan::{HaloPlan, Routes};
use crate::error::Result;
use crate::grid::Grid;

/// Number of plans that a grid keeps.
const MOST_KEPT: usize = 16;

/// The plans of a grid.
#[derive(Default)]
struct KeptPlans<const N: usize> {
    /// Number of plans made so far, including those of users; the same on every rank.
    made: Cell<u32>,
    /// Plans that are not in use, the most recently used last; the same on every rank.
    idle: RefCell<Vec<Routes<N>>>,
}

/// A number for a new plan, the same on every rank because plans are made collectively.
pub(super) fn next_plan_number<const N: usize>(grid: &Grid<N>) -> u32 {
    let made = &grid.kept::<KeptPlans<N>>().made;
    made.replace(made.get() + 1)
}

impl<const N: usize> HaloPlan<N> {
    /// Calls `work` with a plan for `fields`, whose halos in memory are at least as wide as
    /// `widths`. The grid keeps the plan for the next exchange of this kind, and drops the least
    /// recently used plan if it has too many.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// As for [`HaloPlanBuilder::build`](super::HaloPlanBuilder::build), and the errors of `work`.
    pub(crate) fn with_kept<F: HaloFields<N>>(
        grid: &Grid<N>,
        fields: &mut F,
        pattern: Pattern,
        widths: [[usize; 2]; N],
        work: impl FnOnce(&mut Self, &mut F) -> Result<()>,
    ) -> Result<()> {
        let mut shapes = Vec::new();
        fields.for_each(&mut |field| shapes.push(field.halo_shape()));
        let idle = &grid.kept::<KeptPlans<N>>().idle;
        let serves =
            |plan: &Routes<N>| plan.pattern == pattern && plan.widths == widths && plan.shapes == shapes;
        let position = idle.borrow().iter().position(serves);
        let mut plan = match position {
            Some(position) => Self { routes: idle.borrow_mut().remove(position), grid: grid.clone() },
            None => Self::builder(grid).pattern(pattern).shapes_and_widths(shapes, widths).build()?,
        };
        let done = work(&mut plan, fields);
        let mut idle = idle.borrow_mut();
        if idle.len() >= MOST_KEPT {
            idle.remove(0);
        }
        idle.push(plan.routes);
        done
    }
}
