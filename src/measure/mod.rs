//! Self-measurement: what every kind of work cost, on this rank and over all of them.
//!
//! The records come from the `stopwatch` of each rank. `tally` adds them up over the ranks, `copy`
//! measures the limit, `report` and `table` are the result, `trace` is the timeline, `at_end` does
//! what the environment asks for.

mod at_end;
mod copy;
mod report;
mod table;
mod tally;
mod trace;

pub(crate) use at_end::report_at_end;
pub use report::{HaloReport, Report, ReportRow};

pub use crate::stopwatch::{KernelScope, Kind, Measure};
