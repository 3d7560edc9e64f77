//! Filters that compress chunks: those of HDF5 itself, and those that are registered with The HDF
//! Group and come as plugins.
//!
//! Source of the numbers and parameters: "Registered Filter Plugins", The HDF Group.

use hdf5::filters::Filter;
use mpi::collective::SystemOperation;
use mpi::traits::CommunicatorCollectives;

use crate::world::World;

/// HDF5's own.
const DEFLATE: i32 = 1;
const SHUFFLE: i32 = 2;
/// Plugins that there are constructors for.
const BLOSC: i32 = 32001;
const LZ4: i32 = 32004;
const ZSTD: i32 = 32015;
/// Largest number of a filter.
const LAST: i32 = 65_535;
/// Where HDF5 looks for plugins.
const PLUGIN_PATH: &str = "HDF5_PLUGIN_PATH";

/// How the chunks of a dataset are compressed, for
/// [`WriteOptions::compression`](crate::io::WriteOptions::compression).
///
/// Shuffle and [`deflate`](Self::deflate) are part of HDF5, so every program reads them. All other
/// filters are plugins: files that HDF5 finds in the directories listed by the environment variable
/// `HDF5_PLUGIN_PATH`. Every rank that writes needs them, and so does every program that reads the
/// file. They come from [The HDF Group](https://github.com/HDFGroup/hdf5_plugins), or from PyPI:
/// `pip install hdf5plugin` installs them for Python (`import hdf5plugin` before `h5py`) and, in
/// its directory `hdf5plugin/plugins`, for other programs. [`is_available`](Self::is_available)
/// tells whether they are found.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::io::{Compression, WriteOptions};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("heat.h5");
/// let world = World::init()?;
/// let u = Grid::builder([32, 32, 32]).build(&world)?.field::<f64>("u");
/// let fast = WriteOptions::new().compression(Compression::fastest());
/// Output::create(&world, &path)?.write_with(&u, &fast)?.finish()?;
/// # Ok::<(), parhelion::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compression {
    /// `None` for the fastest.
    filter: Option<FilterStage>,
    /// Whether bytes of equal significance come together first.
    shuffle: bool,
}

/// A filter: its number and parameters.
type FilterStage = (i32, Vec<u32>);

/// The compressor inside Blosc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blosc {
    /// BloscLZ, which belongs to Blosc.
    BloscLz = 0,
    /// LZ4.
    Lz4 = 1,
    /// LZ4, slower and smaller.
    Lz4Hc = 2,
    /// Zlib, as deflate.
    Zlib = 4,
    /// Zstandard.
    Zstd = 5,
}

impl Compression {
    /// Shuffle, then deflate (zlib) of this level: 1 is fast, 9 is small. Part of HDF5.
    pub fn deflate(level: u8) -> Self {
        Self { filter: Some((DEFLATE, vec![level.into()])), shuffle: true }
    }

    /// Shuffle, then Zstandard of this level, 1 (fast) to 22 (small). Filter 32015.
    pub fn zstd(level: u8) -> Self {
        Self { filter: Some((ZSTD, vec![level.into()])), shuffle: true }
    }

    /// Shuffle, then LZ4. Filter 32004.
    pub fn lz4() -> Self {
        Self { filter: Some((LZ4, Vec::new())), shuffle: true }
    }

    /// Blosc, which shuffles by itself, of this level, 0 (none) to 9 (small). Filter 32001.
    pub fn blosc(codec: Blosc, level: u8) -> Self {
        // four that the filter fills in, the level, shuffle, the codec
        let parameters = vec![0, 0, 0, 0, level.into(), 1, codec as u32];
        Self { filter: Some((BLOSC, parameters)), shuffle: false }
    }

    /// Any filter by its number, with its parameters, as The HDF Group lists them; without shuffle.
    pub fn filter(number: i32, parameters: impl Into<Vec<u32>>) -> Self {
        Self { filter: Some((number, parameters.into())), shuffle: false }
    }

    /// The fastest filter that all ranks have: Blosc with LZ4, LZ4, Zstandard or, without plugins,
    /// deflate; each with shuffle and at level 1.
    ///
    /// On a slow disk the size matters too. [`zstd`](Self::zstd) at level 1 is then a good choice:
    /// about as fast as LZ4, and smaller than deflate.
    pub fn fastest() -> Self {
        Self { filter: None, shuffle: true }
    }

    /// Whether bytes of equal significance are put together first; numbers then compress better.
    pub fn shuffled(mut self, shuffled: bool) -> Self {
        match &mut self.filter {
            // the sixth says so to the filter itself
            Some((BLOSC, parameters)) if parameters.len() > 5 => parameters[5] = shuffled.into(),
            _ => self.shuffle = shuffled,
        }
        self
    }

    /// Whether this rank has the filter.
    pub fn is_available(&self) -> bool {
        self.filter.as_ref().is_none_or(|(number, _)| can_write(*number))
    }

    /// The filters one after the other; the same on all ranks. Collective.
    pub(in crate::io) fn resolve(&self, world: &World) -> Vec<FilterStage> {
        let stages = |how: &Self| {
            let shuffle = how.shuffle.then(|| (SHUFFLE, Vec::new()));
            shuffle.into_iter().chain(how.filter.clone()).collect()
        };
        if self.filter.is_some() {
            return stages(self);
        }
        let by_speed = [Self::blosc(Blosc::Lz4, 1), Self::lz4(), Self::zstd(1), Self::deflate(1)];
        let mine = by_speed.iter().enumerate().filter(|(_, how)| how.is_available());
        let mine: u64 = mine.map(|(place, _)| 1 << place).sum();
        let mut all = 0_u64;
        world.comm().all_reduce_into(&mine, &mut all, SystemOperation::bitwise_and());
        let fastest = (all.trailing_zeros() as usize).min(by_speed.len() - 1);
        stages(&by_speed[fastest].clone().shuffled(self.shuffle))
    }
}

/// Why data cannot be compressed by these filters on this rank; `None` if they can.
pub(in crate::io) fn refusal(filters: &[FilterStage]) -> Option<String> {
    filters.iter().find_map(|(number, parameters)| {
        let (level, most, unit) = match (number, &parameters[..]) {
            (&DEFLATE, [level]) => (*level, 9, "1 is fast, 9 is small"),
            (&ZSTD, [level]) => (*level, 22, "1 is fast, 22 is small"),
            (&BLOSC, [_, _, _, _, level, ..]) => (*level, 9, "1 is fast, 9 is small"),
            _ => (0, 0, ""),
        };
        if level > most {
            Some(format!("cannot be compressed at level {level}: {unit}"))
        } else if !(1..=LAST).contains(number) {
            Some(format!("cannot be compressed by filter {number}: filters have numbers from 1 to {LAST}"))
        } else {
            (!can_write(*number)).then(|| format!("cannot be compressed by {}", missing(*number)))
        }
    })
}

/// Why data that went through these filters cannot be read on this rank; `None` if they can.
pub(in crate::io) fn unreadable(filters: &[i32]) -> Option<String> {
    let number = filters.iter().find(|&&number| !Filter::get_info(number).decode_enabled)?;
    Some(format!("was compressed by {}", missing(*number)))
}

/// The numbers of a dataset's filters.
pub(in crate::io) fn of(dataset: &hdf5::Dataset) -> Vec<i32> {
    dataset.filters().iter().map(Filter::id).collect()
}

fn can_write(number: i32) -> bool {
    (1..=LAST).contains(&number) && Filter::get_info(number).encode_enabled
}

/// Which filter is missing, and how to get it.
fn missing(number: i32) -> String {
    let name = match number {
        DEFLATE => "deflate, ",
        BLOSC => "Blosc, ",
        LZ4 => "LZ4, ",
        ZSTD => "Zstandard, ",
        _ => "",
    };
    let path = std::env::var(PLUGIN_PATH).map_or_else(|_| "is not set".into(), |path| format!("is {path:?}"));
    format!(
        "{name}filter {number}, which this HDF5 does not have: {PLUGIN_PATH} {path}, and may list directories of plugins, as \
         hdf5plugin/plugins of the package hdf5plugin from PyPI; deflate needs none"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_makes_no_sense_is_said() {
        let why =
            |number: i32, parameters: &[u32]| refusal(&[(SHUFFLE, vec![]), (number, parameters.to_vec())]);
        assert_eq!(why(DEFLATE, &[9]), None);
        assert!(why(DEFLATE, &[10]).unwrap().contains("level 10"));
        assert!(why(ZSTD, &[23]).unwrap().contains("22 is small"));
        assert!(why(0, &[]).unwrap().contains("1 to 65535") && why(65_536, &[]).is_some());
        // reserved for tests of The HDF Group
        let message = why(511, &[]).unwrap();
        assert!(message.contains("filter 511") && message.contains(PLUGIN_PATH), "{message}");
        let shuffles = |how: Compression| (how.shuffle, how.filter.unwrap().1[5]);
        let blosc = Compression::blosc(Blosc::Zlib, 3);
        assert_eq!((shuffles(blosc.clone()), shuffles(blosc.shuffled(false))), ((false, 1), (false, 0)));
        assert!(unreadable(&[SHUFFLE, DEFLATE]).is_none() && unreadable(&[SHUFFLE, 511]).is_some());
    }
}
