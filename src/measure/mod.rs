//! Self-measurement: what every kind of work cost, on this rank and over all of them.
//!
//! `recorder` is what the rest of the library calls around its work, `record` what it notes, `scope` lets the user name it. Those know
//! of no other rank. `tally` adds up over the ranks, `copy` measures the limit, `report` and `table` are the
//! result, `trace` is the timeline, `at_end` what the environment asks for.

mod at_end;
mod copy;
mod kind;
mod record;
mod recorder;
mod report;
mod scope;
mod table;
mod tally;
mod trace;

pub(crate) use at_end::AtEnd;
pub(crate) use kind::Part;
pub(crate) use recorder::Call;
#[cfg(feature = "hdf5")]
pub(crate) use recorder::Timing;

pub use kind::Kind;
pub use recorder::Measure;
pub use report::{HaloReport, Report, ReportRow};
pub use scope::KernelScope;
