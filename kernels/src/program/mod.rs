//! Rules known only at run time: programs of operations, and functions compiled elsewhere.

mod build;
mod code;
mod draft;
mod external;
mod graph;
mod operations;
mod program;
mod rule;
mod run;
mod text;

pub use build::{Condition, Expression, ProgramBuilder, ProgramInput, Term};
pub use external::{ExternalRule, RowFunction};
pub use operations::Real;
pub use program::{Neighborhood, Program};
pub use rule::RuntimeRule;
