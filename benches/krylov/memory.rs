//! How much memory this process uses, as Linux tells.

use std::fs;

/// By how many bytes the memory in use grew while `work` ran, at most. Nothing where the system
/// does not tell.
pub(crate) fn growth(work: impl FnOnce()) -> Option<usize> {
    let before = status("VmRSS:");
    // The highest value so far becomes the present one.
    let cleared = fs::write("/proc/self/clear_refs", "5");
    work();
    cleared.ok()?;
    status("VmHWM:")?.checked_sub(before?)
}

/// A value of `/proc/self/status`, in bytes.
fn status(name: &str) -> Option<usize> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}
