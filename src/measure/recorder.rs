//! The stop-watch of one rank: calls, points, bytes and time per kind of work and name.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// The kinds of work that are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Grid::sweep`](crate::Grid::sweep).
    Sweep,
    /// [`Grid::update`](crate::Grid::update), [`Field::map`](crate::Field::map), [`Field::zip`](crate::Field::zip)
    /// and what is made of them.
    Update,
    /// [`Field::advance`](crate::Field::advance), its halo exchanges included.
    Advance,
    /// [`Field::fill`](crate::Field::fill) and its siblings.
    Fill,
    /// Sums, norms, extrema, counts, fingerprints and reductions of the user's.
    Reduce,
    /// Halo exchanges outside of [`Field::advance`](crate::Field::advance). What the caller computes between
    /// [`start`](crate::HaloPlan::start) and [`finish`](crate::Exchange::finish) is not part of them.
    Exchange,
    /// Reading a dataset.
    Read,
    /// Writing a dataset, and bringing the file to disk.
    Write,
}

impl Kind {
    pub(super) const COUNT: usize = Self::Write as usize + 1;

    /// As in reports.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Update => "update",
            Self::Advance => "advance",
            Self::Fill => "fill",
            Self::Reduce => "reduce",
            Self::Exchange => "exchange",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// Whether its bytes move between memory and cores, so that copying is its limit.
    pub(super) fn streams_memory(self) -> bool {
        !matches!(self, Self::Exchange | Self::Read | Self::Write)
    }
}

/// Parts of a call that are timed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Copying cells to messages.
    Pack,
    /// Waiting for other ranks: for messages, or for the result of a collective operation.
    Wait,
    /// Copying messages to cells.
    Unpack,
}

impl Part {
    pub(super) const COUNT: usize = Self::Unpack as usize + 1;

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Wait => "wait",
            Self::Unpack => "unpack",
        }
    }
}

/// Measures what this rank does; from [`World::measure`](crate::World::measure).
///
/// Off unless asked for: by [`switch_on`](Self::switch_on) or the environment (see
/// [`World::init`](crate::World::init)). While it is off, a call of the library pays one branch for it; while it is
/// on, less than a microsecond.
///
/// A handle: clones measure together. None of its methods is collective, but reports are of use only if all ranks
/// measure the same part of the program.
#[derive(Clone, Default)]
pub struct Measure(Rc<Shared>);

struct Shared {
    on: Cell<bool>,
    /// All times are nanoseconds since then.
    epoch: Instant,
    state: RefCell<State>,
    /// Gigabytes per second, once it was measured.
    copy_bandwidth: Cell<Option<f64>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            on: Cell::new(false),
            epoch: Instant::now(),
            state: RefCell::default(),
            copy_bandwidth: Cell::new(None),
        }
    }
}

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
    depth: usize,
    /// The row of the outermost of them.
    open: Option<u32>,
    pub(super) events: Vec<Event>,
    pub(super) most_events: usize,
    pub(super) events_dropped: u64,
    /// When it was last switched on, and for how long it had been on before.
    since: Option<u64>,
    before: u64,
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
}

/// A name given by the user, while its [`KernelScope`](crate::KernelScope) lives.
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

impl Measure {
    /// Measures from now on.
    pub fn switch_on(&self) {
        self.0.on.set(true);
        let now = self.now();
        self.state(|state| state.since = state.since.or(Some(now)));
    }

    /// Stops to measure; what was recorded stays.
    pub fn switch_off(&self) {
        self.0.on.set(false);
        let now = self.now();
        self.state(|state| {
            if let Some(since) = state.since.take() {
                state.before += now - since;
            }
        });
    }

    /// Whether it measures.
    pub fn is_on(&self) -> bool {
        self.0.on.get()
    }

    /// Forgets what was recorded, and goes on measuring if it did.
    pub fn clear(&self) {
        let now = self.now();
        self.state(|state| {
            // Rows keep their numbers: calls that are under way know them.
            state.rows.iter_mut().for_each(|row| row.tally = Tally::default());
            state.events.clear();
            (state.events_dropped, state.before) = (0, 0);
            state.since = state.since.map(|_| now);
        });
    }

    /// Keeps the first `most` calls, and parts of calls, for [`World::write_trace`](crate::World::write_trace),
    /// each with its start and end: 40 bytes each, taken now. Later ones are counted only.
    pub fn keep_events(&self, most: usize) {
        self.state(|state| {
            state.most_events = most;
            state.events.truncate(most);
            state.events.reserve_exact(most - state.events.len());
        });
    }

    /// Starts to time a call that has no name but the one the user may have given.
    #[inline]
    pub(crate) fn start(&self, kind: Kind) -> Timing {
        self.start_on(kind, "")
    }

    /// Starts to time a call that works on something of this name, unless the user gave it another.
    ///
    /// Calls that the call makes in turn appear in the timeline, but only the outermost one is counted.
    #[inline]
    pub(crate) fn start_on(&self, kind: Kind, name: &str) -> Timing {
        if !self.is_on() {
            return Timing(None);
        }
        self.begin(kind, name)
    }

    fn begin(&self, kind: Kind, name: &str) -> Timing {
        let call = self.state(|state| {
            let (name, flops_per_point) = match state.scopes.last() {
                Some(scope) => (scope.name, scope.flops_per_point),
                None => (state.number(name), 0),
            };
            let row = if state.depth == 0 { Some(state.row(kind, name)) } else { None };
            Call { kind, name, row, flops_per_point }
        });
        self.run(call)
    }

    /// Goes on with a call that paused. Its time is added to the rest; see [`Timing::end`].
    #[inline]
    pub(crate) fn resume(&self, call: Option<Call>) -> Timing {
        match call {
            Some(call) if self.is_on() => self.run(call),
            _ => Timing(None),
        }
    }

    fn run(&self, call: Call) -> Timing {
        self.state(|state| {
            if state.depth == 0 {
                state.open = call.row;
            }
            state.depth += 1;
        });
        Timing(Some(Running { measure: self.clone(), call, start: self.now() }))
    }

    /// Times a part of the call under way, until the result is dropped.
    #[inline]
    pub(crate) fn part(&self, part: Part) -> PartTiming {
        PartTiming(self.is_on().then(|| (self.clone(), part, self.now())))
    }

    /// Nanoseconds since the epoch.
    pub(super) fn now(&self) -> u64 {
        self.0.epoch.elapsed().as_nanos() as u64
    }

    /// Nanoseconds for which it has been on.
    pub(super) fn nanos_on(&self) -> u64 {
        let now = self.now();
        self.state(|state| state.before + state.since.map_or(0, |since| now - since))
    }

    /// What `bandwidth` says the first time.
    pub(super) fn copy_bandwidth(&self, bandwidth: impl FnOnce() -> f64) -> f64 {
        let known = self.0.copy_bandwidth.get().unwrap_or_else(bandwidth);
        self.0.copy_bandwidth.set(Some(known));
        known
    }

    /// Works on what was recorded. (No borrow of it outlives a call, so that there is never a second.)
    pub(super) fn state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.0.state.borrow_mut())
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measure").field("is_on", &self.is_on()).finish_non_exhaustive()
    }
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

    fn row(&mut self, kind: Kind, name: u32) -> u32 {
        let Self { places, rows, .. } = self;
        *places[name as usize][kind as usize].get_or_insert_with(|| {
            rows.push(Row { kind, name, tally: Tally::default() });
            rows.len() as u32 - 1
        })
    }

    /// What to add to for the outermost call under way.
    fn tally(&mut self) -> Option<&mut Tally> {
        self.open.map(|row| &mut self.rows[row as usize].tally)
    }

    fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.open = None;
        }
    }

    fn event(&mut self, event: Event) {
        if self.events.len() < self.most_events {
            self.events.push(event);
        } else if self.most_events > 0 {
            self.events_dropped += 1;
        }
    }
}

/// A call that is counted, or will be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    kind: Kind,
    name: u32,
    /// `None` for a call inside of another.
    row: Option<u32>,
    flops_per_point: u64,
}

/// A call under way. Dropping it, because of an error, forgets the call.
#[must_use = "a call that is not finished is not counted"]
pub(crate) struct Timing(Option<Running>);

struct Running {
    measure: Measure,
    call: Call,
    start: u64,
}

impl Timing {
    /// Counts the call: `points` evaluations of a rule that move `bytes_per_point` at least between
    /// memory and cores.
    #[inline]
    pub(crate) fn finish(self, points: usize, bytes_per_point: usize) {
        self.close(|tally, call| {
            if call.row.is_some() {
                tally.calls += 1;
                tally.points += points as u64;
                tally.bytes =
                    tally.bytes.saturating_add((points as u64).saturating_mul(bytes_per_point as u64));
                let flops = (points as u64).saturating_mul(call.flops_per_point);
                tally.flops = tally.flops.saturating_add(flops);
            }
        });
    }

    /// Counts an exchange whose messages are on their way; [`Measure::resume`] takes the result.
    #[inline]
    pub(crate) fn pause_exchange(self, bytes_sent: usize, messages: usize) -> Option<Call> {
        self.close(|tally, call| {
            tally.calls += u64::from(call.row.is_some());
            // Also those of exchanges inside of another call.
            tally.messages += messages as u64;
            tally.bytes_sent += bytes_sent as u64;
        })
    }

    /// Ends a call that was counted when it paused.
    #[inline]
    pub(crate) fn end(self) {
        self.close(|_, _| {});
    }

    #[inline]
    fn close(mut self, count: impl FnOnce(&mut Tally, &Call)) -> Option<Call> {
        let Running { measure, call, start } = self.0.take()?;
        let end = measure.now();
        measure.state(|state| {
            if let Some(tally) = state.tally() {
                count(tally, &call);
                if call.row.is_some() {
                    tally.nanos += end - start;
                }
            }
            state.event(Event { what: What::Call { kind: call.kind, name: call.name }, start, end });
            state.leave();
        });
        Some(call)
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        if let Some(running) = &self.0 {
            running.measure.state(State::leave);
        }
    }
}

/// A part of a call under way.
#[must_use = "the part ends where this is dropped"]
pub(crate) struct PartTiming(Option<(Measure, Part, u64)>);

impl Drop for PartTiming {
    fn drop(&mut self) {
        let Some((measure, part, start)) = &self.0 else { return };
        let end = measure.now();
        measure.state(|state| {
            if let Some(tally) = state.tally() {
                tally.parts[*part as usize] += end - start;
            }
            state.event(Event { what: What::Part(*part), start: *start, end });
        });
    }
}
