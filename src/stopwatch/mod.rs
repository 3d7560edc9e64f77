//! The stop-watch of one rank: what the library times, under which names. It knows of no other
//! rank.
//!
//! The library calls `recorder` around its work, `record` holds the counts and times, `kind` says
//! what is told apart, `scope` holds the names that the user gives. [`measure`](crate::measure)
//! turns the records of all ranks into a report.

pub(crate) mod kind;
pub(crate) mod record;
mod recorder;
mod scope;

pub use kind::Kind;
pub(crate) use kind::Part;
pub(crate) use recorder::Call;
pub use recorder::Measure;
#[cfg(feature = "hdf5")]
pub(crate) use recorder::Timing;
pub use scope::KernelScope;
