//! The timeline of all ranks, for Perfetto and Chrome.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use mpi::traits::{Communicator, Destination, Source};

use crate::error::{Error, ErrorKind, Result};
use crate::messages::{receive_all, send_all};
use crate::stopwatch::record::Event;
use crate::world::World;

const CLOCK_TAG: i32 = 3;
const TRACE_TAG: i32 = 4;
/// Number of messages back and forth, of which the fastest pair is used.
const PINGS: usize = 20;

impl World {
    /// Writes the timeline of all ranks to one file for <https://ui.perfetto.dev> or
    /// `chrome://tracing`: a JSON array of events in the Trace Event Format, where each process is
    /// a rank. Call [`Measure::keep_events`](crate::measure::Measure::keep_events) first.
    ///
    /// The name of a process tells how many of its events were dropped for lack of room. This call
    /// aligns the clocks of the ranks by messages back and forth, to within the time of a message.
    ///
    /// ```
    /// use parhelion::prelude::*;
    ///
    /// let world = World::init()?;
    /// world.measure().keep_events(10_000);
    /// world.measure().switch_on();
    /// Grid::builder([32, 32]).build(&world)?.field::<f64>("u").exchange()?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trace.json");
    /// world.write_trace(&path)?;
    /// # Ok::<(), parhelion::Error>(())
    /// ```
    ///
    /// # Collective
    /// Over all ranks. Only the path of rank 0 is used.
    ///
    /// # Errors
    /// When the file cannot be written, or a rank was not told to keep events; the same error on
    /// every rank.
    pub fn write_trace(&self, path: impl AsRef<Path>) -> Result<()> {
        let measure = self.measure();
        let was_on = measure.is_on();
        measure.switch_off();
        let written = self.write_events(path.as_ref());
        if was_on {
            measure.switch_on();
        }
        written
    }

    fn write_events(&self, path: &Path) -> Result<()> {
        self.agree(match self.measure().state(|state| state.most_events) {
            0 => Err(Error::new(
                ErrorKind::Argument,
                "there is no timeline to write: call world.measure().keep_events(100_000) before the work to be measured",
            )),
            _ => Ok(()),
        })?;
        let complaint = |error: std::io::Error| {
            Error::new(ErrorKind::File, format!("cannot write the timeline to {}: {error}", path.display()))
        };
        let root = self.rank() == 0;
        let file =
            self.agree(if root { File::create(path).map(Some).map_err(complaint) } else { Ok(None) })?;
        let ahead = nanos_ahead_of_root(self);
        // The first event of all is at 0. Shifted by half the range, signed times keep their order
        // as unsigned ones.
        let first = self.measure().state(|state| state.events.iter().map(|event| event.start).min());
        let mut earliest = [first.map_or(u64::MAX, |start| (start as i64 - ahead + i64::MAX / 2) as u64)];
        self.all_min(&mut earliest);
        let origin = if earliest[0] == u64::MAX { 0 } else { earliest[0] as i64 - i64::MAX / 2 };
        let mine = self.events_as_json(origin + ahead);
        let Some(file) = file else {
            send_all(self.comm(), 0, TRACE_TAG, mine.as_bytes());
            return self.agree(Ok(()));
        };
        // Every rank's events are received, whether or not they can be written.
        let mut file = BufWriter::new(file);
        let mut written = write!(file, "[\n{mine}");
        for rank in 1..self.size() {
            let theirs = receive_all(self.comm(), rank, TRACE_TAG);
            written = written.and_then(|()| file.write_all(b",\n")).and_then(|()| file.write_all(&theirs));
        }
        written = written.and_then(|()| file.write_all(b"\n]\n")).and_then(|()| file.flush());
        self.agree(written.map_err(complaint))
    }

    /// This rank's events, separated by commas. `origin` is the reading of its clock at time 0.
    fn events_as_json(&self, origin: i64) -> String {
        let rank = self.rank();
        self.measure().state(|state| {
            let dropped = match state.events_dropped {
                0 => String::new(),
                dropped => format!(" ({dropped} events dropped)"),
            };
            let mut text = format!(
                r#"{{"name":"process_name","ph":"M","pid":{rank},"tid":0,"args":{{"name":"rank {rank}{dropped}"}}}}"#
            );
            // Outer calls first: they are recorded after the inner ones, which end before them.
            let mut events = state.events.clone();
            events.sort_by_key(|event| (event.start, Reverse(event.end)));
            for Event { what, start, end } in &events {
                let name = serde_json::to_string(&what.label(&state.names)).expect("a string can be written as JSON");
                let (start, length) = (micros(*start as i64 - origin), micros((end - start) as i64));
                // Writing to a string cannot fail.
                let _ = write!(
                    text,
                    ",\n{{\"name\":{name},\"cat\":\"{}\",\"ph\":\"X\",\"ts\":{start},\"dur\":{length},\"pid\":{rank},\"tid\":0}}",
                    what.category()
                );
            }
            text
        })
    }
}

/// Nanoseconds as microseconds with all digits.
fn micros(nanos: i64) -> String {
    // The earliest event is at 0, whichever rank it is on.
    let nanos = nanos.max(0);
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

/// Nanoseconds by which this rank's clock is ahead of rank 0's. Rank 0 reads its clock in the
/// middle between question and answer.
///
/// # Collective
/// Over all ranks.
fn nanos_ahead_of_root(world: &World) -> i64 {
    let (comm, measure) = (world.comm(), world.measure());
    if world.rank() == 0 {
        for rank in 1..world.size() {
            let process = comm.process_at_rank(rank as i32);
            for _ in 0..PINGS {
                let _: (u64, _) = process.receive_with_tag(CLOCK_TAG);
                process.send_with_tag(&measure.now(), CLOCK_TAG);
            }
        }
        return 0;
    }
    let root = comm.process_at_rank(0);
    let answers = (0..PINGS).map(|_| {
        let asked = measure.now();
        root.send_with_tag(&asked, CLOCK_TAG);
        let (there, _): (u64, _) = root.receive_with_tag(CLOCK_TAG);
        let answered = measure.now();
        (answered - asked, ((asked + answered) / 2) as i64 - there as i64)
    });
    answers.min().map_or(0, |(_, ahead)| ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_keep_every_nanosecond() {
        assert_eq!([0, 7, 1_000, 12_345_678].map(micros), ["0.000", "0.007", "1.000", "12345.678"]);
    }
}
