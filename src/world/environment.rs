//! The start and the end of MPI in this process.
#![allow(unsafe_code, reason = "asks MPI which thread may call it, which rsmpi does not offer")]

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use mpi::Threading;
use mpi::environment::{Universe, initialize_with_threading, is_finalized, threading_support};

use crate::error::{Error, ErrorKind, Result};

/// MPI while some world of this process uses it.
pub(super) struct Environment {
    /// Shuts MPI down when dropped; `None` if other code started it.
    _universe: Option<Universe>,
}

thread_local! {
    /// The environment of the worlds alive on this thread: MPI exists once in a process, not once
    /// per world, and only one thread may use it.
    static CURRENT: RefCell<Weak<Environment>> = const { RefCell::new(Weak::new()) };
}

impl Environment {
    /// Starts MPI, or joins it if it runs already.
    pub(super) fn enter() -> Result<Rc<Self>> {
        if let Some(current) = CURRENT.with_borrow(Weak::upgrade) {
            return Ok(current);
        }
        if is_finalized() {
            return Err(parallel(
                "MPI was shut down already and cannot be started again in this process; keep one World (or a clone) \
                 alive for as long as MPI is needed",
            ));
        }
        let (universe, provided) = match initialize_with_threading(Threading::Funneled) {
            Some((universe, provided)) => (Some(universe), provided),
            None => (None, threading_support()),
        };
        if provided < Threading::Funneled {
            return Err(parallel(format!(
                "MPI provides thread level {provided:?}, but Parhelion computes with threads and needs Funneled at \
                 least; {}",
                if universe.is_some() {
                    "use an MPI library built with thread support"
                } else {
                    "whoever started MPI here must ask for it (MPI_Init_thread with MPI_THREAD_FUNNELED)"
                }
            )));
        }
        if provided < Threading::Multiple && !on_main_thread() {
            return Err(parallel(format!(
                "MPI was started by another thread with level {provided:?}, so only that thread may use it; make the \
                 World there"
            )));
        }
        let environment = Rc::new(Self { _universe: universe });
        CURRENT.set(Rc::downgrade(&environment));
        Ok(environment)
    }
}

fn parallel(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Parallel, message)
}

/// Whether MPI considers this thread the one that may call it.
fn on_main_thread() -> bool {
    let mut main = 0;
    // SAFETY: MPI is initialized and not finalized (see `enter`), and `main` is a valid
    // out-parameter.
    unsafe { mpi::ffi::MPI_Is_thread_main(&mut main) };
    main != 0
}
