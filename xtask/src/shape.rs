//! Numbers of ranks and threads for this machine.

use std::fmt;
use std::str::FromStr;

use parhelion_launcher::{Binding, Cores};

/// A number of ranks and of threads in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) ranks: usize,
    pub(crate) threads: usize,
}

impl Shape {
    /// The best shape: one rank per core on up to 4 cores; on more, one rank per NUMA node (at
    /// least two), so that memory is near, with threads on the other cores.
    pub(crate) fn best(cores: &Cores) -> Self {
        let ranks = if cores.physical <= 4 { cores.physical } else { cores.numa_nodes.max(2) };
        Self { ranks, threads: (cores.physical / ranks).max(1) }
    }

    /// The shapes of a benchmark: one rank on all cores, the best shape, one rank per core.
    pub(crate) fn spread(cores: &Cores) -> Vec<Self> {
        let all = cores.physical;
        let mut shapes =
            vec![Self { ranks: 1, threads: all }, Self::best(cores), Self { ranks: all, threads: 1 }];
        shapes.dedup();
        shapes
    }

    /// The shapes of a scaling benchmark: 1, 2, 4, … cores and all of them, each with 1, 2, 4, …
    /// ranks.
    pub(crate) fn ladder(cores: &Cores) -> Vec<Self> {
        let powers = |most: usize| (0..usize::BITS).map(|e| 1 << e).take_while(move |&power| power <= most);
        let mixes = |cores| powers(cores).map(move |ranks| Self { ranks, threads: cores / ranks });
        let mut shapes: Vec<Self> = powers(cores.physical).flat_map(mixes).collect();
        if !cores.physical.is_power_of_two() {
            shapes.extend(Self::spread(cores));
        }
        shapes
    }

    /// Number of cores in use.
    pub(crate) fn cores(self) -> usize {
        self.ranks * self.threads
    }

    /// Binds ranks to cores on machines with several NUMA nodes, to keep them near their memory.
    pub(crate) fn binding(self, cores: &Cores) -> Binding {
        if cores.numa_nodes > 1 { Binding::Cores } else { Binding::None }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.ranks, self.threads)
    }
}

/// Parses ranks x threads, such as `2x4`.
impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('x').and_then(|(r, t)| Some((r.parse().ok()?, t.parse().ok()?)));
        match numbers {
            Some((ranks, threads)) if ranks > 0 && threads > 0 => Ok(Self { ranks, threads }),
            _ => Err("not ranks x threads; write for instance 2x4".into()),
        }
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
    #[test]
    fn the_ladder_doubles_the_cores_in_every_mix() {
        let ladder = |physical| -> Vec<String> {
            let cores = Cores { logical: physical, physical, numa_nodes: 1 };
            Shape::ladder(&cores).iter().map(|shape| shape.to_string().replace(' ', "")).collect()
        };
        assert_eq!(ladder(1), ["1x1"]);
        assert_eq!(ladder(4), ["1x1", "1x2", "2x1", "1x4", "2x2", "4x1"]);
        assert_eq!(ladder(3), ["1x1", "1x2", "2x1", "1x3", "3x1"]);
    }

    #[test]
    fn shapes_are_parsed() {
        assert_eq!("2x4".parse::<Shape>().unwrap(), Shape { ranks: 2, threads: 4 });
        for wrong in ["2", "2x", "0x4", "2x4x1", "axb"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
    }
}
