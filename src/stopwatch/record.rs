//! The records of one rank: names, counts, times and the timeline.

use std::collections::HashMap;

use super::kind::{Kind, Part};

/// Everything recorded so far.
#[derive(Default)]
pub(crate) struct State {
    numbers: HashMap<Box<str>, u32>,
    pub(crate) names: Vec<Box<str>>,
    /// For each name and kind, the number of its row.
    places: Vec<[Option<u32>; Kind::COUNT]>,
    pub(crate) rows: Vec<Row>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) scopes_made: u64,
    /// The depth of nested library calls now.
    pub(crate) depth: usize,
    /// The row of the outermost one.
    pub(crate) open: Option<u32>,
    pub(crate) events: Vec<Event>,
    pub(crate) most_events: usize,
    pub(crate) events_dropped: u64,
    /// When it was last switched on, and how long it had been on before.
    pub(crate) since: Option<u64>,
    pub(crate) before: u64,
}

/// All calls of one kind under one name.
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) name: u32,
    pub(crate) tally: Tally,
}

/// Counts, bytes and nanoseconds.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) points: u64,
    pub(crate) bytes: u64,
    pub(crate) flops: u64,
    pub(crate) nanos: u64,
    pub(crate) parts: [u64; Part::COUNT],
    pub(crate) messages: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_shared: u64,
}

/// A name given by the user, while its [`KernelScope`](crate::measure::KernelScope) lives.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) id: u64,
    pub(crate) name: u32,
    pub(crate) flops_per_point: u64,
}

/// A piece of the timeline.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) what: What,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

#[derive(Clone, Copy)]
pub(crate) enum What {
    Call { kind: Kind, name: u32 },
    Part(Part),
}

impl State {
    /// The number that stands for a name: names are stored once.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.places.push([None; Kind::COUNT]);
        self.numbers.insert(name.into(), number);
        number
    }

    pub(crate) fn row(&mut self, kind: Kind, name: u32) -> u32 {
        let Self { places, rows, .. } = self;
        *places[name as usize][kind as usize].get_or_insert_with(|| {
            rows.push(Row { kind, name, tally: Tally::default() });
            rows.len() as u32 - 1
        })
    }

    /// The counts of the outermost call under way.
    pub(crate) fn tally(&mut self) -> Option<&mut Tally> {
        self.open.map(|row| &mut self.rows[row as usize].tally)
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.open = None;
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        if self.events.len() < self.most_events {
            self.events.push(event);
        } else if self.most_events > 0 {
            self.events_dropped += 1;
        }
    }
}
