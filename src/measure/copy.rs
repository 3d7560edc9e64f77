//! Copy bandwidth of all threads of all ranks together: the limit of work that streams through
//! memory.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use parhelion_kernels::{Array, Layout};

use crate::world::World;

/// Number of timed copies, of which the best counts; an untimed one comes first.
const COPIES: usize = 5;
/// Smallest and largest size of one array on a node, in bytes.
const ARRAY: std::ops::RangeInclusive<usize> = 32 << 20..=1 << 30;
/// Bytes assumed for the caches of a node where the system does not tell.
const USUAL_CACHES: usize = 32 << 20;

/// What [`measured`] found the first time, kept with the world.
#[derive(Default)]
struct Known(Cell<Option<f64>>);

/// As [`measured`], which is called once in a world.
///
/// # Collective
/// Over all ranks; every rank gets the same number.
pub(super) fn bandwidth(world: &World) -> f64 {
    let known = world.attached::<Known>();
    let bandwidth = known.0.get().unwrap_or_else(|| measured(world));
    known.0.set(Some(bandwidth));
    bandwidth
}

/// Gigabytes per second, read and written, that all ranks copy at the same time: the copy of STREAM
/// (McCalpin 1995). Bytes are counted as in sweeps: what a store first reads from memory is not
/// counted.
///
/// The arrays of a node are together four times as large as its caches.
///
/// # Collective
/// Over all ranks; every rank gets the same number.
fn measured(world: &World) -> f64 {
    let array = (2 * caches().unwrap_or(USUAL_CACHES)).clamp(*ARRAY.start(), *ARRAY.end());
    let elements = array / world.ranks_on_node() / size_of::<f64>();
    let layout = Layout::new([elements.max(1)], [[0; 2]], size_of::<f64>()).expect("one short axis");
    let from = Array::<f64, 1>::zeros(world.pool(), layout);
    let mut to = Array::<f64, 1>::zeros(world.pool(), layout);
    let mut copy = || {
        let from = from.view();
        to.view_mut().for_each_row(world.pool(), layout.interior(), |first, row| {
            row.copy_from_slice(from.row(first, row.len()));
        });
    };
    copy();
    let best = (0..COPIES).fold(u64::MAX, |best, _| {
        world.barrier();
        let start = Instant::now();
        copy();
        let nanos = start.elapsed().as_nanos() as u64;
        // The slowest rank's time: the smallest complement is that of the largest value.
        let mut slowest = [!nanos];
        world.all_min(&mut slowest);
        best.min(!slowest[0])
    });
    let mut bytes = [(2 * layout.interior().len() * size_of::<f64>()) as i64];
    world.all_sum(&mut bytes);
    bytes[0] as f64 / best.max(1) as f64
}

/// Bytes of all caches of the last level on this node; `None` where Linux does not show them.
fn caches() -> Option<usize> {
    let mut last = BTreeMap::new();
    for core in fs::read_dir("/sys/devices/system/cpu").ok()?.flatten() {
        let Ok(caches) = fs::read_dir(core.path().join("cache")) else { continue };
        // One entry for all the cores that share a cache.
        let found = caches.flatten().filter_map(|cache| describe(&cache.path())).max();
        if let Some((_, sharers, bytes)) = found {
            last.insert(sharers, bytes);
        }
    }
    let bytes = last.values().sum();
    (bytes > 0).then_some(bytes)
}

/// Level, cores that share it, and bytes of a cache.
fn describe(cache: &Path) -> Option<(u32, String, usize)> {
    let read = |name| fs::read_to_string(cache.join(name)).ok().map(|text| text.trim().to_owned());
    let size = read("size")?;
    let kilobytes: usize = size.strip_suffix('K')?.parse().ok()?;
    Some((read("level")?.parse().ok()?, read("shared_cpu_list")?, kilobytes << 10))
}
