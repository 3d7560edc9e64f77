//! Settings of MPI-IO that must be made before MPI starts.
#![allow(unsafe_code, reason = "sets an environment variable")]

use mpi::environment::is_initialized;

/// Makes Open MPI read the rows of a halo'd block straight to their place, unless the user decided.
///
/// By default its MPI-IO reads them by way of a buffer of its own ("data sieving"), even where the
/// file has no gaps to sieve: that took two thirds of the bandwidth. Other libraries do not look at
/// the variable.
pub(crate) fn tune_mpi_io() {
    const SIEVING: &str = "OMPI_MCA_fbtl_posix_read_datasieving";
    if !is_initialized() && std::env::var_os(SIEVING).is_none() {
        // SAFETY: no other thread may read the environment past Rust's lock meanwhile. The start of
        // MPI, which follows at once, sets variables itself and so demands the same of the program.
        unsafe { std::env::set_var(SIEVING, "0") };
    }
}
