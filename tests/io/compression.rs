//! Filter plugins: what is written with them is read unchanged, here and by other tools; a missing
//! plugin is an error on every rank.

use std::path::Path;

use parhelion::io::{Blosc, Compression, Input, Output, ReadOptions, Series, WriteOptions};
use parhelion::testing::RankTest;
use parhelion::{Result, World};

use crate::array::{Array, Layout};
use crate::python::{self, skip};
use crate::ranks;
use crate::support::{assert_contains, cube, filled, refused, scratch};

/// The environment variable with HDF5's folder of plugins.
const PLUGINS: &str = "HDF5_PLUGIN_PATH";

/// Uneven blocks; chunks of the shape below are shared by ranks.
fn layout(world: &World) -> Layout {
    Layout { shape: vec![13, 9, 10], ranks: vec![world.size(), 1, 1], halo: 1, padding: 1, components: 2 }
}

/// All filters that have a constructor, with their numbers.
fn ways() -> Vec<(&'static str, Compression)> {
    vec![
        ("deflate-1", Compression::deflate(3)),
        ("zstd-32015", Compression::zstd(3)),
        ("lz4-32004", Compression::lz4()),
        ("blosc-32001", Compression::blosc(Blosc::Lz4, 5)),
        ("blosc-zstd-32001", Compression::blosc(Blosc::Zstd, 1)),
        // bzip2, blocks of 900 kB
        ("number-307", Compression::filter(307, [9]).shuffled(true)),
        ("fastest-32001", Compression::fastest()),
    ]
}

#[test]
fn plugins_compress_what_others_read() {
    let Some(python) = python::with(&["h5py", "numpy", "hdf5plugin"]) else { return };
    let plugins = python.packages().join("hdf5plugin/plugins");
    let test = RankTest::new(1).env(PLUGINS, plugins);
    test.on(ranks().map(|ranks| (ranks, 1)), |world| {
        if !ways().iter().all(|(_, way)| way.is_available()) {
            if world.rank() == 0 {
                skip("this HDF5 cannot load the plugins of hdf5plugin");
            }
            return Ok(());
        }
        scratch(world, |directory| {
            let path = directory.join("compressed.h5");
            let u = filled::<f64>(world, "u", &layout(world));
            let mut output = Output::create(world, &path)?;
            for (name, way) in ways() {
                let options = WriteOptions::new().name(name).chunks([4, 3, 10]).compression(way);
                output = output.write_with(&u, &options)?;
            }
            output.finish()?;
            let input = Input::open(world, &path)?;
            for (name, _) in ways() {
                let other = Layout { ranks: vec![1, 1, world.size()], halo: 2, ..layout(world) };
                let mut back = Array::<f64>::new("u", &other, world.rank());
                input.read_into(name, &mut back)?;
                back.assert_holds(|index| index as f64);
            }
            series(world, directory)?;
            if world.rank() == 0 {
                python.run("check_compression.py", [&path]);
            }
            Ok(())
        })
    });
}

fn series(world: &World, directory: &Path) -> Result<()> {
    let path = directory.join("run.h5");
    let mut series = Series::create(world, &path)?;
    let way = WriteOptions::new().chunks([2, 5, 3]).compression(Compression::zstd(1));
    for time in 0..4 {
        let mut u = Array::<f64>::new("u", &cube(world), world.rank());
        u.fill_with(|index| (1000 * time + index) as f64);
        series.at(time as f64)?.write_with(&u, &way)?.finish()?;
    }
    let input = Input::open(world, &path)?;
    for time in 0..4 {
        let mut u = Array::<f64>::new("u", &cube(world), world.rank());
        input.read_with("u", &mut u, &ReadOptions::new().at(0, time))?;
        u.assert_holds(|index| (1000 * time + index) as f64);
    }
    Ok(())
}

#[test]
fn what_is_missing_is_named_on_every_rank() {
    let Some(python) = python::with(&["h5py", "numpy", "hdf5plugin"]) else { return };
    let test = RankTest::new(1).env(PLUGINS, "/no/such/directory");
    test.on(ranks().map(|ranks| (ranks, 1)), |world| {
        scratch(world, |directory| {
            let path = directory.join("refused.h5");
            let u = filled::<f64>(world, "u", &cube(world));
            let with = |way: Compression| {
                let options = WriteOptions::new().compression(way);
                Output::create(world, &path).and_then(|output| output.write_with(&u, &options))
            };
            let named = ["\"u\"", PLUGINS, "/no/such/directory", "hdf5plugin"];
            for (number, way) in [
                ("Zstandard, filter 32015", Compression::zstd(1)),
                ("LZ4, filter 32004", Compression::lz4()),
                ("Blosc, filter 32001", Compression::blosc(Blosc::BloscLz, 1)),
                ("filter 307", Compression::filter(307, [9])),
            ] {
                assert!(!way.is_available());
                assert_contains(&refused(world, with(way)), &[&named[..], &[number]].concat());
            }
            assert_contains(&refused(world, with(Compression::filter(0, []))), &["1 to 65535"]);
            with(Compression::fastest())?.finish()?;
            // Files of other programs, and series that they began.
            let foreign = directory.join("zstd.h5");
            if world.rank() == 0 {
                python.run("make_compressed.py", [&foreign]);
                python.run("check_fallback.py", [&path]);
            }
            world.barrier();
            let mut back = Array::<f64>::new("u", &cube(world), world.rank());
            let input = Input::open(world, &foreign)?;
            let message = refused(world, input.read_with("u", &mut back, &ReadOptions::new().at(0, 1)));
            assert_contains(&message, &["zstd.h5", "\"u\"", "Zstandard, filter 32015", PLUGINS]);
            let mut series = Series::resume(world, &foreign, f64::INFINITY)?;
            let message = refused(world, series.at(2.0)?.write(&u).map(drop));
            assert_contains(&message, &["zstd.h5", "\"u\"", "Zstandard, filter 32015", PLUGINS]);
            Ok(())
        })
    });
}
