//! What one rank has recorded: names, counts, times and the timeline.

use std::collections::HashMap;

use super::kind::{Kind, Part};

/// Everything recorded so far.
#[derive(Default)]
pub(super) struct State {
    numbers: HashMap<Box<str>, u32>,
    pub(super) names: Vec<Box<str>>,
    /// For each name and kind, the number of its row.
    places: Vec<[Option<u32>; Kind::COUNT]>,
    pub(super) rows: Vec<Row>,
    pub(super) scopes: Vec<Scope>,
    pub(super) scopes_made: u64,
    /// How many calls of the library are inside each other now.
    pub(super) depth: usize,
    /// The row of the outermost of them.
    pub(super) open: Option<u32>,
    pub(super) events: Vec<Event>,
    pub(super) most_events: usize,
    pub(super) events_dropped: u64,
    /// When it was last switched on, and for how long it had been on before.
    pub(super) since: Option<u64>,
    pub(super) before: u64,
}

/// What is known of all calls of one kind under one name.
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) name: u32,
    pub(super) tally: Tally,
}

/// Counts, bytes and nanoseconds.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) points: u64,
    pub(super) bytes: u64,
    pub(super) flops: u64,
    pub(super) nanos: u64,
    pub(super) parts: [u64; Part::COUNT],
    pub(super) messages: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_shared: u64,
}

/// A name given by the user, while its [`KernelScope`](crate::measure::KernelScope) lives.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) id: u64,
    pub(super) name: u32,
    pub(super) flops_per_point: u64,
}

/// A piece of the timeline.
#[derive(Clone, Copy)]
pub(super) struct Event {
    pub(super) what: What,
    pub(super) start: u64,
    pub(super) end: u64,
}

#[derive(Clone, Copy)]
pub(super) enum What {
    Call { kind: Kind, name: u32 },
    Part(Part),
}

impl State {
    /// The number that stands for a name: names are stored once.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.places.push([None; Kind::COUNT]);
        self.numbers.insert(name.into(), number);
        number
    }

    pub(super) fn row(&mut self, kind: Kind, name: u32) -> u32 {
        let Self { places, rows, .. } = self;
        *places[name as usize][kind as usize].get_or_insert_with(|| {
            rows.push(Row { kind, name, tally: Tally::default() });
            rows.len() as u32 - 1
        })
    }

    /// What to add to for the outermost call under way.
    pub(super) fn tally(&mut self) -> Option<&mut Tally> {
        self.open.map(|row| &mut self.rows[row as usize].tally)
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.open = None;
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() < self.most_events {
            self.events.push(event);
        } else if self.most_events > 0 {
            self.events_dropped += 1;
        }
    }
}
