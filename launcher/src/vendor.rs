//! MPI vendors and versions, recognized by what their tools print.

use std::fmt;
use std::str::FromStr;

use crate::LaunchError;

/// The vendor of an MPI library. It decides the flags of `mpirun` and which programs it can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Open MPI; from version 5 on its `mpirun` is PRRTE's.
    OpenMpi,
    /// MPICH with the Hydra process manager, and libraries built on it (MVAPICH, ParaStation).
    Mpich,
    /// Intel MPI: MPICH's binary interface, its own Hydra.
    IntelMpi,
}

impl Vendor {
    /// Recognizes the vendor in what `mpirun --version` prints or `MPI_Get_library_version`
    /// returns.
    ///
    /// ```
    /// use parhelion_launcher::Vendor;
    ///
    /// assert_eq!(Vendor::recognize("Open MPI v4.1.4, package: Debian OpenMPI"), Some(Vendor::OpenMpi));
    /// assert_eq!(Vendor::recognize("MPICH Version:\t4.0.2"), Some(Vendor::Mpich));
    /// assert_eq!(Vendor::recognize("slurm 22.05"), None);
    /// ```
    pub fn recognize(text: &str) -> Option<Self> {
        let has = |name| text.contains(name);
        if has("Open MPI") || has("OpenRTE") || has("PRRTE") {
            Some(Self::OpenMpi)
        } else if has("Intel(R) MPI") {
            Some(Self::IntelMpi)
        } else if has("MPICH") || has("HYDRA") || has("MVAPICH") {
            Some(Self::Mpich)
        } else {
            None
        }
    }

    /// Returns the short name that `PARHELION_MPI` and Debian's `mpirun.NAME` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenMpi => "openmpi",
            Self::Mpich => "mpich",
            Self::IntelMpi => "intelmpi",
        }
    }

    /// Returns whether programs built for `self` run under the `mpirun` of `other`.
    pub fn starts(self, other: Self) -> bool {
        (self == Self::OpenMpi) == (other == Self::OpenMpi)
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenMpi => "Open MPI",
            Self::Mpich => "MPICH",
            Self::IntelMpi => "Intel MPI",
        })
    }
}

/// Parses [`Vendor::name`].
impl FromStr for Vendor {
    type Err = LaunchError;

    fn from_str(name: &str) -> Result<Self, LaunchError> {
        [Self::OpenMpi, Self::Mpich, Self::IntelMpi]
            .into_iter()
            .find(|vendor| vendor.name() == name)
            .ok_or_else(|| {
                LaunchError::new(format!("no MPI vendor is called `{name}`; use openmpi, mpich or intelmpi"))
            })
    }
}

/// A version number: major, minor, patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number, 0 if there is none.
    pub minor: u32,
    /// Third number, 0 if there is none.
    pub patch: u32,
}

impl Version {
    /// Finds the first `a.b` or `a.b.c` in `text`; a suffix such as `rc1` ends it.
    ///
    /// ```
    /// let version = parhelion_launcher::Version::find("mpirun (Open MPI) 4.1.4\n").unwrap();
    /// assert_eq!((version.major, version.minor, version.patch), (4, 1, 4));
    /// ```
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
            let mut numbers = word.split('.').map(str::parse::<u32>);
            let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
            Some(Self { major, minor, patch: numbers.next().and_then(Result::ok).unwrap_or(0) })
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First lines that the tools really print.
    const PRINTED: [(&str, Vendor, [u32; 3]); 5] = [
        ("mpirun (Open MPI) 4.1.4\n\nReport bugs to http://…", Vendor::OpenMpi, [4, 1, 4]),
        ("mpirun (Open MPI) 5.0.0rc12\n", Vendor::OpenMpi, [5, 0, 0]),
        ("HYDRA build details:\n    Version:   4.0.2\n    Release Date:", Vendor::Mpich, [4, 0, 2]),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.8 Build 20221129", Vendor::IntelMpi, [2021, 8, 0]),
        ("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7", Vendor::Mpich, [4, 0, 2]),
    ];

    #[test]
    fn vendors_and_versions_are_read() {
        for (text, vendor, [major, minor, patch]) in PRINTED {
            assert_eq!(Vendor::recognize(text), Some(vendor), "{text}");
            assert_eq!(Version::find(text), Some(Version { major, minor, patch }), "{text}");
        }
        assert_eq!(Version::find("no numbers, 7 apples"), None);
    }

    #[test]
    fn names_round_trip_and_a_wrong_one_says_what_works() {
        for vendor in [Vendor::OpenMpi, Vendor::Mpich, Vendor::IntelMpi] {
            assert_eq!(vendor.name().parse::<Vendor>().unwrap(), vendor);
        }
        let error = "lam".parse::<Vendor>().unwrap_err().to_string();
        assert!(error.contains("`lam`") && error.contains("openmpi"), "{error}");
    }

    #[test]
    fn only_the_mpich_family_is_interchangeable() {
        assert!(Vendor::Mpich.starts(Vendor::IntelMpi));
        assert!(!Vendor::Mpich.starts(Vendor::OpenMpi));
    }
}
