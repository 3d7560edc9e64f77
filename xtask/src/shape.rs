//! Ranks and threads for this machine.

use std::fmt;

use parhelion_launcher::{Binding, Cores};

/// A number of ranks and of threads in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) ranks: usize,
    pub(crate) threads: usize,
}

impl Shape {
    /// What fills the cores best: on few cores one rank for each, on more one rank (and at least
    /// two) for each NUMA node, so that memory is near, with threads for the rest.
    pub(crate) fn best(cores: &Cores) -> Self {
        let ranks = if cores.physical <= 4 { cores.physical } else { cores.numa_nodes.max(2) };
        Self { ranks, threads: (cores.physical / ranks).max(1) }
    }

    /// What a benchmark covers: one rank with all cores, the best shape, one rank for each core.
    pub(crate) fn spread(cores: &Cores) -> Vec<Self> {
        let all = cores.physical;
        let mut shapes =
            vec![Self { ranks: 1, threads: all }, Self::best(cores), Self { ranks: all, threads: 1 }];
        shapes.dedup();
        shapes
    }

    /// Ranks stay on their cores where memory has a place, which on one NUMA node it has not.
    pub(crate) fn binding(self, cores: &Cores) -> Binding {
        if cores.numa_nodes > 1 { Binding::Cores } else { Binding::None }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.ranks, self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(physical: usize, numa_nodes: usize) -> (String, Vec<String>) {
        let cores = Cores { logical: 2 * physical, physical, numa_nodes };
        (Shape::best(&cores).to_string(), Shape::spread(&cores).iter().map(Shape::to_string).collect())
    }

    #[test]
    fn shapes_cover_the_cores() {
        assert_eq!(shapes(1, 1), ("1 x 1".into(), vec!["1 x 1".into()]));
        assert_eq!(shapes(2, 1), ("2 x 1".into(), vec!["1 x 2".into(), "2 x 1".into()]));
        assert_eq!(shapes(64, 4), ("4 x 16".into(), vec!["1 x 64".into(), "4 x 16".into(), "64 x 1".into()]));
        assert_eq!(shapes(7, 1).0, "2 x 3");
    }
}
