//! Installs what is missing with apt, or prints the commands to type.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use parhelion_launcher::Vendor;

use crate::Failure;
use crate::detect::Found;
use crate::shell::{answer, run, say};

/// Whether to install without asking.
static YES: AtomicBool = AtomicBool::new(false);

/// Sets whether packages are installed without asking.
pub(crate) fn assume_yes(yes: bool) {
    YES.store(yes, Ordering::Relaxed);
}

/// Asks on a terminal whether to install. Without a terminal, as in CI, the answer is yes.
fn confirmed() -> Result<bool, Failure> {
    if YES.load(Ordering::Relaxed) || !std::io::stdin().is_terminal() {
        return Ok(true);
    }
    print!("install them? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Something a build needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A C compiler and its headers.
    Compiler,
    /// `pkg-config`.
    PkgConfig,
    /// `mpirun`, `mpicc` and `mpi.h`.
    Mpi,
    /// HDF5 built with the same MPI.
    Hdf5,
    /// The library behind bindgen.
    Libclang,
    /// hypre, which a benchmark compares with; no build needs it.
    Hypre,
}

impl Need {
    /// What `found` lacks.
    pub(crate) fn missing(found: &Found) -> Vec<Self> {
        let lacks = [
            (Self::Compiler, found.compiler.is_none()),
            (Self::PkgConfig, found.pkg_config.is_none()),
            (Self::Mpi, found.mpirun.is_none() || found.mpicc.is_none()),
            (Self::Hdf5, found.hdf5.is_none()),
            (Self::Libclang, found.libclang.is_none()),
        ];
        lacks.into_iter().filter_map(|(need, lacking)| lacking.then_some(need)).collect()
    }

    /// What it is, and what it is for.
    pub(crate) fn reason(self, vendor: Vendor) -> String {
        match self {
            Self::Compiler => "a C compiler (linking, and the C part of the MPI bindings)".into(),
            Self::PkgConfig => "pkg-config (finds HDF5)".into(),
            Self::Mpi => format!("{vendor} with mpirun, mpicc and mpi.h (starts ranks and passes messages)"),
            Self::Hdf5 => format!("HDF5 built with {vendor} (parallel input and output)"),
            Self::Libclang => "libclang (bindgen reads mpi.h with it)".into(),
            Self::Hypre => "hypre (what the benchmark compares with)".into(),
        }
    }

    fn debian(self, vendor: Vendor) -> &'static [&'static str] {
        match (self, vendor) {
            (Self::Compiler, _) => &["build-essential"],
            (Self::PkgConfig, _) => &["pkg-config"],
            (Self::Mpi, Vendor::OpenMpi) => &["openmpi-bin", "libopenmpi-dev"],
            (Self::Mpi, _) => &["mpich", "libmpich-dev"],
            (Self::Hdf5, Vendor::OpenMpi) => &["libhdf5-openmpi-dev", "hdf5-tools"],
            (Self::Hdf5, _) => &["libhdf5-mpich-dev", "hdf5-tools"],
            (Self::Libclang, _) => &["libclang-dev", "clang"],
            // Debian's hypre is built with Open MPI, and runs as a separate job.
            (Self::Hypre, _) => &["libhypre-dev", "openmpi-bin", "libopenmpi-dev"],
        }
    }

    fn fedora(self, vendor: Vendor) -> &'static [&'static str] {
        match (self, vendor) {
            (Self::Compiler, _) => &["gcc"],
            (Self::PkgConfig, _) => &["pkgconf-pkg-config"],
            (Self::Mpi, Vendor::OpenMpi) => &["openmpi-devel"],
            (Self::Mpi, _) => &["mpich-devel"],
            (Self::Hdf5, Vendor::OpenMpi) => &["hdf5-openmpi-devel"],
            (Self::Hdf5, _) => &["hdf5-mpich-devel"],
            (Self::Libclang, _) => &["clang-devel"],
            (Self::Hypre, _) => &["hypre-openmpi-devel"],
        }
    }
}

/// Installs `needs` for `vendor`, or fails with a message that says what to install and how.
pub(crate) fn install(needs: &[Need], vendor: Vendor) -> Result<(), Failure> {
    let list = || needs.iter().map(|need| need.reason(vendor)).collect::<Vec<_>>().join("; ");
    if vendor == Vendor::IntelMpi {
        let what = list();
        return Err(format!(
            "missing: {what}; Intel MPI is not in distributions: load its module and set HDF5_DIR"
        )
        .into());
    }
    let advice = advice(needs, vendor);
    if answer("apt-get", &["--version"]).is_none() {
        return Err(format!("missing: {}; {advice}", list()).into());
    }
    let Some(mut prefix) = privilege() else {
        let what = list();
        return Err(format!(
            "missing: {what}; installing needs root and `sudo -n` does not work here, so {advice}"
        )
        .into());
    };
    for need in needs {
        say(format_args!("missing: {}; package(s) {}", need.reason(vendor), need.debian(vendor).join(" ")));
    }
    let packages = packages(needs, vendor);
    say(format_args!("will install with apt-get: {}", packages.join(" ")));
    if !confirmed()? {
        return Err(format!("nothing was installed; {advice}").into());
    }
    prefix.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let apt = |args: &[&str]| {
        let mut command = Command::new(prefix[0]);
        run(command.args(&prefix[1..]).args(args).stdin(Stdio::null()))
    };
    // This may fail because of one dead source although the packages are available. The next
    // command decides.
    apt(&["update", "-q"])?;
    let status = apt(&[&["install", "-q", "-y", "--no-install-recommends"], &packages[..]].concat())?;
    if status.success() {
        return Ok(());
    }
    Err(format!("apt-get could not install {} (no network?); when it can, {advice}", packages.join(" "))
        .into())
}

fn packages(needs: &[Need], vendor: Vendor) -> Vec<&'static str> {
    needs.iter().flat_map(|need| need.debian(vendor)).copied().collect()
}

/// Prefix of a command that is run as root. `None` if this user cannot do that.
fn privilege() -> Option<Vec<&'static str>> {
    if answer("id", &["-u"]).as_deref() == Some("0") {
        return Some(Vec::new());
    }
    answer("sudo", &["-n", "true"]).map(|_| vec!["sudo", "-n"])
}

/// The commands for the package manager of this machine, or else for all known ones.
pub(crate) fn advice(needs: &[Need], vendor: Vendor) -> String {
    let mpi = if vendor == Vendor::OpenMpi { "openmpi" } else { "mpich" };
    let debian = packages(needs, vendor).join(" ");
    let fedora = needs.iter().flat_map(|need| need.fedora(vendor)).copied().collect::<Vec<_>>().join(" ");
    // Homebrew's HDF5 with MPI is built with Open MPI.
    let brew =
        "brew install open-mpi hdf5-mpi llvm pkgconf && export LIBCLANG_PATH=\"$(brew --prefix llvm)/lib\"";
    let spack = format!("spack install hdf5+mpi ^{mpi} && spack install llvm && spack load hdf5 {mpi} llvm");
    let ways = [
        ("apt-get", format!("sudo apt-get update && sudo apt-get install {debian}")),
        ("dnf", format!("sudo dnf install {fedora} && module load mpi/{mpi}-$(uname -m)")),
        ("brew", brew.into()),
        ("spack", spack),
    ];
    let here = ways.iter().find(|(tool, _)| answer(tool, &["--version"]).is_some());
    let modules = std::env::var_os("MODULESHOME").or(std::env::var_os("LMOD_CMD"));
    let module = format!("module load {mpi} hdf5-parallel llvm (names differ: see `module avail`)");
    match (here, modules) {
        (Some((_, command)), None) => format!("run: {command}"),
        (Some((_, command)), Some(_)) => format!("run: {module}\n  or: {command}"),
        (None, Some(_)) => format!("run: {module}"),
        (None, None) => {
            let all = ways.iter().map(|(tool, command)| format!("\n  {tool}: {command}")).collect::<String>();
            format!("run one of:{all}\n  modules: {module}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_follow_the_vendor() {
        let needs = [Need::Mpi, Need::Hdf5];
        assert_eq!(
            packages(&needs, Vendor::OpenMpi),
            ["openmpi-bin", "libopenmpi-dev", "libhdf5-openmpi-dev", "hdf5-tools"]
        );
        assert_eq!(
            packages(&needs, Vendor::Mpich),
            ["mpich", "libmpich-dev", "libhdf5-mpich-dev", "hdf5-tools"]
        );
    }
}
