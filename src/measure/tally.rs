//! Sums of the ranks' records.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::messages::{broadcast, receive_all, send_all};
use crate::stopwatch::kind::{Kind, Part};
use crate::stopwatch::record::{Row, Tally};
use crate::world::World;

/// Tag of the messages that carry tables up the tree.
const TALLY_TAG: i32 = 2;

/// Sums over several ranks: whole numbers only, so that the order of ranks cannot matter.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tallies {
    pub(super) threads: u64,
    pub(super) nanos_on: u64,
    pub(super) events_dropped: u64,
    pub(super) rows: Vec<TallyRow>,
}

/// Sums over several ranks for one kind and name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TallyRow {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The largest of any rank.
    pub(super) calls: u64,
    pub(super) points: u64,
    pub(super) bytes: u64,
    pub(super) flops: u64,
    pub(super) messages: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_shared: u64,
    pub(super) nanos: Spread,
    /// Without waiting for other ranks.
    pub(super) busy: Spread,
    pub(super) parts: [Spread; Part::COUNT],
}

/// A time of several ranks.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Spread {
    pub(super) most: u64,
    pub(super) sum: u64,
}

impl Spread {
    fn one(nanos: u64) -> Self {
        Self { most: nanos, sum: nanos }
    }

    fn add(&mut self, other: Self) {
        self.most = self.most.max(other.most);
        self.sum = self.sum.saturating_add(other.sum);
    }
}

impl TallyRow {
    fn of_one(row: &Row, name: &str) -> Self {
        let Tally { calls, points, bytes, flops, nanos, parts, messages, bytes_sent, bytes_shared } =
            row.tally;
        let busy = Spread::one(nanos.saturating_sub(parts[Part::Wait as usize]));
        let (nanos, parts) = (Spread::one(nanos), parts.map(Spread::one));
        let (kind, name) = (row.kind, name.to_owned());
        Self {
            kind,
            name,
            calls,
            points,
            bytes,
            flops,
            messages,
            bytes_sent,
            bytes_shared,
            nanos,
            busy,
            parts,
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls = self.calls.max(other.calls);
        for (mine, theirs) in [
            (&mut self.points, other.points),
            (&mut self.bytes, other.bytes),
            (&mut self.flops, other.flops),
            (&mut self.messages, other.messages),
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.bytes_shared, other.bytes_shared),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        self.nanos.add(other.nanos);
        self.busy.add(other.busy);
        self.parts.iter_mut().zip(other.parts).for_each(|(mine, theirs)| mine.add(theirs));
    }
}

impl Tallies {
    fn of_this_rank(world: &World) -> Self {
        let measure = world.measure();
        let (threads, nanos_on) = (world.threads() as u64, measure.nanos_on());
        measure.state(|state| Self {
            threads,
            nanos_on,
            events_dropped: state.events_dropped,
            rows: state
                .rows
                .iter()
                .filter(|row| row.tally != Tally::default())
                .map(|row| TallyRow::of_one(row, &state.names[row.name as usize]))
                .collect(),
        })
    }

    fn add(&mut self, other: Self) {
        self.threads += other.threads;
        self.nanos_on = self.nanos_on.max(other.nanos_on);
        self.events_dropped += other.events_dropped;
        let known: HashMap<_, _> =
            self.rows.iter().enumerate().map(|(n, row)| ((row.kind, row.name.clone()), n)).collect();
        for row in other.rows {
            match known.get(&(row.kind, row.name.clone())) {
                Some(&n) => self.rows[n].add(&row),
                None => self.rows.push(row),
            }
        }
    }

    /// The tables of all ranks in one, rows in the order of first use on rank 0.
    ///
    /// # Collective
    /// Over all ranks; every rank gets the same.
    pub(super) fn of_all_ranks(world: &World) -> Self {
        let mut mine = Self::of_this_rank(world);
        let (comm, rank, size) = (world.comm(), world.rank(), world.size());
        // A binomial tree: no rank ever holds more than two tables.
        let mut step = 1;
        while step < size {
            if rank % (2 * step) == step {
                send_all(comm, rank - step, TALLY_TAG, &encode(&mine));
                break;
            }
            if rank + step < size {
                mine.add(decode(&receive_all(comm, rank + step, TALLY_TAG)));
            }
            step *= 2;
        }
        decode(&broadcast(comm, if rank == 0 { encode(&mine) } else { Vec::new() }))
    }
}

fn encode(tallies: &Tallies) -> Vec<u8> {
    serde_json::to_vec(tallies).expect("whole numbers and strings can be written as JSON")
}

fn decode(bytes: &[u8]) -> Tallies {
    serde_json::from_slice(bytes).expect("another rank of the same program wrote it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, calls: u64, nanos: u64, waited: u64) -> TallyRow {
        let mut tally = Tally { calls, points: 10 * calls, nanos, ..Tally::default() };
        tally.parts[Part::Wait as usize] = waited;
        TallyRow::of_one(&Row { kind: Kind::Sweep, name: 0, tally }, name)
    }

    #[test]
    fn rows_of_one_name_are_added_and_others_kept() {
        let mut mine = Tallies { rows: vec![row("a", 1, 50, 0), row("b", 2, 60, 20)], ..Tallies::default() };
        mine.add(Tallies {
            nanos_on: 7,
            rows: vec![row("b", 3, 30, 0), row("c", 4, 1, 0)],
            ..Tallies::default()
        });
        let names: Vec<_> = mine.rows.iter().map(|row| &*row.name).collect();
        assert_eq!((names, mine.nanos_on), (vec!["a", "b", "c"], 7));
        let b = &mine.rows[1];
        assert_eq!((b.calls, b.points), (3, 50));
        assert_eq!((b.nanos.most, b.nanos.sum, b.busy.most, b.busy.sum), (60, 90, 40, 70));
        assert_eq!(b.parts[Part::Wait as usize].most, 20);
        let sent = decode(&encode(&mine));
        assert_eq!(format!("{sent:?}"), format!("{mine:?}"));
    }
}
