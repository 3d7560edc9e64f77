//! Building and running with one MPI: environment and target folder.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use parhelion_launcher::{Launch, MPI_VARIABLE, MPIRUN_VARIABLE, Mpirun, quoted};

use crate::Failure;
use crate::detect::Found;
use crate::shell::root;

/// The MPI and HDF5 of everything that is built and started.
pub(crate) struct Build {
    pub(crate) mpirun: Mpirun,
    description: String,
    environment: Vec<(&'static str, OsString)>,
    target: PathBuf,
}

impl Build {
    /// The build with what was `found`.
    pub(crate) fn new(found: &Found) -> Result<Self, Failure> {
        let (Some(mpirun), Some(mpicc), Some(hdf5)) = (&found.mpirun, &found.mpicc, &found.hdf5) else {
            return Err("MPI or HDF5 is missing; run `cargo xtask setup`".into());
        };
        let mut environment = vec![
            // By name, not by Debian's alternatives, which a second MPI may change.
            ("MPICC", mpicc.program.clone().into()),
            (MPI_VARIABLE, found.vendor.name().into()),
            (MPIRUN_VARIABLE, mpirun.path().into()),
        ];
        // Unset where the build finds HDF5 by itself: changing HDF5_DIR rebuilds half the tree.
        if let Some(root) = hdf5.root.as_ref().filter(|_| std::env::var_os("HDF5_DIR").is_none()) {
            environment.push(("HDF5_DIR", root.into()));
        }
        let target = target_folder(found.vendor.name())?;
        if target != root().join("target") {
            environment.push(("CARGO_TARGET_DIR", target.clone().into()));
        }
        let description =
            format!("{mpirun}, {} {}, parallel HDF5 {}", mpicc.program, mpicc.version, hdf5.version);
        Ok(Self { mpirun: mpirun.clone(), description, environment, target })
    }

    /// `cargo` in this environment, at the root of the workspace.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(args).envs(self.environment.clone()).current_dir(root());
        command
    }

    /// The environment variables that choose MPI, HDF5 and the target folder.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &std::ffi::OsStr)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_os_str()))
    }

    /// The shell command that makes plain `cargo` use the same MPI and HDF5.
    pub(crate) fn export(&self) -> String {
        let set = |(name, value): &(&str, OsString)| format!(" {name}={}", quoted(value));
        format!("export{}", self.environment.iter().map(set).collect::<String>())
    }

    /// Prepares to launch a program that was built, at the root of the workspace.
    pub(crate) fn launch(&self, program: impl AsRef<std::ffi::OsStr>) -> Launch {
        Launch::new(&self.mpirun, program).current_dir(root())
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &PathBuf {
        &self.target
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "using {}; target folder {}", self.description, self.target.display())
    }
}

/// Cargo's default target folder.
fn default_target() -> Result<PathBuf, Failure> {
    // Relative to the current directory, as in cargo.
    let given = std::env::var_os("CARGO_TARGET_DIR").map(std::path::absolute);
    Ok(given.transpose()?.unwrap_or_else(|| root().join("target")))
}

/// The default target folder belongs to the MPI that is first built in it, because the build script
/// of the MPI bindings does not notice another `MPICC`. Other MPIs get separate folders inside
/// it.
fn target_folder(vendor: &str) -> Result<PathBuf, Failure> {
    let target = default_target()?;
    let stamp = target.join("parhelion-mpi");
    match fs::read_to_string(&stamp) {
        Ok(owner) if owner.trim() == vendor => Ok(target),
        Ok(_) => Ok(target.join(vendor)),
        Err(_) => {
            fs::create_dir_all(&target)?;
            fs::write(&stamp, vendor)?;
            Ok(target)
        }
    }
}
