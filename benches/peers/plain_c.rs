//! `prk_plain.c` as a library that is compiled and loaded when the bench runs.
#![allow(unsafe_code, reason = "calls C")]
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **C1** The functions have the signatures they are declared with in `prk_plain.c`, which this
//!   program has just compiled for the MPI that it uses itself.
//! - **C2** `problem` comes from `prk_new` and is freed once, by `drop`; MPI is initialized
//!   meanwhile, since the problem borrows the world.
//! - **C3** The library is never unloaded: the threads of OpenMP wait inside its run-time until the
//!   end.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::Command;

use libloading::{Library, Symbol};
use mpi::traits::{Communicator, Root};
use parhelion::World;
use parhelion_launcher::Vendor;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/prk_plain.c");

/// The compiled program.
pub(crate) struct PlainC(ManuallyDrop<Library>);

impl PlainC {
    /// Compiles it on rank 0 and loads it on all ranks. `Err` on rank 0 gives the reason if that
    /// fails.
    ///
    /// # Collective
    /// Over all ranks.
    pub(crate) fn build(world: &World, radius: usize) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("libprk_plain-r{radius}-{}.so", world.size()));
        let built = if world.rank() == 0 { compile(&path, radius) } else { Ok(()) };
        let mut there = built.is_ok();
        world.communicator().process_at_rank(0).broadcast_into(&mut there);
        let loaded = built.and_then(|()| if there { load(&path) } else { Err(String::new()) });
        let agreed = world.agree(loaded.as_ref().map(|_| ()).map_err(parhelion::Error::other));
        agreed.map_err(|error| error.to_string()).and(loaded).map(|library| Self(ManuallyDrop::new(library)))
    }

    fn function<F>(&self, name: &str) -> Symbol<'_, F> {
        // SAFETY: C1, for the callers below.
        unsafe { self.0.get(name.as_bytes()) }.expect("prk_plain.c defines it")
    }

    /// A problem of `n` × `n` points on all ranks; `None` without memory for it.
    ///
    /// # Collective
    /// Over all ranks.
    pub(crate) fn problem<'a>(&'a self, world: &'a World, n: usize) -> Option<Problem<'a>> {
        let new = self.function::<unsafe extern "C" fn(c_long, c_int) -> *mut c_void>("prk_new");
        // SAFETY: C1; MPI is initialized.
        let problem = unsafe { new(n as c_long, world.threads() as c_int) };
        (!problem.is_null()).then_some(Problem { code: self, _world: world, problem })
    }
}

fn load(path: &Path) -> Result<Library, String> {
    // SAFETY: the library has no initializers but those of the C and OpenMP run-times.
    unsafe { Library::new(path) }.map_err(|error| error.to_string())
}

/// Compiles for the MPI of this program, or returns the reason why that fails.
fn compile(path: &Path, radius: usize) -> Result<(), String> {
    let named = std::env::var_os("MPICC").or_else(|| option_env!("MPICC").map(Into::into));
    let mpicc = PathBuf::from(named.unwrap_or_else(|| "mpicc".into()));
    let output = Command::new(&mpicc)
        .args(["-O3", "-march=native", "-fopenmp", "-fPIC", "-shared"])
        .arg(format!("-DRADIUS={radius}"))
        .arg("-o")
        .args([path, Path::new(SOURCE)])
        .arg("-lm")
        .output()
        .map_err(|error| format!("{}: {error}", mpicc.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", mpicc.display(), String::from_utf8_lossy(&output.stderr).trim()));
    }
    let library = load(path)?;
    // SAFETY: C1 but for the MPI, of which `prk_vendor` calls nothing; it returns a string
    // constant.
    let compiled = unsafe {
        let vendor: Symbol<'_, unsafe extern "C" fn() -> *const c_char> =
            library.get(b"prk_vendor").map_err(|error| error.to_string())?;
        CStr::from_ptr(vendor()).to_string_lossy().into_owned()
    };
    let ours = mpi::environment::library_version().ok().and_then(|version| Vendor::recognize(&version));
    match ours {
        Some(ours) if ours.name() == compiled => Ok(()),
        _ => Err(format!("{} is the compiler of another MPI ({compiled}); set MPICC", mpicc.display())),
    }
}

/// A grid on which the C program iterates.
pub(crate) struct Problem<'a> {
    code: &'a PlainC,
    _world: &'a World,
    problem: *mut c_void,
}

impl Problem<'_> {
    /// Makes this many iterations.
    pub(crate) fn iterate(&mut self, iterations: usize) {
        let iterate = self.code.function::<unsafe extern "C" fn(*mut c_void, c_long)>("prk_iterate");
        // SAFETY: C1 to C3.
        unsafe { iterate(self.problem, iterations as c_long) }
    }

    /// The sum of all |out|.
    pub(crate) fn norm(&self) -> f64 {
        let norm = self.code.function::<unsafe extern "C" fn(*const c_void) -> f64>("prk_norm");
        // SAFETY: C1 to C3.
        unsafe { norm(self.problem) }
    }
}

impl Drop for Problem<'_> {
    fn drop(&mut self) {
        let free = self.code.function::<unsafe extern "C" fn(*mut c_void)>("prk_free");
        // SAFETY: C1 to C3.
        unsafe { free(self.problem) }
    }
}
