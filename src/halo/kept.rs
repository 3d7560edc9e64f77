//! The plans of exchanges that the library plans itself; the grid keeps them for all its fields.

use std::cell::{Cell, RefCell};

use parhelion_kernels::Pattern;

use super::fields::HaloFields;
use super::plan::{HaloPlan, Routes};
use crate::error::Result;
use crate::grid::Grid;

/// Plans that a grid keeps.
const MOST_KEPT: usize = 16;

/// The plans of a grid.
#[derive(Default)]
struct KeptPlans<const N: usize> {
    /// Plans made so far, of users too; the same number on every rank.
    made: Cell<u32>,
    /// Those that are not at work, the one used last at the end; the same on every rank.
    idle: RefCell<Vec<Routes<N>>>,
}

/// A number for a new plan, the same on every rank because plans are made collectively.
pub(super) fn next_plan_number<const N: usize>(grid: &Grid<N>) -> u32 {
    let made = &grid.kept::<KeptPlans<N>>().made;
    made.replace(made.get() + 1)
}

impl<const N: usize> HaloPlan<N> {
    /// Calls `work` with a plan for `fields`, which have halos of at least these widths in memory. The grid keeps the
    /// plan for the next such exchange, and drops the plan not used for the longest time if it has many.
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
