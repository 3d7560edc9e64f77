//! The cores this process may use.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::path::Path;

/// Numbers of cores that this process may use, by its affinity mask and CPU quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Hardware threads; never 0.
    pub logical: usize,
    /// Cores, with the hardware threads that share a core counted once; never 0.
    pub physical: usize,
    /// NUMA nodes that hold at least one of these cores; never 0.
    pub numa_nodes: usize,
}

impl Cores {
    /// Counts the cores of the calling process.
    ///
    /// Outside Linux, and where `/sys` lacks the information, every hardware thread counts as a
    /// core and the machine as one NUMA node.
    ///
    /// ```
    /// let cores = parhelion_launcher::Cores::available();
    /// assert!(1 <= cores.physical && cores.physical <= cores.logical);
    /// ```
    pub fn available() -> Self {
        let logical = std::thread::available_parallelism().map_or(1, NonZero::get);
        let allowed = Self::affinity().unwrap_or_default();
        // a quota below the mask (containers) leaves fewer cores than the mask has
        let physical = distinct_cores(&allowed).unwrap_or(logical).min(logical);
        Self { logical, physical, numa_nodes: numa_nodes(&allowed).unwrap_or(1).min(physical) }
    }

    /// Returns the numbers of the hardware threads in the affinity mask, ascending; `None` if the
    /// system does not tell.
    pub fn affinity() -> Option<Vec<usize>> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        parse_list(list.trim())
    }
}

/// Parses the kernel's list format, as in `0-3,8`.
fn parse_list(list: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        cpus.extend(first..=last);
    }
    Some(cpus)
}

fn distinct_cores(allowed: &[usize]) -> Option<usize> {
    let siblings = |cpu: &usize| {
        fs::read_to_string(format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")).ok()
    };
    let cores: BTreeSet<String> = allowed.iter().map(siblings).collect::<Option<_>>()?;
    (!cores.is_empty()).then_some(cores.len())
}

fn numa_nodes(allowed: &[usize]) -> Option<usize> {
    let holds_one = |node: &Path| {
        let list = fs::read_to_string(node.join("cpulist")).ok();
        let cpus = list.and_then(|list| parse_list(list.trim())).unwrap_or_default();
        cpus.iter().any(|cpu| allowed.contains(cpu))
    };
    let nodes = fs::read_dir("/sys/devices/system/node").ok()?;
    let count = nodes.flatten().filter(|node| holds_one(&node.path())).count();
    (count > 0).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lists_are_read() {
        assert_eq!(parse_list("0-2,5,7-7"), Some(vec![0, 1, 2, 5, 7]));
        assert_eq!(parse_list(""), Some(vec![]));
        assert_eq!(parse_list("0-x"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn counts_agree_with_the_affinity_mask() {
        let mask = Cores::affinity().expect("/proc is there");
        let cores = Cores::available();
        assert!(cores.logical <= mask.len(), "{cores:?} against {mask:?}");
        assert!(cores.numa_nodes <= cores.physical && cores.physical <= cores.logical);
    }
}
