//! Starts programs under `mpirun`, and knows the differences between Open MPI and MPICH.
//!
//! It needs no MPI to compile: it only starts processes. `cargo xtask` and `parhelion::testing` use
//! it.
//!
//! ```
//! use parhelion_launcher::{Launch, Mpirun};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), parhelion_launcher::LaunchError> {
//! # if Mpirun::find().is_err() { return Ok(()) } // no MPI here
//! let mpirun = Mpirun::find()?;
//! let outcome = Launch::new(&mpirun, "echo")
//!     .arg("hello")
//!     .ranks(3) // may exceed the number of cores
//!     .timeout(Duration::from_secs(30))
//!     .output()?;
//! assert!(outcome.success, "{outcome}");
//! assert_eq!(outcome.ranks()[2].stdout, "hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! # Which `mpirun`
//!
//! A program linked to one MPI library and started by another's `mpirun` becomes n jobs of one
//! rank each, without an error. So the two must be chosen together: `PARHELION_MPI=openmpi|mpich`
//! chooses a vendor for a whole build and run (`cargo xtask … --mpi` sets it along with `MPICC`),
//! `PARHELION_MPIRUN` names one `mpirun`, and a program that knows its own library asks
//! [`Mpirun::for_library`] with the text of `MPI_Get_library_version`.
//!
//! # Crate layout
//!
//! | module | content |
//! |---|---|
//! | `cores` | cores this process may use |
//! | `vendor` | MPI vendors and versions, recognized by what they print |
//! | `mpirun` | finding the `mpirun` to use |
//! | `launch` | [`Launch`]: the builder and the command line it makes |
//! | `job` | a running `mpirun`: time limit, end of all its processes |
//! | `outcome` | output of the ranks |
//! | `quote` | quoting for the shell |

mod cores;
mod error;
mod job;
mod launch;
mod mpirun;
mod outcome;
mod quote;
mod vendor;

pub use cores::Cores;
pub use error::LaunchError;
pub use launch::{Binding, Launch, MPIRUN_ARGS_VARIABLE, THREADS_VARIABLE};
pub use mpirun::{MPI_VARIABLE, MPIRUN_VARIABLE, Mpirun};
pub use outcome::{Outcome, RankOutput};
pub use quote::quoted;
pub use vendor::{Vendor, Version};
