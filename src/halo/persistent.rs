//! Persistent MPI requests with the buffers they use.
#![allow(unsafe_code, reason = "rsmpi has no persistent requests")]
//!
//! Invariants, cited by the unsafe blocks here:
//!
//! - **R1** `buffer` is never moved, resized or freed while a request refers to it: it is a heap
//!   allocation of its own, and `Drop` frees the requests first.
//! - **R2** Requests are active exactly while `active` is true. `buffer` is then inaccessible,
//!   because the accessors refuse.
//! - **R3** MPI is running: the owner of this value also holds the world that keeps MPI running,
//!   and drops this value first.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ops::Range;

use mpi::datatype::Equivalence;
use mpi::ffi;
use mpi::topology::SimpleCommunicator;
use mpi::traits::AsRaw;
use parhelion_kernels::{Array, Layout, Pool};

use crate::messages::LONGEST_MESSAGE;

/// One message of an exchange: its partner, its tag, and its bytes in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) rank: usize,
    pub(super) tag: i32,
    pub(super) bytes: Range<usize>,
}

/// Direction of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Send,
    Receive,
}

/// All messages to send or to receive, planned once and started many times.
pub(super) struct Persistent {
    requests: Vec<ffi::MPI_Request>,
    buffer: ManuallyDrop<Array<u8, 1>>,
    active: bool,
}

impl Persistent {
    /// Plans `messages` in a buffer of `bytes` bytes. A message longer than `longest` is split into
    /// several, in order.
    pub(super) fn new(
        comm: &SimpleCommunicator,
        pool: &Pool,
        way: Way,
        messages: &[Message],
        bytes: usize,
        longest: usize,
    ) -> Self {
        let layout = Layout::new([bytes], [[0, 0]], 1)
            .expect("messages are smaller than the field they are packed from");
        let mut buffer = Array::<u8, 1>::zeros(pool, layout);
        let longest = longest.clamp(1, LONGEST_MESSAGE);
        let datatype = u8::equivalent_datatype().as_raw();
        let mut requests = Vec::new();
        for message in messages {
            let mut start = message.bytes.start;
            while start < message.bytes.end {
                let count = (message.bytes.end - start).min(longest);
                let address = buffer.buffer_mut()[start..][..count].as_mut_ptr().cast::<c_void>();
                let (rank, tag) = (message.rank as i32, message.tag);
                // SAFETY: a constant of the MPI library.
                let mut request = unsafe { ffi::RSMPI_REQUEST_NULL };
                // SAFETY: `address` has `count ≤ i32::MAX` bytes and stays valid by R1;
                // communicator, rank and datatype are valid; R3.
                unsafe {
                    let init = match way {
                        Way::Send => ffi::MPI_Send_init(
                            address,
                            count as i32,
                            datatype,
                            rank,
                            tag,
                            comm.as_raw(),
                            &mut request,
                        ),
                        Way::Receive => ffi::MPI_Recv_init(
                            address,
                            count as i32,
                            datatype,
                            rank,
                            tag,
                            comm.as_raw(),
                            &mut request,
                        ),
                    };
                    // Errors of MPI end the job, the default of every communicator.
                    debug_assert_eq!(init, ffi::MPI_SUCCESS as i32);
                }
                requests.push(request);
                start += count;
            }
        }
        Self { requests, buffer: ManuallyDrop::new(buffer), active: false }
    }

    /// Starts all messages, in the order in which they were planned.
    pub(super) fn start(&mut self) {
        assert!(!self.active, "messages are started once before they are waited for");
        self.active = true;
        for request in &mut self.requests {
            // SAFETY: a persistent request that is not active (R2) with a valid buffer (R1); R3.
            unsafe { ffi::MPI_Start(request) };
        }
    }

    /// Waits for all messages that were started.
    pub(super) fn wait(&mut self) {
        if self.active {
            // SAFETY: the requests were started (R2); statuses are ignored; R3.
            unsafe {
                ffi::MPI_Waitall(
                    self.requests.len() as i32,
                    self.requests.as_mut_ptr(),
                    ffi::RSMPI_STATUSES_IGNORE,
                );
            }
            self.active = false;
        }
    }

    /// Lets MPI progress, and returns whether all messages are done.
    pub(super) fn test(&mut self) -> bool {
        if self.active {
            let mut done = 0;
            // SAFETY: as in `wait`.
            unsafe {
                ffi::MPI_Testall(
                    self.requests.len() as i32,
                    self.requests.as_mut_ptr(),
                    &mut done,
                    ffi::RSMPI_STATUSES_IGNORE,
                );
            }
            self.active = done == 0;
        }
        !self.active
    }

    /// The bytes to send, or those received.
    pub(super) fn buffer(&self) -> &[u8] {
        assert!(!self.active, "a message buffer belongs to MPI while messages are under way");
        self.buffer.buffer()
    }

    /// The bytes to send.
    pub(super) fn buffer_mut(&mut self) -> &mut [u8] {
        assert!(!self.active, "a message buffer belongs to MPI while messages are under way");
        self.buffer.buffer_mut()
    }

    /// Number of MPI messages.
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }
}

impl Drop for Persistent {
    fn drop(&mut self) {
        if self.active && std::thread::panicking() {
            // The job is about to end, and waiting here could take forever. The requests, and the
            // buffer that MPI still refers to (R1), are leaked until the process ends.
            return;
        }
        self.wait();
        for request in &mut self.requests {
            // SAFETY: an inactive persistent request, freed once; R3.
            unsafe { ffi::MPI_Request_free(request) };
        }
        // SAFETY: dropped once, here, after the requests that referred to it (R1).
        unsafe { ManuallyDrop::drop(&mut self.buffer) };
    }
}
