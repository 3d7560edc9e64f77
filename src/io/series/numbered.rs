//! One file per output, as rank 0 handles them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::io::file::open::open_foreign;
use crate::io::file::storage::complaint;
use crate::io::hdf5::attributes::Attribute;
use crate::io::xdmf;

/// Digits of a number in a file name, at least.
const DIGITS: usize = 6;

/// Where the files lie: what comes before and after the number in their names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NumberedNames {
    directory: PathBuf,
    before: String,
    after: String,
}

/// An output that is complete.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumberedOutput {
    pub(super) number: usize,
    pub(super) time: f64,
    /// What its side file shows.
    pub(super) grids: Option<String>,
}

impl NumberedNames {
    /// The names that a path with one `*` for the number stands for; `None` if it has none in its
    /// last part.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let (before, after) = path.file_name()?.to_str()?.split_once('*')?;
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        Some(Self { directory, before: before.to_owned(), after: after.to_owned() })
    }

    /// The file of this number.
    pub(super) fn path(&self, number: usize) -> PathBuf {
        self.directory.join(format!("{}{number:0DIGITS$}{}", self.before, self.after))
    }

    /// The side file of the whole series: the name without the number.
    pub(super) fn collection(&self) -> PathBuf {
        let name = self.before.trim_end_matches(['-', '_', '.']);
        self.directory.join(format!("{}.xdmf", if name.is_empty() { "series" } else { name }))
    }

    /// The number in a file name of the series.
    fn number(&self, name: &str) -> Option<usize> {
        let digits = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let plain = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain)?;
        // neither more zeros than needed
        (self.path(number).file_name()? == name).then_some(number)
    }

    /// The files that there are, by number.
    fn present(&self) -> Result<Vec<(usize, PathBuf)>, String> {
        let directory = if self.directory.as_os_str().is_empty() { Path::new(".") } else { &self.directory };
        let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            if let Some(number) = entry.file_name().to_str().and_then(|name| self.number(name)) {
                found.push((number, self.path(number)));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The outputs before `from`; removes the files of later ones, the last one first.
    pub(super) fn outputs_before(&self, from: f64) -> Result<Vec<NumberedOutput>, String> {
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for (number, path) in self.present()? {
            let time = time_of(&path).map_err(|reason| format!("{}: {reason}", path.display()))?;
            if time < from && dropped.is_empty() {
                let side_file = fs::read_to_string(path.with_extension("xdmf")).ok();
                let grids = side_file.and_then(|document| xdmf::body(&document).map(str::to_owned));
                kept.push(NumberedOutput { number, time, grids });
            } else {
                dropped.push(path);
            }
        }
        for path in dropped.iter().rev() {
            // the side file may be missing
            let _ = fs::remove_file(path.with_extension("xdmf"));
            fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(kept)
    }
}

/// The time that a file states.
fn time_of(path: &Path) -> Result<f64, String> {
    let read = || {
        let file = open_foreign(path)?;
        Ok(Attribute::read_all(&file)?.into_iter().find(|(name, _)| name == "time"))
    };
    let (_, time) = read()
        .map_err(|error: hdf5::Error| complaint(&error))?
        .ok_or("it states no time, so it is no output of a series")?;
    time.as_real().ok_or_else(|| "its time is not a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_the_star_is() {
        let names = NumberedNames::of(Path::new("out/heat-*.h5")).unwrap();
        assert_eq!(names.path(7), Path::new("out/heat-000007.h5"));
        assert_eq!(names.collection(), Path::new("out/heat.xdmf"));
        assert_eq!(NumberedNames::of(Path::new("*.h5")).unwrap().collection(), Path::new("series.xdmf"));
        assert_eq!(NumberedNames::of(Path::new("heat.h5")), None);
        for (name, number) in [("heat-000012.h5", Some(12)), ("heat-1234567.h5", Some(1_234_567))] {
            assert_eq!(names.number(name), number);
        }
        for other in ["heat-12.h5", "heat-0000012.h5", "heat-00001x.h5", "heat-+00012.h5", "heat-000012.xdmf"]
        {
            assert_eq!(names.number(other), None, "{other}");
        }
    }
}
