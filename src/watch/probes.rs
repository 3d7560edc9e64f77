//! Values at points over time.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use num_traits::AsPrimitive;

use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use parhelion_kernels::Element;

/// A time series of a field at some points, in a file of comma-separated values.
///
/// A line has the time and one value for each point; the first line names the points by their
/// coordinates. Rank 0 writes, and each line is in the file when [`record`](Self::record) returns.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::watch::Probes;
///
/// let world = World::init()?;
/// let grid = Grid::builder([8, 8]).extent([1.0, 1.0]).build(&world)?;
/// let mut u = grid.field::<f64>("u");
/// u.fill_with(|[y, x]| x + 10.0 * y);
/// # let path = std::env::temp_dir().join(format!("parhelion-probes-{}.csv", std::process::id()));
/// let mut probes = Probes::create(&u, &path, [[0, 0], [4, 7]])?;
/// probes.record(&u)?;
/// assert_eq!(
///     std::fs::read_to_string(&path).unwrap(),
///     "time,u at 0.0625 0.0625,u at 0.5625 0.9375\n0.0,0.6875,6.5625\n"
/// );
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Debug)]
pub struct Probes<const N: usize> {
    path: PathBuf,
    points: Vec<[usize; N]>,
    component: usize,
    /// On rank 0 only.
    file: Option<File>,
}

impl<const N: usize> Probes<N> {
    /// Begins a file for component 0 of a field like this one, at points of global index, and
    /// replaces a previous file.
    ///
    /// # Collective
    /// Over all ranks, with the same path and points.
    ///
    /// # Errors
    /// When the field has no such point, or the file cannot be written.
    pub fn create<T: Element>(
        field: &Field<T, N>,
        path: impl AsRef<Path>,
        points: impl Into<Vec<[usize; N]>>,
    ) -> Result<Self> {
        Self::begin(field, path.as_ref(), points.into(), |path, heading| {
            let mut file = File::create(path).map_err(|error| error.to_string())?;
            writeln!(file, "{heading}").map_err(|error| error.to_string())?;
            Ok(file)
        })
    }

    /// Resumes a file after a restart: removes the lines of the field's time and later, which the
    /// previous run wrote. Begins a file if there is none.
    ///
    /// # Collective
    /// Over all ranks, with the same path and points.
    ///
    /// # Errors
    /// As [`create`](Self::create), and when the file is of other points.
    pub fn resume<T: Element>(
        field: &Field<T, N>,
        path: impl AsRef<Path>,
        points: impl Into<Vec<[usize; N]>>,
    ) -> Result<Self> {
        let now = field.time();
        Self::begin(field, path.as_ref(), points.into(), |path, heading| {
            let text = |error: std::io::Error| error.to_string();
            let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
            let mut file = options.map_err(text)?;
            let mut lines = BufReader::new(&file);
            let (mut keep, mut line) = (0, String::new());
            while lines.read_line(&mut line).map_err(text)? > 0 && line.ends_with('\n') {
                if keep == 0 && line.trim_end() != heading {
                    return Err(format!("it begins with {:?} instead of {heading:?}", line.trim_end()));
                }
                let time = line.split(',').next().and_then(|time| time.parse::<f64>().ok());
                if keep > 0 && time.is_none_or(|time| time >= now) {
                    break;
                }
                keep += line.len() as u64;
                line.clear();
            }
            if keep == 0 && !line.is_empty() {
                return Err(format!("it begins with {line:?} instead of {heading:?}"));
            }
            file.set_len(keep).map_err(text)?;
            std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(text)?;
            if keep == 0 {
                writeln!(file, "{heading}").map_err(text)?;
            }
            Ok(file)
        })
    }

    /// Records this component. Default: 0.
    pub fn component(mut self, component: usize) -> Self {
        self.component = component;
        self
    }

    fn begin<T: Element>(
        field: &Field<T, N>,
        path: &Path,
        points: Vec<[usize; N]>,
        open: impl FnOnce(&Path, &str) -> std::result::Result<File, String>,
    ) -> Result<Self> {
        let world = field.grid().world();
        world.check_same("Probes::create or resume", &(path, &points))?;
        let shape = field.shape_global();
        if let Some(point) = points.iter().find(|point| (0..N).any(|a| point[a] >= shape[a])) {
            let message = format!("field '{}' has no point {point:?}; its shape is {shape:?}", field.name());
            return Err(Error::on_all_ranks(ErrorKind::Argument, message));
        }
        let mut heading = String::from("time");
        for &point in &points {
            heading += &format!(",{} at", field.name());
            field.coordinates(point).iter().for_each(|x| heading += &format!(" {x}"));
        }
        let mut file = None;
        let opened = if world.rank() == 0 {
            open(path, &heading).map(|opened| file = Some(opened)).map_err(|reason| cannot(path, &reason))
        } else {
            Ok(())
        };
        world.agree(opened)?;
        Ok(Self { path: path.to_owned(), points, component: 0, file })
    }

    /// Writes a line: the field's time and its values at the points, with all digits.
    ///
    /// # Collective
    /// Over all ranks.
    ///
    /// # Errors
    /// When the field lacks a point or the component, or the file cannot be written.
    pub fn record<T: Element + AsPrimitive<f64>>(&mut self, field: &Field<T, N>) -> Result<()> {
        let shape = field.shape_global();
        let missing = self.points.iter().any(|point| (0..N).any(|a| point[a] >= shape[a]));
        if missing || self.component >= field.components() {
            let message = format!(
                "field '{}' of shape {shape:?} and {} component(s) lacks points {:?} of component {}",
                field.name(),
                field.components(),
                self.points,
                self.component
            );
            return Err(Error::on_all_ranks(ErrorKind::Argument, message));
        }
        let view = field.component(self.component).view();
        let value = |&point: &[usize; N]| field.local_index(point).map_or(0.0, |local| view.get(local).as_());
        let mine: Vec<f64> = self.points.iter().map(value).collect();
        let values = field.grid().world().sum_on_root(&mine);
        let mut line = format!("{:?}", field.time());
        values.iter().for_each(|value| line += &format!(",{value:?}"));
        line.push('\n');
        let written = match &mut self.file {
            Some(file) => {
                file.write_all(line.as_bytes()).map_err(|error| cannot(&self.path, &error.to_string()))
            }
            None => Ok(()),
        };
        field.grid().world().agree(written)
    }
}

fn cannot(path: &Path, reason: &str) -> Error {
    Error::new(ErrorKind::File, format!("cannot write probes to {}: {reason}", path.display()))
}
