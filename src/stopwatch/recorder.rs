//! The stop-watch of one rank, which the rest of the library calls around its work.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use super::kind::{Kind, Part};
use super::record::{Event, State, Tally, What};

/// Measures what this rank does; from [`World::measure`](crate::world::World::measure).
///
/// It is off until [`switch_on`](Self::switch_on) or the environment (see
/// [`World::init`](crate::world::World::init)) turns it on. A library call pays one branch for it
/// while it is off, and less than a microsecond while it is on.
///
/// It is a handle: clones measure together. None of its methods is collective, but a report makes
/// sense only if all ranks measure the same part of the program.
#[derive(Clone, Default)]
pub struct Measure(Rc<Shared>);

struct Shared {
    on: Cell<bool>,
    /// All times are nanoseconds since then.
    epoch: Instant,
    state: RefCell<State>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { on: Cell::new(false), epoch: Instant::now(), state: RefCell::default() }
    }
}

impl Measure {
    /// Starts to measure.
    pub fn switch_on(&self) {
        self.0.on.set(true);
        let now = self.now();
        self.state(|state| state.since = state.since.or(Some(now)));
    }

    /// Stops measuring and keeps the records.
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

    /// Deletes all records, and keeps measuring if it is on.
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

    /// Keeps the first `most` calls and parts of calls for
    /// [`World::write_trace`](crate::world::World::write_trace), each with its start and end. Each
    /// takes 40 bytes, allocated now. Later ones are only counted.
    pub fn keep_events(&self, most: usize) {
        self.state(|state| {
            state.most_events = most;
            state.events.truncate(most);
            state.events.reserve_exact(most - state.events.len());
        });
    }

    /// Starts to time a call that has no name, unless the user gave it one.
    #[inline]
    pub(crate) fn start(&self, kind: Kind) -> Timing {
        self.start_on(kind, "")
    }

    /// Starts to time a call on a field or dataset of this name, unless the user gave it another.
    ///
    /// Calls that the call makes in turn appear in the timeline, but only the outermost one is
    /// counted.
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

    /// Resumes a call that paused and adds to its time; see [`Timing::end`].
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
    pub(crate) fn now(&self) -> u64 {
        self.0.epoch.elapsed().as_nanos() as u64
    }

    /// Nanoseconds for which it has been on.
    pub(crate) fn nanos_on(&self) -> u64 {
        let now = self.now();
        self.state(|state| state.before + state.since.map_or(0, |since| now - since))
    }

    /// Works on the records. (No borrow outlives this call, so there is never a second one.)
    pub(crate) fn state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.0.state.borrow_mut())
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measure").field("is_on", &self.is_on()).finish_non_exhaustive()
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
    /// Counts the call: `points` evaluations of a rule, each of which moves at least
    /// `bytes_per_point` between memory and cores.
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

    /// Counts an exchange whose bytes, some of them in shared memory, are on their way;
    /// [`Measure::resume`] takes the result.
    #[inline]
    pub(crate) fn pause_exchange(
        self,
        bytes_sent: usize,
        bytes_shared: usize,
        messages: usize,
    ) -> Option<Call> {
        self.close(|tally, call| {
            tally.calls += u64::from(call.row.is_some());
            // Also those of exchanges inside of another call.
            tally.messages += messages as u64;
            tally.bytes_sent += bytes_sent as u64;
            tally.bytes_shared += bytes_shared as u64;
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
