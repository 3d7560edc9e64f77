//! `cargo xtask doctor`: reports what is installed, what is wrong and how to fix it.

use std::fs;
use std::time::Duration;

use parhelion_launcher::{Cores, Launch, Mpirun, Vendor};

use crate::Failure;
use crate::detect::Found;
use crate::install::{Need, advice};
use crate::shape::Shape;
use crate::shell::answer;

/// Prints what was found. Returns an error if a build would fail.
pub(crate) fn doctor(asked: Option<Vendor>) -> Result<(), Failure> {
    let found = Found::detect(asked)?;
    machine();
    programs(&found);
    let needs = Need::missing(&found);
    let mut wrong: Vec<String> =
        needs.iter().map(|need| format!("missing: {}", need.reason(found.vendor))).collect();
    if !needs.is_empty() {
        wrong.push(format!("`cargo xtask setup` installs it, or {}", advice(&needs, found.vendor)));
    }
    wrong.extend(mismatch(&found));
    wrong.extend(found.mpirun.as_ref().and_then(trial));
    if wrong.is_empty() {
        println!("\neverything is installed");
        return Ok(());
    }
    println!();
    wrong.iter().for_each(|fault| println!("! {fault}"));
    Err("something is missing or wrong; see the lines that begin with !".into())
}

fn row(name: &str, value: impl std::fmt::Display) {
    println!("{name:14} {value}");
}

fn machine() {
    let cores = Cores::available();
    let Cores { logical, physical, numa_nodes } = &cores;
    row("cores", format_args!("{physical} ({logical} hardware threads, {numa_nodes} NUMA nodes)"));
    let list = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = list.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(str::trim);
    row("affinity", mask.map_or("unknown".into(), |mask| format!("hardware threads {mask}")));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gigabytes = |name: &str| {
        let kilobytes =
            memory.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?;
        Some(kilobytes.parse::<f64>().ok()? * 1024.0 / 1e9)
    };
    if let (Some(total), Some(free)) = (gigabytes("MemTotal:"), gigabytes("MemAvailable:")) {
        row("memory", format_args!("{total:.1} GB, {free:.1} GB available"));
    }
    row("jobs run as", format_args!("{} (ranks x threads)", Shape::best(&cores)));
}

fn programs(found: &Found) {
    const MISSING: &str = "missing";
    let optional = |value: Option<String>| value.unwrap_or_else(|| MISSING.into());
    row("mpirun", optional(found.mpirun.as_ref().map(Mpirun::to_string)));
    row(
        "mpicc",
        optional(
            found
                .mpicc
                .as_ref()
                .map(|mpicc| format!("{} ({} {})", mpicc.program, found.vendor, mpicc.version)),
        ),
    );
    let hdf5 = found.hdf5.as_ref();
    row("parallel HDF5", optional(hdf5.map(|hdf5| format!("{} ({})", hdf5.version, hdf5.include.display()))));
    row("libclang", optional(found.libclang.as_ref().map(|path| path.display().to_string())));
    row("C compiler", optional(found.compiler.clone()));
    row("pkg-config", optional(found.pkg_config.clone()));
    row("cargo", optional(answer("cargo", &["--version"])));
    row(
        "python3",
        answer("python3", &["--version"]).unwrap_or_else(|| "missing (only comparison tests use it)".into()),
    );
    for other in
        [Vendor::OpenMpi, Vendor::Mpich, Vendor::IntelMpi].into_iter().filter(|&other| other != found.vendor)
    {
        if let Ok(mpirun) = Mpirun::find_vendor(other) {
            row("also here", format_args!("{mpirun}, use --mpi {}", other.name()));
        }
    }
}

/// A warning if `mpirun` and `mpicc` are of different versions: jobs may then not start.
fn mismatch(found: &Found) -> Option<String> {
    let (mpirun, mpicc) = (found.mpirun.as_ref()?, found.mpicc.as_ref()?);
    let (run, compile) = (mpirun.version(), mpicc.version);
    (run.major != compile.major).then(|| {
        format!("{mpirun} and {} {compile} have different versions; put both of one installation first on the PATH", mpicc.program)
    })
}

/// Starts a job of two ranks. Returns what is wrong if that fails.
fn trial(mpirun: &Mpirun) -> Option<String> {
    let outcome = Launch::new(mpirun, "true").ranks(2).timeout(Duration::from_secs(30)).output();
    match outcome {
        Ok(outcome) if outcome.success => None,
        Ok(outcome) => Some(format!("{mpirun} cannot start two ranks:\n{outcome}")),
        Err(error) => Some(error.to_string()),
    }
}
