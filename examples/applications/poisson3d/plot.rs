//! A plot of the convergence of a solve.

use std::error::Error;
use std::path::Path;

use parhelion::solvers::Outcome;
use plotters::prelude::*;

/// The residual after each iteration, on a logarithmic scale.
pub(crate) fn save(outcome: &Outcome, path: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, (640, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let norms: Vec<f64> = outcome.residuals.iter().map(|norm| norm.max(f64::MIN_POSITIVE)).collect();
    let (low, high) =
        (norms.iter().fold(f64::INFINITY, |a, &b| a.min(b)), norms.iter().fold(0.0, |a: f64, &b| a.max(b)));
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("{outcome}"), ("sans-serif", 14))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(0..outcome.iterations().max(1), (0.5 * low..2.0 * high).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("iteration")
        .y_desc("norm of the residual")
        .y_label_formatter(&|y| format!("{y:.0e}"))
        .draw()?;
    chart.draw_series(LineSeries::new(norms.iter().copied().enumerate(), &BLUE))?;
    area.present()?;
    Ok(())
}
