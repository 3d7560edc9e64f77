//! Reports that environment variables ask for, without a change to the program.

use std::env;
use std::path::PathBuf;

use mpi::topology::SimpleCommunicator;
use mpi::traits::Communicator;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::messages::broadcast;
use crate::world::World;

/// Prints the report at the end; if it names a file, writes the report there as JSON too.
const MEASURE_VARIABLE: &str = "PARHELION_MEASURE";
/// Writes the timeline to this file at the end.
const TRACE_VARIABLE: &str = "PARHELION_TRACE";
/// Largest number of events of each rank in the timeline.
const EVENTS: usize = 100_000;

/// What is to be done when the world ends. Rank 0's environment counts.
#[derive(Debug, Serialize, Deserialize)]
struct AtEnd {
    report: bool,
    json: Option<PathBuf>,
    trace: Option<PathBuf>,
}

/// Begins to measure if the environment asks for a report or a timeline, which are then written
/// when the world's last handle is dropped.
///
/// # Collective
/// Over all ranks.
pub(crate) fn report_at_end(world: &World) {
    let at_end = AtEnd::from_environment(world.comm());
    if at_end.trace.is_some() {
        world.measure().keep_events(EVENTS);
    }
    if at_end.report || at_end.trace.is_some() {
        world.measure().switch_on();
        world.at_end(move |world| at_end.finish(world));
    }
}

impl AtEnd {
    /// # Collective
    /// Over all ranks.
    fn from_environment(comm: &SimpleCommunicator) -> Self {
        let wanted = |name| env::var(name).ok().filter(|value| !value.is_empty() && value != "0");
        let mut bytes = Vec::new();
        if comm.rank() == 0 {
            let measure = wanted(MEASURE_VARIABLE);
            let json = measure.as_ref().filter(|value| *value != "1").map(PathBuf::from);
            let mine =
                Self { report: measure.is_some(), json, trace: wanted(TRACE_VARIABLE).map(PathBuf::from) };
            bytes = serde_json::to_vec(&mine).expect("the paths came from strings");
        }
        serde_json::from_slice(&broadcast(comm, bytes)).expect("another rank of the same program wrote it")
    }

    /// Prints and writes what was asked for, where all went well.
    ///
    /// # Collective
    /// Over all ranks.
    fn finish(&self, world: &World) {
        // A rank on which something failed takes part, so that the others do not wait for it for
        // ever.
        let mut well = [u64::from(Error::unhandled().is_none())];
        world.all_min(&mut well);
        if well[0] == 0 {
            return;
        }
        if let Err(error) = self.write(world)
            && world.rank() == 0
        {
            eprintln!("parhelion: {error}");
        }
    }

    fn write(&self, world: &World) -> Result<()> {
        if self.report {
            let report = world.report();
            if world.rank() == 0 {
                eprint!("{report}");
            }
            let written = match &self.json {
                Some(path) if world.rank() == 0 => std::fs::write(path, report.to_json()).map_err(|error| {
                    Error::other(format!("cannot write the report to {}: {error}", path.display()))
                }),
                _ => Ok(()),
            };
            world.agree(written)?;
        }
        self.trace.as_ref().map_or(Ok(()), |path| world.write_trace(path))
    }
}
