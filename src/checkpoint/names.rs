//! The files of one series of checkpoints, as rank 0 finds them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::header::{CheckpointHeader, HEADER};

/// Where a series lies: `DIRECTORY/NAME.00000001.h5` and so on.
#[derive(Clone, Debug)]
pub(super) struct CheckpointNames {
    pub(super) directory: PathBuf,
    pub(super) name: String,
}

impl CheckpointNames {
    /// The series with this path and name; `None` if the path does not end in a name of UTF-8.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Some(Self { directory: directory.unwrap_or(Path::new(".")).to_owned(), name })
    }

    pub(super) fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{}.{number:08}.h5", self.name))
    }

    /// The numbers of all files of the series, the newest first.
    pub(super) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = self.entries()?.iter().filter_map(|file| self.number_of(file)).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// Removes the files that earlier runs of this series left when they were killed while writing.
    pub(super) fn remove_partial(&self) -> io::Result<()> {
        let is_partial = |file: &String| {
            // .NAME.NUMBER.h5.PROCESS-ATTEMPT.partial, or that with what MPI-IO appended for a lock
            // file
            let rest = file.strip_prefix('.').and_then(|rest| rest.rsplit_once(".partial"));
            let rest = rest.filter(|(_, added)| added.is_empty() || added.starts_with('.'));
            let target = rest.and_then(|(rest, _)| rest.rsplit_once('.')).map(|(target, _)| target);
            target.is_some_and(|target| self.number_of(target).is_some())
        };
        for file in self.entries()?.iter().filter(|file| is_partial(file)) {
            fs::remove_file(self.directory.join(file))?;
        }
        Ok(())
    }

    /// The run that a file belongs to, if its header is in order.
    pub(super) fn run_of(&self, number: u64) -> Option<u64> {
        let file = fs::File::open(self.path(number)).ok()?;
        let length = file.metadata().ok()?.len();
        let mut bytes = Vec::new();
        file.take(HEADER).read_to_end(&mut bytes).ok()?;
        CheckpointHeader::decode(&bytes, length).ok().map(|header| header.run)
    }

    fn entries(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn number_of(&self, file: &str) -> Option<u64> {
        let digits = file.strip_prefix(&self.name)?.strip_prefix('.')?.strip_suffix(".h5")?;
        let plain = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_series_count() {
        let directory = tempfile::tempdir().unwrap();
        let names = CheckpointNames::of(&directory.path().join("run.a")).unwrap();
        let partial = ".run.a.00000004.h5.17-0.partial";
        // Open MPI tries locks with such a file
        let beside = ".run.a.00000003.h5.16-2.partial.locktest.1";
        let others =
            ["run.a.h5", "run.a.1.h5", "run.a.00000003.xdmf", "run.b.00000009.h5", "run.00000008.h5"];
        let more = [
            ".run.00000004.h5.17-0.partial",
            ".run.a.00000004.h5.17-0.partially",
            "run.a.0000000x.h5",
            "run.a.00000005.h5.partial",
        ];
        for file in
            others.iter().chain(&more).chain(&[partial, beside, "run.a.00000002.h5", "run.a.123456789.h5"])
        {
            fs::write(directory.path().join(file), "").unwrap();
        }
        assert_eq!(names.numbers().unwrap(), [123_456_789, 2]);
        assert_eq!(names.path(2), directory.path().join("run.a.00000002.h5"));
        names.remove_partial().unwrap();
        assert!([partial, beside].iter().all(|file| !directory.path().join(file).exists()));
        assert!(more.iter().chain(&others).all(|file| directory.path().join(file).exists()));
        assert_eq!(names.run_of(2), None);
    }

    #[test]
    fn a_path_must_end_in_a_name() {
        assert_eq!(CheckpointNames::of(Path::new("run")).unwrap().directory, Path::new("."));
        assert!(
            CheckpointNames::of(Path::new("..")).is_none() && CheckpointNames::of(Path::new("/")).is_none()
        );
    }
}
