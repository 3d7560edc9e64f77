//! Self-measurement: what every kind of work cost, on this rank and over all of them.
//!
//! `recorder` is what the rest of the library calls around its work, `scope` lets the user name it. Those know
//! of no other rank. `tally` adds up over the ranks, `copy` measures the limit, `report` and `table` are the
//! result, `trace` is the timeline, `at_end` what the environment asks for.

mod at_end;
mod copy;
mod recorder;
mod report;
mod scope;
mod table;
mod tally;
mod trace;

pub(crate) use at_end::AtEnd;
pub(crate) use recorder::{Call, Part};

pub use recorder::{Kind, Measure};
pub use report::{HaloReport, Report, ReportRow};
pub use scope::KernelScope;
