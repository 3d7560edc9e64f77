//! Detects what is installed: MPI, parallel HDF5, libclang, compiler.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parhelion_launcher::{Mpirun, Vendor, Version};

use crate::shell::answer;

/// What a build needs; `None` where something is missing.
pub(crate) struct Found {
    /// The requested MPI, or the default one.
    pub(crate) vendor: Vendor,
    pub(crate) mpirun: Option<Mpirun>,
    pub(crate) mpicc: Option<Mpicc>,
    /// A parallel HDF5 of the same vendor.
    pub(crate) hdf5: Option<Hdf5>,
    pub(crate) libclang: Option<PathBuf>,
    pub(crate) compiler: Option<String>,
    pub(crate) pkg_config: Option<String>,
}

/// An MPI compiler wrapper that works.
pub(crate) struct Mpicc {
    pub(crate) program: String,
    pub(crate) version: Version,
}

/// An HDF5 installation.
pub(crate) struct Hdf5 {
    pub(crate) version: Version,
    pub(crate) include: PathBuf,
    /// Value for `HDF5_DIR`, unless the build finds this HDF5 by itself.
    pub(crate) root: Option<PathBuf>,
}

impl Found {
    /// Looks for everything that belongs to the MPI `asked` for, else to that of the environment,
    /// else to Open MPI.
    pub(crate) fn detect(asked: Option<Vendor>) -> Result<Self, parhelion_launcher::LaunchError> {
        let named = std::env::var(parhelion_launcher::MPI_VARIABLE).ok().filter(|name| !name.is_empty());
        let wanted = match (asked, named) {
            (Some(vendor), _) => Some(vendor),
            (None, Some(name)) => Some(name.parse()?),
            (None, None) => None,
        };
        let mpirun = match wanted {
            Some(vendor) => Mpirun::find_vendor(vendor).ok(),
            None => Mpirun::find().ok(),
        };
        let vendor = wanted.or(mpirun.as_ref().map(Mpirun::vendor)).unwrap_or(Vendor::OpenMpi);
        Ok(Self {
            vendor,
            mpirun,
            mpicc: Mpicc::find(vendor),
            hdf5: Hdf5::find(vendor),
            libclang: libclang(),
            compiler: answer("cc", &["--version"]).and_then(first_line),
            pkg_config: answer("pkg-config", &["--version"]),
        })
    }
}

impl Mpicc {
    fn find(vendor: Vendor) -> Option<Self> {
        let debian = format!("mpicc.{}", vendor.name());
        let names = std::env::var("MPICC").into_iter().chain([debian, "mpicc".into(), "mpiicc".into()]);
        names.filter_map(Self::at).find(|(found, _)| *found == vendor).map(|(_, mpicc)| mpicc)
    }

    /// Reads the macros of `mpi.h` through the preprocessor, which also shows that header and
    /// compiler work.
    fn at(program: String) -> Option<(Vendor, Self)> {
        let mut child = Command::new(&program)
            .args(["-E", "-dM", "-x", "c", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(b"#include <mpi.h>\n").ok()?;
        let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
        let macros = String::from_utf8_lossy(&output.stdout);
        let value = |name: &str| {
            let start = format!("#define {name} ");
            macros
                .lines()
                .find_map(|line| line.strip_prefix(&start))
                .map(|text| text.trim_matches('"').to_owned())
        };
        let (vendor, version) = if let Some(major) = value("OMPI_MAJOR_VERSION") {
            let rest =
                [value("OMPI_MINOR_VERSION"), value("OMPI_RELEASE_VERSION")].map(Option::unwrap_or_default);
            (Vendor::OpenMpi, format!("{major}.{}", rest.join(".")))
        } else if let Some(version) = value("I_MPI_VERSION") {
            (Vendor::IntelMpi, version)
        } else {
            (Vendor::Mpich, value("MPICH_VERSION")?)
        };
        Some((vendor, Self { program, version: Version::find(&version).unwrap_or_default() }))
    }
}

impl Hdf5 {
    /// Looks for the parallel HDF5 of this MPI: in `HDF5_DIR`, where the build looks by default,
    /// in Debian's package for this MPI, then in the installation of `h5pcc`.
    fn find(vendor: Vendor) -> Option<Self> {
        if let Some(root) = std::env::var_os("HDF5_DIR") {
            return Self::at_root(Path::new(&root), vendor);
        }
        let default = || {
            let (include, library) = pkg_config("hdf5")?;
            let found = Self::parallel_in(&include)?;
            linked_to(&library, vendor).then_some(found)
        };
        let variant = || {
            let (_, library) = pkg_config(&format!("hdf5-{}", vendor.name()))?;
            Self::at_root(&library, vendor)
        };
        let wrapper = || {
            // The prefix of the installation, for builds from source, modules and Spack.
            let config = answer("h5pcc", &["-showconfig"])?;
            let prefix = config.lines().find_map(|line| line.trim().strip_prefix("Installation point:"))?;
            Self::at_root(Path::new(prefix.trim()), vendor)
        };
        default().or_else(variant).or_else(wrapper)
    }

    /// The HDF5 with headers in `root/include`, where the build looks if `HDF5_DIR` is `root`.
    fn at_root(root: &Path, vendor: Vendor) -> Option<Self> {
        let found = Self::parallel_in(&root.join("include"))?;
        linked_to(&root.join("lib"), vendor).then(|| Self { root: Some(root.into()), ..found })
    }

    /// Reads the configuration header. `None` if there is none or if HDF5 was built without MPI.
    fn parallel_in(include: &Path) -> Option<Self> {
        let header = fs::read_to_string(include.join("H5pubconf.h")).ok()?;
        let value = |name: &str| {
            let start = format!("#define {name} ");
            header.lines().find_map(|line| line.strip_prefix(&start)).map(str::trim)
        };
        value("H5_HAVE_PARALLEL").filter(|&flag| flag == "1")?;
        let version = Version::find(value("H5_VERSION")?)?;
        Some(Self { version, include: include.into(), root: None })
    }
}

/// First include and library folder of a `pkg-config` package.
fn pkg_config(package: &str) -> Option<(PathBuf, PathBuf)> {
    let first = |flag: &str, prefix: &str| {
        let words = answer("pkg-config", &[flag, "--keep-system-cflags", "--keep-system-libs", package])?;
        words.split_whitespace().find_map(|word| word.strip_prefix(prefix)).map(PathBuf::from)
    };
    Some((first("--cflags-only-I", "-I")?, first("--libs-only-L", "-L")?))
}

/// Whether the HDF5 in this folder is linked to the MPI of `vendor`, as far as `ldd` can tell.
fn linked_to(folder: &Path, vendor: Vendor) -> bool {
    let library = folder.join("libhdf5.so");
    let Some(libraries) = library.to_str().and_then(|path| answer("ldd", &[path])) else { return true };
    // libmpi.so.12 is the common binary interface of MPICH and its relatives.
    if libraries.contains("libmpich.so") || libraries.contains("libmpi.so.12") {
        vendor != Vendor::OpenMpi
    } else if libraries.contains("libmpi.so.") {
        vendor == Vendor::OpenMpi
    } else {
        true
    }
}

/// The library with which bindgen reads MPI's header, searched for in the same folders.
fn libclang() -> Option<PathBuf> {
    let given = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    if let Some(file) = given.as_ref().filter(|path| path.is_file()) {
        return Some(file.clone());
    }
    let config = std::env::var("LLVM_CONFIG_PATH").unwrap_or_else(|_| "llvm-config".into());
    let configured = answer(config, &["--libdir"]).map(PathBuf::from);
    let bases = [
        "/usr/local",
        "/usr",
        "/opt/homebrew/opt/llvm",
        "/usr/local/opt/llvm",
        "/Library/Developer/CommandLineTools/usr",
    ];
    let libs = bases.iter().flat_map(|base| [Path::new(base).join("lib"), Path::new(base).join("lib64")]);
    // /usr/lib, /usr/lib/x86_64-linux-gnu, /usr/lib/llvm-14/lib
    let below = libs.flat_map(|lib| {
        let folders: Vec<PathBuf> = entries(&lib).into_iter().filter(|entry| entry.is_dir()).collect();
        let nested: Vec<PathBuf> = folders.iter().map(|folder| folder.join("lib")).collect();
        [vec![lib], folders, nested].concat()
    });
    let is_libclang = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.starts_with("libclang.so") || name.starts_with("libclang.dylib");
        stem || (name.starts_with("libclang-") && !name.starts_with("libclang-cpp") && name.contains(".so"))
    };
    given
        .into_iter()
        .chain(configured)
        .chain(below)
        .find_map(|folder| entries(&folder).into_iter().find(is_libclang))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn first_line(text: String) -> Option<String> {
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_parallel_hdf5_counts() {
        let folder = std::env::temp_dir().join(format!("parhelion-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let header = |parallel: &str| {
            let text = format!("#define H5_HAVE_MPE 1\n{parallel}\n#define H5_VERSION \"1.14.3\"\n");
            fs::write(folder.join("H5pubconf.h"), text).unwrap();
            Hdf5::parallel_in(&folder).map(|hdf5| hdf5.version.to_string())
        };
        assert_eq!(header("#define H5_HAVE_PARALLEL 1").as_deref(), Some("1.14.3"));
        assert_eq!(header("/* #undef H5_HAVE_PARALLEL */"), None);
        fs::remove_dir_all(&folder).unwrap();
        assert!(Hdf5::parallel_in(&folder).is_none());
    }
}
