//! Names that the user gives to what is measured.

use super::record::Scope;
use super::recorder::Measure;
use crate::world::World;

/// Names what is measured while it lives; made by [`World::kernel`].
#[must_use = "the name is given to what happens while this lives: bind it to a variable, not to `_`"]
#[derive(Debug)]
pub struct KernelScope(Option<(Measure, u64)>);

impl World {
    /// What measures this rank's work.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// let mut u = Grid::builder([32, 32]).build(&world)?.field::<f64>("u");
    /// world.measure().switch_on();
    /// u.fill(1.0);
    /// u.exchange()?;
    /// {
    ///     let _kernel = world.kernel("double").flops(1);
    ///     u.map(|u| 2.0 * u);
    /// }
    /// let report = world.report();
    /// if world.rank() == 0 {
    ///     println!("{report}");
    /// }
    /// assert_eq!(report.row(parhelion::measure::Kind::Update, "double").unwrap().flops, Some(32 * 32));
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn measure(&self) -> &Measure {
        self.recorder()
    }

    /// Gives a name to all work of the library until the result is dropped; inner names hide outer ones.
    ///
    /// Without, work goes by the name of the field or dataset it is about, if it is about one. The name is not
    /// copied anew for every scope, but each different one is kept: do not number steps in it.
    ///
    /// ```
    /// # let world = parhelion::World::init()?;
    /// let _kernel = world.kernel("perona-malik");   // until the end of the block
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    pub fn kernel(&self, name: &str) -> KernelScope {
        let measure = self.measure();
        KernelScope(measure.is_on().then(|| {
            let id = measure.state(|state| {
                let (id, name) = (state.scopes_made, state.number(name));
                state.scopes.push(Scope { id, name, flops_per_point: 0 });
                state.scopes_made += 1;
                id
            });
            (measure.clone(), id)
        }))
    }
}

impl KernelScope {
    /// States how many floating-point operations the rule does for each point, which nobody can see in a
    /// closure. Only then a report has GFLOP/s.
    pub fn flops(self, per_point: u64) -> Self {
        if let Some((measure, id)) = &self.0 {
            measure.state(|state| {
                if let Some(scope) = state.scopes.iter_mut().find(|scope| scope.id == *id) {
                    scope.flops_per_point = per_point;
                }
            });
        }
        self
    }
}

impl Drop for KernelScope {
    fn drop(&mut self) {
        if let Some((measure, id)) = &self.0 {
            // Not always the last one: scopes may end in any order.
            measure.state(|state| state.scopes.retain(|scope| scope.id != *id));
        }
    }
}
