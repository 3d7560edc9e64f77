//! The builder and the command line it makes.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::{Cores, LaunchError, Mpirun, Outcome, Vendor, job, outcome, quoted};

/// Environment variable with the number of threads of a rank.
pub const THREADS_VARIABLE: &str = "PARHELION_THREADS";

/// Environment variable with additional arguments for every `mpirun`, separated by white space.
///
/// `PARHELION_MPIRUN_ARGS="--mca btl tcp,self"` runs whole test suites over TCP.
pub const MPIRUN_ARGS_VARIABLE: &str = "PARHELION_MPIRUN_ARGS";

/// Binding of ranks to cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// No binding: every rank may use every core. Right for tests, for jobs that share a machine
    /// and for machines with one NUMA node.
    #[default]
    None,
    /// Binds each rank to as many cores as it has threads, so that its memory stays near. If that
    /// needs more cores than there are, same as [`Binding::None`].
    Cores,
}

/// A launch of a program on several ranks.
///
/// It makes the flags that `mpirun` needs for this number of ranks on this machine. `Display` shows
/// the command line, ready to be copied into a shell.
///
/// ```
/// # let Ok(mpirun) = parhelion_launcher::Mpirun::find() else { return };
/// use parhelion_launcher::Launch;
///
/// let launch = Launch::new(&mpirun, "target/release/examples/heat3d").args(["--steps", "100"]).ranks(2).threads(4);
/// println!("{launch}");
/// assert!(launch.to_string().ends_with("target/release/examples/heat3d --steps 100"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Launch {
    mpirun: Mpirun,
    program: OsString,
    args: Vec<OsString>,
    ranks: usize,
    threads: Option<usize>,
    env: Vec<(OsString, OsString)>,
    current_dir: Option<PathBuf>,
    timeout: Option<Duration>,
    tagged: bool,
    binding: Binding,
    mpirun_args: Vec<OsString>,
}

impl Launch {
    /// One rank of `program` (a path, or a name on the `PATH`), with no arguments and no time
    /// limit.
    pub fn new(mpirun: &Mpirun, program: impl AsRef<OsStr>) -> Self {
        Self {
            mpirun: mpirun.clone(),
            program: program.as_ref().into(),
            args: Vec::new(),
            ranks: 1,
            threads: None,
            env: Vec::new(),
            current_dir: None,
            timeout: None,
            tagged: false,
            binding: Binding::None,
            mpirun_args: Vec::new(),
        }
    }

    /// Adds one argument of the program.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().into());
        self
    }

    /// Adds arguments of the program.
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(self, args: I) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets the number of ranks; may exceed the number of cores. Default: 1.
    pub fn ranks(mut self, ranks: usize) -> Self {
        self.ranks = ranks;
        self
    }

    /// Sets the threads of each rank, passed on as `PARHELION_THREADS`. Default: each rank decides.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets an environment variable of the ranks, on every node.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Sets the working directory of the ranks.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.current_dir = Some(folder.as_ref().into());
        self
    }

    /// Ends the job, with all its processes, after this time. Default: no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets whether [`Launch::run`] marks each line with its rank. Default: no.
    ///
    /// For people to read only: Open MPI 4.1 drops text this way when a rank writes many very short
    /// lines at once. [`Launch::output`] does not use it and loses nothing.
    pub fn tagged(mut self, tagged: bool) -> Self {
        self.tagged = tagged;
        self
    }

    /// Sets the binding of ranks to cores. Default: [`Binding::None`].
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Makes ranks of one node communicate by TCP too, as a stand-in for a slow network.
    pub fn slow_transport(self) -> Self {
        match self.mpirun.vendor() {
            Vendor::OpenMpi => self.mpirun_args(["--mca", "pml", "ob1", "--mca", "btl", "tcp,self"]),
            // for either of the two libraries that MPICH may be built on
            Vendor::Mpich => self.env("UCX_TLS", "tcp,self").env("FI_PROVIDER", "tcp"),
            Vendor::IntelMpi => self.env("I_MPI_FABRICS", "ofi").env("FI_PROVIDER", "tcp"),
        }
    }

    /// Adds arguments of `mpirun` itself, after those made here.
    pub fn mpirun_args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.mpirun_args.extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Runs the job with this process's own input and output, and waits for its end.
    ///
    /// # Errors
    ///
    /// If it could not be started, or ran into its time limit and was killed.
    pub fn run(&self) -> Result<ExitStatus, LaunchError> {
        let mut command = self.command(self.tagged, &[])?;
        let mut job = job::Job::spawn(&mut command, self.to_string())?;
        job.wait(self.timeout)?.ok_or_else(|| {
            let limit = self.timeout.unwrap_or_default().as_secs_f64();
            LaunchError::new(format!("killed after the time limit of {limit} s: {self}"))
        })
    }

    /// Runs the job with no input and collects what it writes, rank by rank, every byte of it.
    ///
    /// The ranks write to files in the system's temporary folder, so on several nodes `TMPDIR`
    /// must be a folder that they share.
    ///
    /// # Errors
    ///
    /// If it could not be started. A job that fails or runs into its time limit is an [`Outcome`].
    pub fn output(&self) -> Result<Outcome, LaunchError> {
        let files = outcome::RankFiles::create()?;
        let mut command = self.command(false, &files.wrapper())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut job = job::Job::spawn(&mut command, self.to_string())?;
        let status = job.wait(self.timeout)?;
        Ok(files.collect(self, job, status))
    }

    /// The command of `mpirun`; `wrapper` comes before the program.
    fn command(&self, tagged: bool, wrapper: &[OsString]) -> Result<Command, LaunchError> {
        if self.ranks == 0 {
            return Err(LaunchError::new("0 ranks were asked for; at least 1 is needed"));
        }
        if self.threads == Some(0) {
            return Err(LaunchError::new("0 threads a rank were asked for; at least 1 is needed"));
        }
        let mut command = Command::new(self.mpirun.path());
        command.args(self.flags(tagged)).args(wrapper).arg(&self.program).args(&self.args);
        command.envs(self.variables());
        if let Some(folder) = &self.current_dir {
            command.current_dir(folder);
        }
        Ok(command)
    }

    /// Environment variables of the ranks.
    fn variables(&self) -> Vec<(OsString, OsString)> {
        let threads = self.threads.map(|n| (THREADS_VARIABLE.into(), n.to_string().into()));
        threads.into_iter().chain(self.env.iter().cloned()).collect()
    }

    /// All arguments between `mpirun` and the program.
    fn flags(&self, tagged: bool) -> Vec<OsString> {
        let mut flags = match self.mpirun.vendor() {
            Vendor::OpenMpi => self.openmpi_flags(tagged),
            Vendor::Mpich | Vendor::IntelMpi => self.hydra_flags(tagged),
        };
        let more = std::env::var(MPIRUN_ARGS_VARIABLE).unwrap_or_default();
        flags.extend(more.split_whitespace().map(OsString::from));
        flags.extend(self.mpirun_args.iter().cloned());
        flags
    }

    fn openmpi_flags(&self, tagged: bool) -> Vec<OsString> {
        let prrte = self.mpirun.version().major >= 5;
        let mut flags: Vec<OsString> = vec!["-n".into(), self.ranks.to_string().into()];
        let mut add = |args: &[&str]| flags.extend(args.iter().map(OsString::from));
        if is_root() {
            add(&["--allow-run-as-root"]);
        }
        match self.cores_a_rank() {
            // PE=n counts cores; an older default would undo it without `--bind-to core`
            Some(n) => add(&["--map-by", &format!("slot:PE={n}"), "--bind-to", "core"]),
            None => add(&["--bind-to", "none"]),
        }
        // its slots are physical cores, not hardware threads
        if self.ranks > Cores::available().physical {
            add(if prrte { &["--map-by", ":OVERSUBSCRIBE"] } else { &["--oversubscribe"] });
        }
        if tagged {
            add(if prrte { &["--output", "tag"] } else { &["--tag-output"] });
        }
        // unlike Hydra, it passes only named variables on to other nodes
        for (name, _) in self.variables() {
            flags.extend(["-x".into(), name]);
        }
        flags
    }

    fn hydra_flags(&self, tagged: bool) -> Vec<OsString> {
        let mut flags: Vec<OsString> = vec!["-n".into(), self.ranks.to_string().into()];
        let mut add = |args: &[&str]| flags.extend(args.iter().map(OsString::from));
        // Intel's Hydra is steered by I_MPI_PIN variables and has no -bind-to of this form
        if self.mpirun.vendor() == Vendor::Mpich {
            let target = self.cores_a_rank().map_or("none".into(), |n| format!("core:{n}"));
            add(&["-bind-to", &target]);
        }
        if tagged {
            add(&["-prepend-rank"]);
        }
        flags
    }

    /// Cores that each rank is bound to, if ranks are to be bound and there are enough.
    fn cores_a_rank(&self) -> Option<usize> {
        let cores = self.threads.unwrap_or(1);
        let fits = self.ranks.checked_mul(cores).is_some_and(|all| all <= Cores::available().physical);
        (self.binding == Binding::Cores && fits).then_some(cores)
    }

    /// Number of ranks, for reading the outcome.
    pub(crate) fn rank_count(&self) -> usize {
        self.ranks
    }
}

/// The command line, quoted for a POSIX shell.
impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(folder) = &self.current_dir {
            write!(f, "cd {} && ", quoted(folder))?;
        }
        for (name, value) in self.variables() {
            write!(f, "{}={} ", name.to_string_lossy(), quoted(&value))?;
        }
        write!(f, "{}", quoted(self.mpirun.path()))?;
        let words =
            self.flags(self.tagged).into_iter().chain([self.program.clone()]).chain(self.args.clone());
        words.into_iter().try_for_each(|word| write!(f, " {}", quoted(&word)))
    }
}

/// Whether this process runs as root, which Open MPI refuses without a flag.
fn is_root() -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        Command::new("id").arg("-u").output().is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
    }
}
