//! Starts programs under `mpirun`; knows what differs between Open MPI and MPICH.
