//! Command-line options for checkpoints, and the saving and restarting that they control.

use std::path::PathBuf;
use std::time::Duration;

use parhelion::checkpoint::{Checkpoint, Checkpoints, Restart, StopReason, StopRequest};
use parhelion::{Error, Result, World};

use crate::cli::Written;

/// Options for checkpoints.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Checkpointing {
    /// Directory and name of the checkpoints: run/heat makes run/heat.00000001.h5 and so on.
    #[arg(long, value_name = "PATH", default_value = "checkpoint")]
    checkpoint: PathBuf,
    /// Save a checkpoint every STEPS steps, and when SIGTERM or SIGUSR1 asks the run to end.
    #[arg(long, value_name = "STEPS")]
    checkpoint_every: Option<usize>,
    /// Number of checkpoints to keep.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    checkpoint_keep: usize,
    /// Resume from the newest checkpoint, if there is one.
    #[arg(long)]
    restart: bool,
    /// Save a checkpoint and end after SECONDS seconds.
    #[arg(long, value_name = "SECONDS", requires = "checkpoint_every")]
    time_limit: Option<f64>,
}

/// Saves the checkpoints of a run.
pub(crate) struct Saver<'w> {
    world: &'w World,
    checkpoints: Checkpoints<'w>,
    every: Option<usize>,
    stop: Option<StopRequest<'w>>,
    /// The checkpoint to resume from.
    pub(crate) saved: Option<Restart<'w>>,
}

/// Refuses to resume with a parameter that differs from the first run's.
pub(crate) fn check_parameter(saved: &Restart<'_>, name: &str, value: f64) -> Result<()> {
    let before: f64 = saved.scalar(name)?;
    if before == value {
        return Ok(());
    }
    let path = saved.path().display();
    Err(Error::other(format!(
        "{path} was saved by a run whose {name} is {before:?}, but this one's is {value:?}"
    )))
}

/// Most steps between two checks of signals and the clock.
const STEPS_BETWEEN_LOOKS: usize = 100;

impl Checkpointing {
    /// The name of the checkpoints, if the run may save any.
    pub(crate) fn file(&self) -> Written<'_> {
        ("--checkpoint", self.checkpoint_every.map(|_| self.checkpoint.as_path()))
    }

    /// Checks the options and finds the checkpoint to resume from if `--restart` is given.
    pub(crate) fn begin<'w>(&self, world: &'w World) -> Result<Saver<'w>> {
        if self.checkpoint_every == Some(0) {
            return world.agree(Err(Error::other("--checkpoint-every needs at least 1 step")));
        }
        let mut checkpoints = Checkpoints::new(world, &self.checkpoint)?.keep(self.checkpoint_keep);
        let mut stop = self.checkpoint_every.map(|_| StopRequest::listen(world)).transpose()?;
        if let Some(seconds) = self.time_limit {
            let limit = Duration::try_from_secs_f64(seconds).map_err(Error::other);
            let limit = world.agree(limit)?;
            stop = stop.map(|stop| stop.after(limit));
        }
        let saved = if self.restart { checkpoints.restart()? } else { None };
        if let Some(saved) = saved.as_ref().filter(|_| world.rank() == 0) {
            println!("resumes from step {} of {}", saved.step(), saved.path().display());
        }
        Ok(Saver { world, checkpoints, every: self.checkpoint_every, stop, saved })
    }
}

impl Saver<'_> {
    /// Number of steps until [`after`](Self::after) must be called again.
    #[allow(dead_code, reason = "some applications make single steps")]
    pub(crate) fn next(&self, step: usize, steps: usize) -> usize {
        let until_checkpoint = self.every.map_or(usize::MAX, |every| every - step % every);
        let until_look = if self.stop.is_some() { STEPS_BETWEEN_LOOKS } else { usize::MAX };
        (steps - step).min(until_checkpoint).min(until_look)
    }

    /// Saves a checkpoint if one is due; returns the reason if the run must end.
    pub(crate) fn after<'a>(
        &mut self,
        step: usize,
        checkpoint: impl FnOnce() -> Checkpoint<'a>,
    ) -> Result<Option<StopReason>> {
        let reason = self.stop.as_ref().and_then(StopRequest::check);
        if reason.is_some() || self.every.is_some_and(|every| step.is_multiple_of(every)) {
            let path = self.checkpoints.save(checkpoint())?;
            if let Some(reason) = reason.filter(|_| self.world.rank() == 0) {
                println!("{reason}: saved step {step} in {}; ends", path.display());
            }
        }
        Ok(reason)
    }
}
