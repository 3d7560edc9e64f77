//! The plot of a summary: speed-up and efficiency over cores, one line for each number of threads
//! per rank.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::summary::{Entry, Summary};

const SIZE: (u32, u32) = (1000, 460);

/// Straight pieces of a curve.
const SEGMENTS: usize = 32;

/// Draws the speed-up of strong scaling on the left and the efficiency of weak scaling on the
/// right, as far as they were measured.
pub(crate) fn draw(summary: &Summary, path: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(SIZE.0 / 2);
    if let Some(entries) = summary.0.get("strong") {
        let value = |entry: &Entry| entry.speed_up;
        panel(&left, ("strong scaling", "speed-up"), entries, value, |cores| cores)?;
    }
    if let Some(entries) = summary.0.get("weak") {
        let value = |entry: &Entry| 100.0 * entry.efficiency;
        panel(&right, ("weak scaling", "efficiency, %"), entries, value, |_| 100.0)?;
    }
    root.present()?;
    Ok(())
}

/// One diagram. `ideal` is the ideal value for a multiple of the fewest cores.
fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    (title, name): (&str, &str),
    entries: &[Entry],
    value: impl Fn(&Entry) -> f64,
    ideal: impl Fn(f64) -> f64,
) -> Result<(), Box<dyn Error>> {
    // Cores double from point to point, so the axis is their logarithm.
    let place = |cores: usize| (cores as f64).log2();
    let (Some(fewest), Some(most)) = (entries.first(), entries.last()) else { return Ok(()) };
    let (fewest, most) = (fewest.cores(), most.cores());
    let top = entries.iter().map(&value).fold(ideal(most as f64 / fewest as f64), f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(place(fewest) - 0.2..place(most) + 0.2, 0.0..1.1 * top)?;
    let doublings = (place(most) - place(fewest)).ceil() as usize;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(doublings + 2)
        .x_label_formatter(&|place| {
            let cores = place.exp2();
            if (cores - cores.round()).abs() < 1e-6 { format!("{cores:.0}") } else { String::new() }
        })
        .x_desc("cores")
        .y_desc(name)
        .draw()?;
    // A value proportional to cores is not a straight line over their logarithm.
    let line = (0..=SEGMENTS).map(|i| {
        let doubled = (place(most) - place(fewest)) * i as f64 / SEGMENTS as f64;
        (place(fewest) + doubled, ideal(doubled.exp2()))
    });
    chart
        .draw_series(LineSeries::new(line, BLACK.mix(0.5)))?
        .label("ideal")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], BLACK.mix(0.5)));
    let threads: BTreeSet<usize> = entries.iter().map(|entry| entry.mix.1).collect();
    for (i, threads) in threads.into_iter().enumerate() {
        let color = Palette99::pick(i).to_rgba();
        let of = entries.iter().filter(|entry| entry.mix.1 == threads);
        let points = of.map(|entry| (place(entry.cores()), value(entry)));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(4))?
            .label(format!("{threads} thread(s) a rank"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}
