//! One running `mpirun`: its time limit and the end of everything it started.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::LaunchError;

/// Environment variable that marks all processes of one launch. Open MPI and Hydra put ranks into
/// separate process groups (Hydra also into separate sessions), and a rank whose `mpirun` was
/// killed has no parent left to find it by; it still has its environment. A launch within a launch
/// extends the outer mark.
const MARK: &str = "PARHELION_LAUNCH";

/// Time for `mpirun` to end its ranks once asked to.
const GRACE: Duration = Duration::from_secs(3);

/// Longest wait for the pipes to close after the processes are gone.
const DRAIN: Duration = Duration::from_secs(5);

/// A running `mpirun`; dropping it ends all its processes.
pub(crate) struct Job {
    child: Child,
    mark: OsString,
    started: Instant,
    ended: Option<Duration>,
    stdout: Option<Pipe>,
    stderr: Option<Pipe>,
}

impl Job {
    /// Starts `command`, which errors call `shown`.
    pub(crate) fn spawn(command: &mut Command, shown: String) -> Result<Self, LaunchError> {
        let mark = new_mark();
        command.env(MARK, &mark);
        let started = Instant::now();
        let mut child =
            command.spawn().map_err(|error| LaunchError::io(format!("cannot start `{shown}`"), error))?;
        let stdout = child.stdout.take().map(Pipe::drain);
        let stderr = child.stderr.take().map(Pipe::drain);
        Ok(Self { child, mark, started, ended: None, stdout, stderr })
    }

    /// Waits for the end; after `limit` ends the job by force and returns `None`.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> Result<Option<ExitStatus>, LaunchError> {
        let status = self.wait_for(limit)?;
        if !status.is_some_and(|status| status.success()) {
            self.end();
        }
        self.ended = Some(self.started.elapsed());
        Ok(status)
    }

    fn wait_for(&mut self, limit: Option<Duration>) -> Result<Option<ExitStatus>, LaunchError> {
        let lost = |error| LaunchError::io("cannot wait for mpirun", error);
        let Some(limit) = limit else { return self.child.wait().map(Some).map_err(lost) };
        let begin = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.child.try_wait().map_err(lost)? {
                return Ok(Some(status));
            }
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends all processes of the job: asks `mpirun` to, then kills what remains.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            send("TERM", &[self.child.id()]);
            let _ = self.wait_for(Some(GRACE));
        }
        // repeated until none is left: a rank may start another while the list is read
        for _ in 0..20 {
            let left = marked(&self.mark);
            if left.is_empty() {
                break;
            }
            send("KILL", &left);
            thread::sleep(Duration::from_millis(10));
        }
        // without /proc there is no list: at least mpirun itself; both fail only if it is gone
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Returns what `mpirun` itself wrote (standard output and error) and how long it ran.
    pub(crate) fn collect(mut self) -> (String, String, Duration) {
        let text = |pipe: Option<Pipe>| pipe.map(Pipe::text).unwrap_or_default();
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        (stdout, stderr, self.ended.unwrap_or_else(|| self.started.elapsed()))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.end();
        }
    }
}

fn new_mark() -> OsString {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let mut mark = std::env::var_os(MARK).unwrap_or_default();
    mark.push(format!("/{}-{count}-{time}", std::process::id()));
    mark
}

/// Processes (other than this one) that carry `mark` or one that extends it.
fn marked(mark: &OsString) -> Vec<u32> {
    let entry = format!("{MARK}={}", mark.to_string_lossy()).into_bytes();
    let carries = |pid: &u32| {
        // cannot be read for other users' processes, which are not ours
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| {
            variable.strip_prefix(&entry[..]).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        })
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != std::process::id()).filter(carries).collect()
}

/// Sends a signal by the shell's built-in `kill`: minimal systems have no program of that name.
fn send(signal: &str, pids: &[u32]) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill -s \"$0\" \"$@\"", signal]).args(pids.iter().map(u32::to_string));
    // fails for processes that are already gone, as intended
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// A pipe that a thread empties, so that the writer never blocks.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    done: Receiver<()>,
}

impl Pipe {
    fn drain(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, done) = mpsc::channel();
        let sink = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
            }
            // the receiver is gone if the drain took too long
            let _ = sender.send(());
        });
        Self { bytes, done }
    }

    /// Returns all that was read, or what came until now if something still holds the pipe open.
    fn text(self) -> String {
        let _ = self.done.recv_timeout(DRAIN);
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
