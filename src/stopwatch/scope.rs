//! Names that the user gives to what is measured.

use super::record::Scope;
use super::recorder::Measure;

/// Names what is measured while it lives; made by [`World::kernel`](crate::world::World::kernel).
#[must_use = "the name is given to what happens while this lives: bind it to a variable, not to `_`"]
#[derive(Debug)]
pub struct KernelScope(Option<(Measure, u64)>);

impl KernelScope {
    /// Begins to name what `measure` records, if it is on.
    pub(crate) fn new(measure: &Measure, name: &str) -> Self {
        Self(measure.is_on().then(|| {
            let id = measure.state(|state| {
                let (id, name) = (state.scopes_made, state.number(name));
                state.scopes.push(Scope { id, name, flops_per_point: 0 });
                state.scopes_made += 1;
                id
            });
            (measure.clone(), id)
        }))
    }

    /// States how many floating-point operations the rule does for each point, which nobody can see
    /// in a closure. A report has GFLOP/s only for work that states them.
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
