//! A small separate file system, for tests that fill it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, unmounted when dropped.
///
/// Ranks run the test function again, find it mounted, and end without dropping it.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    /// Mounts it in a directory of this name, which no other test uses. `size` is an option of
    /// `mount`.
    pub(crate) fn mount(name: &str, size: &str) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        let device = |path: &Path| std::fs::metadata(path).map(|it| it.dev()).map_err(|e| e.to_string());
        if device(&path)? == device(env!("CARGO_TARGET_TMPDIR").as_ref())? {
            let options = format!("size={size}");
            let mount =
                Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
            let output = mount.map_err(|error| format!("mount: {error}"))?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
            }
        }
        Ok(Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a killed rank may not have ended yet.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Fills a small disk to the last byte with a file.
pub(crate) fn fill_up(filler: &Path) {
    let (mut size, mut bytes) = (1 << 20, Vec::new());
    while size > 0 {
        bytes.resize(bytes.len() + size, 0_u8);
        if std::fs::write(filler, &bytes).is_err() {
            bytes.truncate(bytes.len() - size);
            size /= 2;
        }
    }
}
