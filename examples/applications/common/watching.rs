//! Command-line options for outputs and pictures during a run.

use std::path::PathBuf;

use parhelion::io::Series;
use parhelion::watch::Picture;
use parhelion::{Element, Error, Field, Result, World};

use crate::cli::Written;

/// Options for outputs and pictures.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Watching {
    /// HDF5 file for all outputs; with an asterisk, as in run/heat-*.h5, one file for each.
    #[arg(long, value_name = "PATH", default_value = "series.h5")]
    series: PathBuf,
    /// Write an output to the series every STEPS steps, and at the start.
    #[arg(long, value_name = "STEPS")]
    output_every: Option<usize>,
    /// Prefix of the pictures' names: run/heat makes run/heat.000100.png and so on.
    #[arg(long, value_name = "PATH", default_value = "picture")]
    pictures: PathBuf,
    /// Draw the middle plane of the slowest axis every STEPS steps, and at the start.
    #[arg(long, value_name = "STEPS")]
    png_every: Option<usize>,
}

/// Writes the outputs and pictures of a run.
pub(crate) struct Watcher<'w> {
    options: Watching,
    series: Option<Series<'w>>,
    picture: Picture,
}

impl Watching {
    /// Checks the intervals.
    pub(crate) fn check(&self, world: &World) -> Result<()> {
        if [self.output_every, self.png_every].contains(&Some(0)) {
            return world.agree(Err(Error::other("--output-every and --png-every need at least 1 step")));
        }
        Ok(())
    }

    /// The files it writes.
    pub(crate) fn files(&self) -> [Written<'_>; 2] {
        [
            ("--series", self.output_every.map(|_| self.series.as_path())),
            ("--pictures", self.png_every.map(|_| self.pictures.as_path())),
        ]
    }

    /// Creates the series, or resumes it after a restart at the time `restart`.
    pub(crate) fn begin<'w>(
        &self,
        world: &'w World,
        picture: Picture,
        restart: Option<f64>,
    ) -> Result<Watcher<'w>> {
        let series = self.output_every.map(|_| match restart {
            // An output of exactly that time stays.
            Some(time) => Series::resume(world, &self.series, time.next_up()),
            None => Series::create(world, &self.series),
        });
        Ok(Watcher { options: self.clone(), series: series.transpose()?, picture })
    }
}

impl Watcher<'_> {
    /// Number of steps until [`after`](Self::after) must be called again.
    #[allow(dead_code, reason = "some applications make single steps")]
    pub(crate) fn next(&self, step: usize) -> usize {
        let until = |every: Option<usize>| every.map_or(usize::MAX, |every| every - step % every);
        until(self.options.output_every).min(until(self.options.png_every))
    }

    /// Writes the output and the picture if they are due after this step.
    pub(crate) fn after<T: Element + num_traits::AsPrimitive<f64>, const N: usize>(
        &mut self,
        step: usize,
        field: &Field<T, N>,
    ) -> Result<()> {
        let due = |every: Option<usize>| every.is_some_and(|every| step.is_multiple_of(every));
        if let Some(series) = self.series.as_mut().filter(|_| due(self.options.output_every)) {
            series.at(field.time())?.write(field)?.finish()?;
        }
        if due(self.options.png_every) {
            let mut path = self.options.pictures.clone().into_os_string();
            path.push(format!(".{step:06}.png"));
            self.picture.save(field, PathBuf::from(path))?;
        }
        Ok(())
    }
}
