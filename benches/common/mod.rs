//! Shared by the benchmark programs: options, timing in turn, table and JSON rows.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use serde_json::json;

/// A measurement is repeated until it takes this long, so that clock resolution and wake-ups do not
/// matter.
const SHORTEST: f64 = 5e-3;

/// Rounds of one case end after about this many seconds, but not before there are enough for a
/// median.
const LONGEST: f64 = 10.0;

/// Options of every benchmark program.
#[derive(Parser)]
pub(crate) struct Options {
    /// Append one JSON object for each row to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Use smaller sizes and fewer rounds, to see that it works; the numbers mean little
    #[arg(long)]
    pub(crate) quick: bool,
    /// Run only cases whose name contains this
    case: Option<String>,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether to measure this case.
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.case.as_ref().is_none_or(|part| case.contains(part))
    }
}

/// A team of processes that measure together.
pub(crate) trait Team {
    /// Waits until all members have arrived.
    fn meet(&self);
    /// The longest of all members' times.
    fn slowest(&self, seconds: f64) -> f64;
}

/// Seconds for one call of each of `K` ways to do a job, round by round.
pub(crate) struct Times<const K: usize>(pub(crate) Vec<[f64; K]>);

impl<const K: usize> Times<K> {
    /// Median seconds of one way.
    pub(crate) fn of(&self, way: usize) -> f64 {
        median(self.0.iter().map(|round| round[way]))
    }

    /// Median of the ratios of two ways' times within a round, which slow drift of the machine's
    /// speed does not change.
    pub(crate) fn ratio(&self, way: usize, other: usize) -> f64 {
        median(self.0.iter().map(|round| round[way] / round[other]))
    }
}

/// The middle one; of an even number, the upper of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Times the `ways` in turn, A B A B …; a time is that of the slowest member of the team.
pub(crate) fn in_turn<const K: usize>(
    team: &impl Team,
    options: &Options,
    mut ways: [&mut dyn FnMut(); K],
) -> Times<K> {
    let mut planned = 0.0;
    let once = |way: &mut dyn FnMut(), repeats: usize| {
        team.meet();
        let start = Instant::now();
        (0..repeats).for_each(|_| way());
        team.slowest(start.elapsed().as_secs_f64()) / repeats as f64
    };
    let repeats = ways.each_mut().map(|way| {
        once(*way, 1); // pages and caches are warm, connections are made
        let enough = |seconds: f64| (SHORTEST / seconds.max(1e-9)).ceil().clamp(1.0, 1e5) as usize;
        let seconds = once(*way, 1);
        let guess = enough(seconds);
        let seconds = if guess > 1 { once(*way, guess) } else { seconds };
        planned += seconds * enough(seconds) as f64;
        enough(seconds)
    });
    let rounds = if options.quick { 3 } else { (LONGEST / planned).clamp(5.0, 25.0) as usize };
    Times(
        (0..rounds)
            .map(|_| {
                let mut way = 0;
                ways.each_mut().map(|run| {
                    way += 1;
                    once(*run, repeats[way - 1])
                })
            })
            .collect(),
    )
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) size: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// The limit in the same unit, and which one it is.
    pub(crate) limit: f64,
    pub(crate) against: &'static str,
    /// Median of the ratios of value and limit, measured in turn.
    pub(crate) ratio: f64,
}

/// Writes rows to the screen, and to a file if requested.
pub(crate) struct Report {
    bench: &'static str,
    ranks: usize,
    threads: usize,
    prints: bool,
    file: Option<File>,
}

impl Report {
    /// Exactly one member of the team `prints`.
    pub(crate) fn new(
        bench: &'static str,
        options: &Options,
        (ranks, threads): (usize, usize),
        prints: bool,
    ) -> std::io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        let file = options.json.as_ref().filter(|_| prints).map(open).transpose()?;
        let report = Self { bench, ranks, threads, prints, file };
        report.say(format_args!("{bench}: {ranks} rank(s) x {threads} thread(s)"));
        Ok(report)
    }

    /// A line of text.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        if self.prints {
            println!("{text}");
        }
    }

    /// The heading of a table: the measured quantity, and the meaning of the ratio.
    pub(crate) fn head(&self, text: impl std::fmt::Display) {
        self.say(format_args!(
            "\n{text}\n{:<40}{:<16}{:>10} {:<8}{:>10}  {:>6}  of",
            "case", "size", "value", "unit", "limit", "ratio"
        ));
    }

    /// A row of the table, and of the file.
    pub(crate) fn row(&mut self, row: &Row) -> std::io::Result<()> {
        let Row { case, size, value, unit, limit, against, ratio } = row;
        self.say(format_args!(
            "{case:<40}{size:<16}{value:>10.3} {unit:<8}{limit:>10.3}  {ratio:>6.3}  {against}"
        ));
        let Some(file) = &mut self.file else { return Ok(()) };
        let (bench, ranks, threads) = (self.bench, self.ranks, self.threads);
        let object = json!({
            "bench": bench, "case": case, "size": size, "ranks": ranks, "threads": threads,
            "value": value, "unit": unit, "limit": limit, "against": against, "ratio": ratio,
        });
        writeln!(file, "{object}")
    }
}
