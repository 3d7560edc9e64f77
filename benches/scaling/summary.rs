//! Speed-up and efficiency from the rows of many runs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::common::median;

/// Ranks × threads.
pub(crate) type Mix = (usize, usize);

/// The results of one case on one mix, over all rounds.
pub(crate) struct Entry {
    pub(crate) mix: Mix,
    /// 10⁹ cell updates a second, median.
    pub(crate) speed: f64,
    /// Median of the ratios to the speed with the fewest cores in the same round.
    pub(crate) speed_up: f64,
    /// Speed-up over the ratio of cores.
    pub(crate) efficiency: f64,
    /// Ratio to the speed of plain loops over the same bytes, median.
    pub(crate) of_loops: f64,
}

impl Entry {
    pub(crate) fn cores(&self) -> usize {
        self.mix.0 * self.mix.1
    }
}

/// Entries of strong and of weak scaling, by number of cores.
pub(crate) struct Summary(pub(crate) BTreeMap<String, Vec<Entry>>);

impl Summary {
    /// Reads the rows of bench `scaling`, one JSON object a line; the k-th row of a mix belongs to
    /// round k.
    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // case -> mix -> (speed, ratio to plain loops) of each round
        let mut rounds: BTreeMap<String, BTreeMap<Mix, Vec<(f64, f64)>>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let bad = |what| format!("{}, line {}: {what}", path.display(), number + 1);
            let row: Value = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            if row["bench"] != "scaling" {
                continue;
            }
            let count = |name: &str| row[name].as_u64().map(|count| count as usize);
            let fields = (row["case"].as_str(), count("ranks"), count("threads"));
            let numbers = (row["value"].as_f64(), row["ratio"].as_f64());
            let ((Some(case), Some(ranks), Some(threads)), (Some(value), Some(ratio))) = (fields, numbers)
            else {
                return Err(bad("not a row of a bench".into()).into());
            };
            rounds.entry(case.into()).or_default().entry((ranks, threads)).or_default().push((value, ratio));
        }
        if rounds.is_empty() {
            return Err(format!("{} has no row of bench scaling", path.display()).into());
        }
        Ok(Self(rounds.into_iter().map(|(case, mixes)| (case, entries(&mixes))).collect()))
    }
}

fn entries(mixes: &BTreeMap<Mix, Vec<(f64, f64)>>) -> Vec<Entry> {
    let cores = |mix: Mix| mix.0 * mix.1;
    let Some((&base, first)) = mixes.iter().min_by_key(|&(&mix, _)| cores(mix)) else { return Vec::new() };
    let mut entries: Vec<Entry> = mixes
        .iter()
        .map(|(&mix, rounds)| {
            let speed_up = median(rounds.iter().zip(first).map(|(mine, base)| mine.0 / base.0));
            Entry {
                mix,
                speed: median(rounds.iter().map(|round| round.0)),
                speed_up,
                efficiency: speed_up * cores(base) as f64 / cores(mix) as f64,
                of_loops: median(rounds.iter().map(|round| round.1)),
            }
        })
        .collect();
    entries.sort_by_key(|entry| (entry.cores(), entry.mix));
    entries
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, entries) in &self.0 {
            writeln!(f, "\n{case} scaling, against the fewest cores")?;
            writeln!(
                f,
                "{:>6}  {:<16}{:>10}{:>10}{:>12}{:>12}",
                "cores", "ranks x threads", "GLUP/s", "speed-up", "efficiency", "of loops"
            )?;
            for entry in entries {
                let mix = format!("{} x {}", entry.mix.0, entry.mix.1);
                let Entry { speed, speed_up, efficiency, of_loops, .. } = entry;
                writeln!(
                    f,
                    "{:>6}  {mix:<16}{speed:>10.3}{speed_up:>10.2}{:>10.1} %{:>10.1} %",
                    entry.cores(),
                    100.0 * efficiency,
                    100.0 * of_loops
                )?;
            }
        }
        Ok(())
    }
}
