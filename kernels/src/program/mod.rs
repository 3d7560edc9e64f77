//! Rules known only at run time: programs of operations, and functions compiled elsewhere.

mod build;
mod code;
mod definition;
mod draft;
mod external;
mod graph;
mod operations;
mod rule;
mod run;
mod text;

pub use build::{Condition, Expression, ProgramBuilder, ProgramInput, Term};
pub use definition::{Neighborhood, Program};
pub use external::{ExternalRule, RowFunction};
pub use operations::Real;
pub use rule::RuntimeRule;
