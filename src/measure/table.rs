//! A report as a table for people.

use std::fmt;

use super::report::{Report, ReportRow};
use crate::stopwatch::kind::Kind;
use crate::stopwatch::record::What;

/// Kind and name in one: `sweep perona-malik`.
pub(super) fn label(kind: Kind, name: &str) -> String {
    if name.is_empty() { kind.word().to_owned() } else { format!("{} {name}", kind.word()) }
}

impl What {
    /// What stands in the timeline.
    pub(super) fn label(self, names: &[Box<str>]) -> String {
        match self {
            Self::Call { kind, name } => label(kind, &names[name as usize]),
            Self::Part(part) => part.word().to_owned(),
        }
    }

    /// By which viewers of the timeline can filter.
    pub(super) fn category(self) -> &'static str {
        match self {
            Self::Call { kind, .. } => kind.word(),
            Self::Part(_) => "part",
        }
    }
}

/// A number to three or four digits, or a dash.
fn short(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value >= 99.95 => format!("{value:.0}"),
        Some(value) if value >= 9.995 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measured: f64 = self.rows.iter().map(|row| row.seconds_mean).sum();
        writeln!(
            f,
            "parhelion: {} rank(s), {} thread(s) in all; {measured:.3} s measured within {:.3} s; memory copy {} GB/s",
            self.ranks,
            self.threads,
            self.seconds,
            short(Some(self.copy_gb_per_s))
        )?;
        let labels: Vec<String> = self.rows.iter().map(|row| label(row.kind, &row.name)).collect();
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(12);
        writeln!(
            f,
            "{:width$} {:>8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}",
            "", "calls", "time s", "mean s", "GLUP/s", "GB/s", "of copy", "GFLOP/s", "wait s", "max/mean"
        )?;
        for (label, row) in labels.iter().zip(&self.rows) {
            let ReportRow { calls, seconds, seconds_mean, wait_seconds, imbalance, .. } = row;
            let share = row.share_of_copy.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share));
            writeln!(
                f,
                "{label:width$} {calls:>8} {seconds:>9.4} {seconds_mean:>9.4} {:>8} {:>8} {share:>8} {:>8} {wait_seconds:>9.4} \
                 {imbalance:>8.2}",
                short(row.glup_per_s),
                short(row.gb_per_s),
                short(row.gflop_per_s),
            )?;
        }
        let with_halo =
            || labels.iter().zip(&self.rows).filter_map(|(label, row)| Some((label, row.halo.as_ref()?)));
        if with_halo().next().is_some() {
            writeln!(
                f,
                "{:width$} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
                "halo", "messages", "MB sent", "MB shared", "pack s", "wait s", "unpack s"
            )?;
        }
        for (label, halo) in with_halo() {
            writeln!(
                f,
                "{label:width$} {:>8} {:>9} {:>9} {:>9.4} {:>9.4} {:>9.4}",
                halo.messages,
                short(Some(halo.bytes as f64 * 1e-6)),
                short(Some(halo.shared_bytes as f64 * 1e-6)),
                halo.pack_seconds,
                halo.wait_seconds,
                halo.unpack_seconds,
            )?;
        }
        for (label, row) in labels.iter().zip(&self.rows).filter(|(_, row)| row.seems_scalar(self.threads)) {
            writeln!(
                f,
                "{label}: {} GLUP/s a thread, far below what memory allows. A rule that does not have hundreds of operations \
                 is probably not vectorized: write it in `rule!`, and see `parhelion::guide::stencils`",
                short(row.glup_per_s.map(|rate| rate / self.threads.max(1) as f64))
            )?;
        }
        if self.events_dropped > 0 {
            writeln!(f, "the timeline had no room for {} event(s)", self.events_dropped)?;
        }
        Ok(())
    }
}

impl ReportRow {
    /// Whether a rule is so slow that its loop is probably not vectorized: 0.1 · 10⁹ cells a second
    /// are some 30 cycles a cell, and vector code of 100 operations takes fewer.
    fn seems_scalar(&self, threads: usize) -> bool {
        let rule = matches!(self.kind, Kind::Sweep | Kind::Update | Kind::Advance);
        let long = self.seconds > 0.05 && self.points > 100_000 * self.calls;
        let waits = self.wait_seconds > 0.5 * self.seconds;
        let slow = |rate: f64, least: f64| rate < least;
        rule && long
            && !waits
            && self.glup_per_s.is_some_and(|rate| slow(rate, 0.1 * threads as f64))
            && self.share_of_copy.is_some_and(|share| slow(share, 0.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seconds: f64, wait_seconds: f64, kind: Kind) -> String {
        let points = 10_000_000;
        let rate = points as f64 * 1e-9 / seconds;
        let row = ReportRow {
            kind,
            name: "heat".into(),
            calls: 10,
            points,
            bytes: 16 * points,
            flops: None,
            seconds,
            seconds_mean: seconds,
            wait_seconds,
            wait_seconds_mean: wait_seconds,
            imbalance: 1.0,
            glup_per_s: Some(rate),
            gb_per_s: Some(16.0 * rate),
            share_of_copy: Some(16.0 * rate / 20.0),
            gflop_per_s: None,
            halo: None,
        };
        let rows = vec![row];
        Report { ranks: 2, threads: 2, seconds, copy_gb_per_s: 20.0, events_dropped: 0, rows }.to_string()
    }

    #[test]
    fn a_rule_that_seems_scalar_is_pointed_out() {
        // 0.02 · 10⁹ cells a second on two threads
        assert!(report(0.5, 0.1, Kind::Sweep).contains("heat: 0.010 GLUP/s a thread"));
        assert!(report(0.5, 0.1, Kind::Advance).contains("rule!"));
        for (seconds, wait, kind) in
            [(0.01, 0.0, Kind::Sweep), (0.5, 0.4, Kind::Sweep), (0.5, 0.1, Kind::Reduce)]
        {
            assert!(!report(seconds, wait, kind).contains("rule!"), "{seconds} {wait} {kind:?}");
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        let texts = [0.01234, 1.2345, 12.345, 123.45].map(|value| short(Some(value)));
        assert_eq!((texts.each_ref().map(|t| &**t), &*short(None)), (["0.012", "1.234", "12.3", "123"], "-"));
    }
}
