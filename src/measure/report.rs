//! The performance report.

use serde::{Deserialize, Serialize};

use super::copy;
use super::kind::{Kind, Part};
use super::tally::{Tallies, TallyRow};
use crate::world::World;

/// What the ranks measured: a table when printed, a value for serde; made by [`World::report`].
///
/// # How it counts
///
/// **Points** are evaluations of a rule (in files, values): points of the region, times components where the rule runs for each, times
/// steps. **Bytes** are those that must move between memory and cores at least, if nothing stays in a cache from
/// one call to the next: every input once, every output once, and once more if its old value is read. What a
/// store brings from memory only to overwrite it (*write-allocate*), halos and inputs that are read twice because
/// the cache is too small are not counted: they are what makes the share of the copy bandwidth less than 1. It
/// exceeds 1 where data stays in the cache, as in small grids or where several steps are done in one pass over memory.
/// **Seconds** are the longest of all ranks unless named otherwise; rates are sums over all ranks divided by them.
///
/// A call inside another (the halo exchanges of [`Field::advance`](crate::field::Field::advance)) belongs to the outer one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many ranks there are.
    pub ranks: usize,
    /// Threads of all ranks together.
    pub threads: usize,
    /// For how long the ranks measured.
    pub seconds: f64,
    /// What all threads copied at the same time, in 10⁹ bytes per second, read and written.
    pub copy_gb_per_s: f64,
    /// Events of all ranks for which the timeline had no room.
    pub events_dropped: u64,
    /// One for each kind and name, in the order of first use.
    pub rows: Vec<ReportRow>,
}

/// One line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// What was done.
    pub kind: Kind,
    /// The name that the user gave, or that of the field or dataset; may be empty.
    pub name: String,
    /// How often; the most of any rank.
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
    /// Longest time for which a rank waited for others: for the cells of a halo, or at the end of a reduction.
    pub wait_seconds: f64,
    /// Mean time for which a rank waited.
    pub wait_seconds_mean: f64,
    /// Time of the busiest rank over the mean, waiting left out: 1 if all had the same to do.
    pub imbalance: f64,
    /// 10⁹ points per second ("lattice updates"); `None` without points or time, and for files.
    pub glup_per_s: Option<f64>,
    /// 10⁹ bytes per second; `None` without bytes or time.
    pub gb_per_s: Option<f64>,
    /// Bandwidth over that of copying; `None` for exchanges and files.
    pub share_of_copy: Option<f64>,
    /// 10⁹ floating-point operations per second.
    pub gflop_per_s: Option<f64>,
    /// What halo exchanges sent, and their parts.
    pub halo: Option<HaloReport>,
}

/// The halo exchanges of one line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaloReport {
    /// Messages sent by all ranks.
    pub messages: u64,
    /// Bytes sent by all ranks, in messages and through shared memory, padding between fields included.
    pub bytes: u64,
    /// Those of them that went through memory shared with neighbors on the same node.
    pub shared_bytes: u64,
    /// Longest time of a rank for copying cells to messages or shared memory.
    pub pack_seconds: f64,
    /// Longest time for which a rank waited for others.
    pub wait_seconds: f64,
    /// Longest time of a rank for copying messages or shared memory to cells.
    pub unpack_seconds: f64,
}

impl World {
    /// What all ranks measured so far, for each kind of work and name: calls, time, rates and their share of what
    /// memory allows, waiting, and imbalance between ranks.
    ///
    /// The first report measures how fast all threads together copy memory, which takes some tenths of a second
    /// and memory of four times the caches, 2 GiB on a node at most. See [`measure`](Self::measure) for an example.
    ///
    /// # Collective
    /// Over all ranks; every rank gets the same report.
    pub fn report(&self) -> Report {
        let measure = self.measure();
        let was_on = measure.is_on();
        measure.switch_off();
        let tallies = Tallies::of_all_ranks(self);
        let copy = measure.copy_bandwidth(|| copy::bandwidth(self));
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

    /// The line of this kind and name.
    pub fn row(&self, kind: Kind, name: &str) -> Option<&ReportRow> {
        self.rows.iter().find(|row| row.kind == kind && row.name == name)
    }

    /// The report as JSON: an object with the names of the fields of this type and of [`ReportRow`].
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
