//! The output of a job's ranks, and how it ended.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::job::Job;
use crate::{Launch, LaunchError};

/// The end and the output of a job; `Display` shows all of it with the command line.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether the job ended by itself and reported success.
    pub success: bool,
    /// Whether it ran into its time limit and was killed.
    pub timed_out: bool,
    /// Exit status of `mpirun`; `None` after the time limit.
    pub status: Option<ExitStatus>,
    /// Standard output of all ranks, one rank after the other, then that of `mpirun` itself.
    pub stdout: String,
    /// Standard error of all ranks, one rank after the other, then that of `mpirun` itself.
    pub stderr: String,
    /// Output of `mpirun` itself, such as which rank was killed by which signal (if it says so).
    pub launcher: String,
    /// Wall time from start to end.
    pub elapsed: Duration,
    ranks: Vec<RankOutput>,
    command: String,
}

/// The output of one rank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankOutput {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// Returns the output of each rank; empty for a rank that was not started.
    pub fn ranks(&self) -> &[RankOutput] {
        &self.ranks
    }

    /// Returns the command line, ready to be copied into a shell.
    pub fn command(&self) -> &str {
        &self.command
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "$ {}", self.command)?;
        match self.status {
            Some(status) => writeln!(f, "{status} after {seconds:.2} s")?,
            None => writeln!(f, "killed at its time limit, after {seconds:.2} s")?,
        }
        for (rank, output) in self.ranks.iter().enumerate() {
            for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                text.lines().try_for_each(|line| writeln!(f, "[rank {rank} {name}] {line}"))?;
            }
        }
        self.launcher.lines().try_for_each(|line| writeln!(f, "[mpirun] {line}"))
    }
}

/// A temporary folder with two files for each rank, into which the ranks write directly.
///
/// Separating the ranks in the output of `mpirun` (`--tag-output`, `-prepend-rank`) would lose
/// text: Open MPI 4.1 drops what does not fit its buffer once the tags are added, and an aborted
/// job loses what was still in transit. A file has every byte written before the rank ended.
pub(crate) struct RankFiles {
    folder: PathBuf,
}

/// Sends the output of the rank to its files and becomes the program. `$0` is the folder.
const WRAPPER: &str =
    r#"f="$0/${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-${PMIX_RANK:-0}}}"; exec "$@" >"$f.out" 2>"$f.err""#;

impl RankFiles {
    pub(crate) fn create() -> Result<Self, LaunchError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let time = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let name = format!("parhelion-launch-{}-{count}-{time}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(|error| {
            LaunchError::io(format!("cannot create {} for the ranks' output", folder.display()), error)
        })?;
        Ok(Self { folder })
    }

    /// The words before the program and its arguments.
    pub(crate) fn wrapper(&self) -> [OsString; 4] {
        ["/bin/sh".into(), "-c".into(), WRAPPER.into(), self.folder.clone().into()]
    }

    pub(crate) fn collect(&self, launch: &Launch, job: Job, status: Option<ExitStatus>) -> Outcome {
        let (launcher_stdout, launcher_stderr, elapsed) = job.collect();
        // a rank that never started has no file
        let read = |name: String| fs::read(self.folder.join(name)).unwrap_or_default();
        let text = |name| String::from_utf8_lossy(&read(name)).into_owned();
        let rank = |r| RankOutput { stdout: text(format!("{r}.out")), stderr: text(format!("{r}.err")) };
        let ranks: Vec<RankOutput> = (0..launch.rank_count()).map(rank).collect();
        let stdout = ranks.iter().map(|rank| &rank.stdout[..]).chain([&launcher_stdout[..]]).collect();
        let stderr = ranks.iter().map(|rank| &rank.stderr[..]).chain([&launcher_stderr[..]]).collect();
        Outcome {
            success: status.is_some_and(|status| status.success()),
            timed_out: status.is_none(),
            status,
            stdout,
            stderr,
            launcher: launcher_stdout + &launcher_stderr,
            elapsed,
            ranks,
            command: launch.to_string(),
        }
    }
}

impl Drop for RankFiles {
    fn drop(&mut self) {
        // at worst it stays behind, in a folder for temporary files
        let _ = fs::remove_dir_all(&self.folder);
    }
}
