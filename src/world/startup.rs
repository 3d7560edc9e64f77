//! The start-up report: ranks, nodes and cores, and the classic faults.

use std::fmt::Write;

use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;

use super::World;

impl World {
    /// Describes ranks, nodes, threads, cores and the MPI library in a few lines. Warns of the
    /// classic faults: threads of a rank that share too few cores, and more threads on a node than
    /// cores.
    ///
    /// # Collective
    /// Over all ranks; every rank gets the same text.
    pub fn startup_report(&self) -> String {
        let cores = &self.0.cores;
        let threads = self.threads();
        // Minima and maxima over the ranks in one reduction: the maximum of x is −(the minimum of
        // −x).
        let range = |value: usize| [value as i64, -(value as i64)];
        let local: Vec<i64> = [
            range(threads),
            range(cores.mine),
            range(cores.ranks_on_node),
            range(threads * cores.ranks_on_node),
            range(cores.on_node),
            range(usize::from(threads > cores.mine)),
            range(usize::from(threads * cores.ranks_on_node > cores.on_node)),
        ]
        .concat();
        let mut global = vec![0; local.len()];
        self.comm().all_reduce_into(&local[..], &mut global[..], SystemOperation::min());
        let mut ranges = global.chunks(2).map(|pair| (pair[0], -pair[1]));
        let mut next = || ranges.next().unwrap_or_default();
        let (threads, cores, ranks, threads_on_node, cores_on_node, crowded, oversubscribed) =
            (next(), next(), next(), next(), next(), next(), next());

        let mut text = String::new();
        let version = mpi::environment::library_version().unwrap_or_default();
        let mut lines = vec![
            format!(
                "{} rank(s) on {} node(s), {} on each; {} thread(s) per rank",
                self.size(),
                self.0.nodes,
                span(ranks),
                span(threads)
            ),
            format!("{} core(s) open to each rank, {} to each node", span(cores), span(cores_on_node)),
            short_version(&version),
        ];
        if crowded.1 > 0 {
            lines.push(format!(
                "WARNING: {} threads of a rank share {} core(s): the launcher binds each rank to few cores; run mpirun \
                 with --bind-to none or --map-by slot:PE={} (srun: --cpus-per-task={})",
                threads.1, cores.0, threads.1, threads.1
            ));
        }
        if oversubscribed.1 > 0 {
            lines.push(format!(
                "WARNING: {} threads on a node with {} core(s): fewer ranks or PARHELION_THREADS={} would run faster",
                threads_on_node.1,
                cores_on_node.0,
                (cores_on_node.0 / ranks.1.max(1)).max(1)
            ));
        }
        for line in lines {
            let _ = writeln!(text, "parhelion: {line}");
        }
        text
    }
}

fn span((least, most): (i64, i64)) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// Name and version of the MPI library, taken from its long description.
fn short_version(version: &str) -> String {
    let line = version.lines().next().unwrap_or("unknown MPI library");
    line.split(',')
        .next()
        .unwrap_or(line)
        .replace(['\t', '\0'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_versions_are_cut_to_name_and_number() {
        let open_mpi =
            "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022\0";
        assert_eq!(short_version(open_mpi), "Open MPI v4.1.4");
        assert_eq!(
            short_version("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7"),
            "MPICH Version: 4.0.2"
        );
    }
}
