//! Finding the `mpirun` to use.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{LaunchError, Vendor, Version};

/// Environment variable with the path of the `mpirun` to use, over everything else.
pub const MPIRUN_VARIABLE: &str = "PARHELION_MPIRUN";

/// Environment variable with the vendor to use (`openmpi`, `mpich`, `intelmpi`).
pub const MPI_VARIABLE: &str = "PARHELION_MPI";

/// An `mpirun` that was found and works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpirun {
    path: PathBuf,
    vendor: Vendor,
    version: Version,
}

impl Mpirun {
    /// Finds the `mpirun` to use: `PARHELION_MPIRUN`, else one of the vendor in `PARHELION_MPI`,
    /// else the first of `mpirun`, `mpiexec`, `mpirun.openmpi`, `mpirun.mpich` on the `PATH`.
    ///
    /// # Errors
    ///
    /// If there is none, or it is of no known vendor.
    pub fn find() -> Result<Self, LaunchError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = set(MPIRUN_VARIABLE) {
            return Self::at(&path);
        }
        if let Some(vendor) = set(MPI_VARIABLE) {
            return Self::find_vendor(vendor.to_string_lossy().parse()?);
        }
        let names = ["mpirun", "mpiexec", "mpirun.openmpi", "mpirun.mpich"];
        Self::first(&names, |_| true).ok_or_else(|| {
            LaunchError::new(
                "no mpirun of Open MPI or MPICH on the PATH; install one (Debian: `apt-get install openmpi-bin`), \
                 load its module, or set PARHELION_MPIRUN to its path",
            )
        })
    }

    /// Finds the `mpirun` of one vendor on the `PATH`, by its own name (`mpirun.openmpi`, as Debian
    /// has it where several are installed) or by asking `mpirun` and `mpiexec` who they are.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn find_vendor(vendor: Vendor) -> Result<Self, LaunchError> {
        let names: &[&str] = match vendor {
            Vendor::OpenMpi => &["mpirun.openmpi", "mpirun", "mpiexec", "prterun"],
            Vendor::Mpich => &["mpirun.mpich", "mpirun", "mpiexec", "mpiexec.hydra"],
            Vendor::IntelMpi => &["mpirun", "mpiexec", "mpiexec.hydra"],
        };
        Self::first(names, |found| found.vendor == vendor).ok_or_else(|| {
            let names = names.join(", ");
            LaunchError::new(format!(
                "no mpirun of {vendor} on the PATH (looked for {names}); install {vendor}"
            ))
        })
    }

    /// Finds the `mpirun` that starts programs linked to the library which describes itself (by
    /// `MPI_Get_library_version`, which may be called before `MPI_Init`) as `library`.
    ///
    /// This is [`Mpirun::find`] unless that one is of another vendor; `PARHELION_MPIRUN` is taken
    /// as it is.
    ///
    /// # Errors
    ///
    /// If the library is of no known vendor or there is no `mpirun` for it.
    pub fn for_library(library: &str) -> Result<Self, LaunchError> {
        let vendor = Vendor::recognize(library).ok_or_else(|| {
            let first = library.lines().next().unwrap_or_default();
            LaunchError::new(format!(
                "cannot tell the vendor of the MPI library `{first}`; set PARHELION_MPIRUN"
            ))
        })?;
        match Self::find() {
            Ok(found) if found.vendor.starts(vendor) || std::env::var_os(MPIRUN_VARIABLE).is_some() => {
                Ok(found)
            }
            _ => Self::find_vendor(vendor),
        }
    }

    /// The `mpirun` at `program`, a path or a name on the `PATH`.
    ///
    /// # Errors
    ///
    /// If it cannot be started or does not say who made it.
    pub fn at(program: impl AsRef<OsStr>) -> Result<Self, LaunchError> {
        let program = program.as_ref();
        let shown = program.to_string_lossy();
        let answer = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        let answer =
            answer.map_err(|error| LaunchError::io(format!("cannot start `{shown} --version`"), error))?;
        let text = String::from_utf8_lossy(&answer.stdout) + String::from_utf8_lossy(&answer.stderr);
        let vendor = Vendor::recognize(&text).ok_or_else(|| {
            let first = text.lines().next().unwrap_or_default();
            LaunchError::new(format!("`{shown}` is of no MPI vendor known here; it says `{first}`"))
        })?;
        let version = Version::find(&text).unwrap_or_default();
        Ok(Self { path: on_path(program).unwrap_or_else(|| program.into()), vendor, version })
    }

    fn first(names: &[&str], fits: impl Fn(&Self) -> bool) -> Option<Self> {
        names.iter().filter_map(|name| Self::at(name).ok()).find(fits)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who made it.
    pub fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// Its version; 0.0.0 if it does not say.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl fmt::Display for Mpirun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.vendor, self.version, self.path.display())
    }
}

/// The full path of a bare program name; `None` for a path or if it is not on the `PATH`.
fn on_path(program: &OsStr) -> Option<PathBuf> {
    if Path::new(program).components().count() != 1 {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}
