//! What the examples' command lines say about outputs and pictures while they run.

use std::path::PathBuf;

use parhelion::io::Series;
use parhelion::watch::Picture;
use parhelion::{Element, Error, Field, Result, World};

/// What to write every so many steps.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Watching {
    /// HDF5 file with an axis of time for the outputs; run/heat-*.h5 stands for a file each.
    #[arg(long, value_name = "PATH", default_value = "series.h5")]
    series: PathBuf,
    /// Write an output to the series every so many steps, and at the start.
    #[arg(long, value_name = "STEPS")]
    output_every: Option<usize>,
    /// Begin of the pictures' names: run/heat makes run/heat.000100.png and so on.
    #[arg(long, value_name = "PATH", default_value = "picture")]
    pictures: PathBuf,
    /// Draw the middle plane of the slowest axis every so many steps, and at the start.
    #[arg(long, value_name = "STEPS")]
    png_every: Option<usize>,
}

/// The outputs of a run under way.
pub(crate) struct Watcher<'w> {
    options: Watching,
    series: Option<Series<'w>>,
    picture: Picture,
}

impl Watching {
    /// Begins a series, or goes on with one after a restart at that time.
    pub(crate) fn begin<'w>(
        &self,
        world: &'w World,
        picture: Picture,
        restart: Option<f64>,
    ) -> Result<Watcher<'w>> {
        if [self.output_every, self.png_every].contains(&Some(0)) {
            return world.agree(Err(Error::other("--output-every and --png-every need at least 1 step")));
        }
        let series = self.output_every.map(|_| match restart {
            // What was written at just that time stays.
            Some(time) => Series::resume(world, &self.series, time.next_up()),
            None => Series::create(world, &self.series),
        });
        Ok(Watcher { options: self.clone(), series: series.transpose()?, picture })
    }
}

impl Watcher<'_> {
    /// How many steps to make before [`after`](Self::after) is called again.
    #[allow(dead_code, reason = "not for runs that make their steps one by one")]
    pub(crate) fn next(&self, step: usize) -> usize {
        let until = |every: Option<usize>| every.map_or(usize::MAX, |every| every - step % every);
        until(self.options.output_every).min(until(self.options.png_every))
    }

    /// Writes what is due after this step.
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
