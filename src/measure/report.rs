//! The performance report.

use serde::{Deserialize, Serialize};

use super::copy;
use super::tally::{Tallies, TallyRow};
use crate::stopwatch::kind::{Kind, Part};
use crate::world::World;

/// The measurements of all ranks: a table when printed, a value for serde; made by
/// [`World::report`].
///
/// # How it counts
///
/// **Points** are evaluations of a rule: points of the region, times the number of components if
/// the rule runs for each of them, times the number of steps. For files they are values.
///
/// **Bytes** are the least that must move between memory and cores if nothing stays in a cache from
/// one call to the next: every input once, every output once, and once more if its old value is
/// read. Not counted are halos, what a store reads from memory only to overwrite it
/// (*write-allocate*), and inputs that are read twice because the cache is too small. They make the
/// share of the copy bandwidth less than 1. The share exceeds 1 where data stays in the cache, as
/// in small grids or where one pass over memory does several steps.
///
/// **Seconds** are the longest of all ranks unless the name says otherwise; rates are sums over all
/// ranks divided by them.
///
/// A call inside another (the halo exchanges of [`Field::advance`](crate::field::Field::advance))
/// belongs to the outer one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Number of ranks.
    pub ranks: usize,
    /// Threads of all ranks together.
    pub threads: usize,
    /// Time during which the ranks measured.
    pub seconds: f64,
    /// Copy bandwidth of all threads at the same time, in 10⁹ bytes per second, read and written.
    pub copy_gb_per_s: f64,
    /// Events of all ranks for which the timeline had no room.
    pub events_dropped: u64,
    /// One row for each kind and name, in the order of first use.
    pub rows: Vec<ReportRow>,
}

/// One row of a [`Report`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Kind of work.
    pub kind: Kind,
    /// Name given by the user, or that of the field or dataset; may be empty.
    pub name: String,
    /// Number of calls; the largest of any rank.
    pub calls: u64,
    /// Points of all ranks.
    pub points: u64,
    /// Bytes of all ranks.
    pub bytes: u64,
    /// Floating-point operations of all ranks, if the user stated them.
    pub flops: Option<u64>,
    /// Time of the slowest rank.
    pub seconds: f64,
    /// Mean time of a rank.
    pub seconds_mean: f64,
    /// Longest time that a rank waited for others: for the cells of a halo, or at the end of a
    /// reduction.
    pub wait_seconds: f64,
    /// Mean time that a rank waited.
    pub wait_seconds_mean: f64,
    /// Time of the busiest rank over the mean, without waiting: 1 if all had the same work.
    pub imbalance: f64,
    /// 10⁹ points per second ("lattice updates"); `None` without points or time, and for files.
    pub glup_per_s: Option<f64>,
    /// 10⁹ bytes per second; `None` without bytes or time.
    pub gb_per_s: Option<f64>,
    /// Bandwidth over that of copying; `None` for exchanges and files.
    pub share_of_copy: Option<f64>,
    /// 10⁹ floating-point operations per second.
    pub gflop_per_s: Option<f64>,
    /// Messages, bytes and parts of the halo exchanges.
    pub halo: Option<HaloReport>,
}

/// The halo exchanges of one row of a [`Report`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaloReport {
    /// Messages sent by all ranks.
    pub messages: u64,
    /// Bytes sent by all ranks, in messages and through shared memory, padding between fields
    /// included.
    pub bytes: u64,
    /// Those of `bytes` that went through memory shared with neighbors on the same node.
    pub shared_bytes: u64,
    /// Longest time that a rank copied cells to messages or shared memory.
    pub pack_seconds: f64,
    /// Longest time that a rank waited for others.
    pub wait_seconds: f64,
    /// Longest time that a rank copied messages or shared memory to cells.
    pub unpack_seconds: f64,
}

impl World {
    /// Reports the measurements of all ranks so far, for each kind of work and name: calls, time,
    /// rates and their share of the copy bandwidth, waiting, and imbalance between ranks.
    ///
    /// The first report measures how fast all threads together copy memory. This takes a few tenths
    /// of a second and four times as much memory as the caches, at most 2 GiB on a node. See
    /// [`measure`](Self::measure) for an example.
    ///
    /// # Collective
    /// Over all ranks; every rank gets the same report.
    pub fn report(&self) -> Report {
        let measure = self.measure();
        let was_on = measure.is_on();
        measure.switch_off();
        let tallies = Tallies::of_all_ranks(self);
        let copy = copy::bandwidth(self);
        if was_on {
            measure.switch_on();
        }
        Report::new(self.size(), copy, &tallies)
    }
}

impl Report {
    fn new(ranks: usize, copy_gb_per_s: f64, tallies: &Tallies) -> Self {
        Self {
            ranks,
            threads: tallies.threads as usize,
            seconds: seconds(tallies.nanos_on),
            copy_gb_per_s,
            events_dropped: tallies.events_dropped,
            rows: tallies.rows.iter().map(|row| ReportRow::new(row, ranks, copy_gb_per_s)).collect(),
        }
    }

    /// Returns the row of this kind and name.
    pub fn row(&self, kind: Kind, name: &str) -> Option<&ReportRow> {
        self.rows.iter().find(|row| row.kind == kind && row.name == name)
    }

    /// Returns the report as JSON: an object with the field names of this type and of
    /// [`ReportRow`].
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and strings can be written as JSON")
    }
}

impl ReportRow {
    fn new(row: &TallyRow, ranks: usize, copy_gb_per_s: f64) -> Self {
        let mean = |nanos: u64| seconds(nanos) / ranks as f64;
        // 10⁹ per second is one per nanosecond.
        let rate =
            |count: u64| (count > 0 && row.nanos.most > 0).then(|| count as f64 / row.nanos.most as f64);
        let part = |part: Part| row.parts[part as usize];
        let gb_per_s = rate(row.bytes);
        let halo = HaloReport {
            messages: row.messages,
            bytes: row.bytes_sent,
            shared_bytes: row.bytes_shared,
            pack_seconds: seconds(part(Part::Pack).most),
            wait_seconds: seconds(part(Part::Wait).most),
            unpack_seconds: seconds(part(Part::Unpack).most),
        };
        Self {
            kind: row.kind,
            name: row.name.clone(),
            calls: row.calls,
            points: row.points,
            bytes: row.bytes,
            flops: (row.flops > 0).then_some(row.flops),
            seconds: seconds(row.nanos.most),
            seconds_mean: mean(row.nanos.sum),
            wait_seconds: seconds(part(Part::Wait).most),
            wait_seconds_mean: mean(part(Part::Wait).sum),
            imbalance: if row.busy.sum == 0 { 1.0 } else { seconds(row.busy.most) / mean(row.busy.sum) },
            glup_per_s: rate(row.points).filter(|_| row.kind.streams_memory()),
            gb_per_s,
            share_of_copy: gb_per_s.filter(|_| row.kind.streams_memory()).map(|rate| rate / copy_gb_per_s),
            gflop_per_s: rate(row.flops),
            halo: (matches!(row.kind, Kind::Exchange | Kind::Advance) || row.bytes_sent > 0).then_some(halo),
        }
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 * 1e-9
}
