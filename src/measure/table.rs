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
        if self.events_dropped > 0 {
            writeln!(f, "the timeline had no room for {} event(s)", self.events_dropped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let texts = [0.01234, 1.2345, 12.345, 123.45].map(|value| short(Some(value)));
        assert_eq!((texts.each_ref().map(|t| &**t), &*short(None)), (["0.012", "1.234", "12.3", "123"], "-"));
    }
}
