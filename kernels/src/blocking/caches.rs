//! The sizes of the caches that each thread has.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use crate::KernelError;

/// The environment variable that overrides the operating system's information.
const VARIABLE: &str = "PARHELION_CACHES";

/// Bytes of cache per thread; of a cache that processors share, the thread's share.
///
/// ```
/// use parhelion_kernels::Caches;
///
/// let caches: Caches = "L1=32K,L2=1M,L3=16M".parse()?;
/// assert_eq!(caches, Caches { l1: 32 << 10, l2: 1 << 20, l3: 16 << 20 });
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// First level, data.
    pub l1: usize,
    /// Second level.
    pub l2: usize,
    /// Third level; 0 if there is none.
    pub l3: usize,
}

impl Caches {
    /// Less than any server of the last ten years has.
    const FALLBACK: Self = Self { l1: 32 << 10, l2: 256 << 10, l3: 1 << 20 };

    /// The caches given by the environment variable `PARHELION_CACHES`, as in
    /// `L1=32K,L2=1M,L3=16M`. Default: the caches that the operating system reports, or else small
    /// ones (32 KiB, 256 KiB and 1 MiB).
    ///
    /// # Errors
    /// When the variable has another form.
    pub fn detect() -> Result<Self, KernelError> {
        match std::env::var(VARIABLE) {
            Ok(text) => text.parse(),
            Err(_) => {
                Ok(Self::in_folder(Path::new("/sys/devices/system/cpu/cpu0/cache")).unwrap_or(Self::FALLBACK))
            }
        }
    }

    /// The caches that Linux describes in this folder.
    fn in_folder(folder: &Path) -> Option<Self> {
        let caches = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| {
            let text = |name| fs::read_to_string(entry.path().join(name)).ok();
            Some([text("level")?, text("type")?, text("size")?, text("shared_cpu_list")?])
        });
        Self::described(caches)
    }

    /// The sizes from level, type, size and processor list of every cache; `None` without a first
    /// and a second level.
    fn described(caches: impl Iterator<Item = [String; 4]>) -> Option<Self> {
        let mut levels = [0; 3];
        for [level, kind, size, sharers] in caches.map(|cache| cache.map(|text| text.trim().to_owned())) {
            let level =
                level.parse::<usize>().ok().filter(|level| (1..=3).contains(level) && kind != "Instruction");
            if let (Some(level), Some(size), Some(sharers)) = (level, bytes(&size), count(&sharers)) {
                levels[level - 1] = size / sharers.max(1);
            }
        }
        let [l1, l2, l3] = levels;
        (l1 > 0 && l2 > 0).then_some(Self { l1, l2, l3 })
    }
}

impl FromStr for Caches {
    type Err = KernelError;

    fn from_str(text: &str) -> Result<Self, KernelError> {
        let mut caches = Self { l3: 0, ..Self::FALLBACK };
        for part in text.split(',') {
            let size =
                part.split_once('=').and_then(|(level, size)| Some((level.trim(), bytes(size.trim())?)));
            match size {
                Some(("L1", size)) => caches.l1 = size,
                Some(("L2", size)) => caches.l2 = size,
                Some(("L3", size)) => caches.l3 = size,
                _ => {
                    return Err(KernelError::new(format!(
                        "'{part}' in '{text}' is not the size of a cache; write sizes as in {VARIABLE}='L1=32K,L2=1M,L3=16M'"
                    )));
                }
            }
        }
        Ok(caches)
    }
}

/// `32K`, `1M`, `1G` or a plain number.
fn bytes(text: &str) -> Option<usize> {
    let (digits, shift) = match text.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if text.ends_with('K') => (digits, 10),
        Some(digits) if text.ends_with('M') => (digits, 20),
        Some(digits) => (digits, 30),
        None => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// Number of processors in a list such as `0-3,8`.
fn count(list: &str) -> Option<usize> {
    list.split(',')
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_cache_is_divided_among_its_processors() {
        let described = [
            ["1", "Data", "32K", "0,4"],
            ["1", "Instruction", "64K", "0,4"],
            ["2", "Unified\n", "1024K\n", "0,4\n"],
            ["3", "Unified", "32M", "0-3,4-7"],
        ];
        let caches = Caches::described(described.into_iter().map(|cache| cache.map(str::to_owned)));
        assert_eq!(caches, Some(Caches { l1: 16 << 10, l2: 512 << 10, l3: 4 << 20 }));
        let first_only = [["1", "Data", "32K", "0"]];
        assert_eq!(Caches::described(first_only.into_iter().map(|cache| cache.map(str::to_owned))), None);
        assert_eq!(Caches::in_folder(Path::new("/nowhere")), None);
    }

    #[test]
    fn sizes_that_cannot_be_read_are_refused() {
        assert_eq!("L2=2M".parse::<Caches>().unwrap(), Caches { l2: 2 << 20, l3: 0, ..Caches::FALLBACK });
        for wrong in ["", "2M", "L2=2T", "L4=1M", "L2=1M,", "L1=-1"] {
            let error = wrong.parse::<Caches>().unwrap_err();
            assert!(error.to_string().contains("L1=32K,L2=1M,L3=16M"), "{error}");
        }
    }
}
