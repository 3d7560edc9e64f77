//! What is tested of input and output, as functions that all ranks run.

#[path = "array.rs"]
mod array;

use std::path::Path;

use array::{Array, FromIndex, Layout};
use mpi::traits::CommunicatorCollectives;
use num_complex::Complex;
use parhelion::{Attribute, Centring, ElementKind, Grid, Input, Output, Result, World};

pub fn run(world: &World, case: &str, directory: &Path) {
    match case {
        "round-trip" => round_trips(world, directory),
        "attributes" => attributes(world, directory),
        "refusals" => refusals(world, directory),
        "survival" => an_older_file_survives(world, directory),
        "full-disk" => full_disk(world, directory),
        "foreign" => foreign(world, directory),
        "fields" => fields(world, directory),
        "gallery" => gallery(world, directory),
        "bandwidth" => bandwidth(world, directory),
        _ => panic!("no case {case}"),
    }
    if world.rank() == 0 {
        println!("{case} on {} ranks: ok", world.size());
    }
}

/// Grids of ranks to try: everything on one axis, a compact grid, and one rank left empty.
fn grids(ranks: usize, axes: usize) -> Vec<Vec<usize>> {
    let mut grids = Vec::new();
    for axis in 0..axes {
        let mut grid = vec![1; axes];
        grid[axis] = ranks;
        grids.push(grid);
    }
    if axes > 1 && ranks.is_multiple_of(2) {
        let mut grid = vec![1; axes];
        (grid[axes - 2], grid[axes - 1]) = (2, ranks / 2);
        grids.push(grid);
    }
    if ranks > 1 {
        let mut grid = vec![1; axes];
        grid[0] = ranks - 1;
        grids.push(grid);
    }
    grids
}

fn round_trip<T: FromIndex>(world: &World, directory: &Path, layout: &Layout) {
    let path = directory.join("round.h5");
    let mut out = Array::<T>::new("u", layout, world.rank());
    out.fill(T::from_index);
    Output::create(world, &path).unwrap().write(&out).unwrap().finish().unwrap();
    let input = Input::open(world, &path).unwrap();
    assert_eq!(input.kind("u").unwrap(), T::KIND);
    // read back on another grid of ranks
    let layout = Layout { ranks: layout.ranks.iter().rev().copied().collect(), halo: 2, ..layout.clone() };
    let mut back = Array::<T>::new("u", &layout, world.rank());
    input.read_into("u", &mut back).unwrap();
    back.assert_holds(T::from_index);
}

fn round_trips(world: &World, directory: &Path) {
    // uneven blocks, and fewer cells than ranks on some axes
    for shape in [vec![13], vec![7, 5], vec![5, 7, 3], vec![3, 4, 5, 2], vec![2, 3, 0]] {
        for ranks in grids(world.size(), shape.len()) {
            for (halo, padding, components) in [(0, 0, 1), (1, 3, 1), (2, 1, 3)] {
                let layout = Layout { shape: shape.clone(), ranks: ranks.clone(), halo, padding, components };
                round_trip::<f64>(world, directory, &layout);
            }
        }
    }
    let layout =
        Layout { shape: vec![5, 4, 6], ranks: vec![world.size(), 1, 1], halo: 1, padding: 2, components: 1 };
    for components in [1, 2] {
        let layout = Layout { components, ..layout.clone() };
        round_trip::<i8>(world, directory, &layout);
        round_trip::<i16>(world, directory, &layout);
        round_trip::<i32>(world, directory, &layout);
        round_trip::<i64>(world, directory, &layout);
        round_trip::<u8>(world, directory, &layout);
        round_trip::<u16>(world, directory, &layout);
        round_trip::<u32>(world, directory, &layout);
        round_trip::<u64>(world, directory, &layout);
        round_trip::<f32>(world, directory, &layout);
        round_trip::<Complex<f32>>(world, directory, &layout);
        round_trip::<Complex<f64>>(world, directory, &layout);
    }
}

fn cube(world: &World) -> Layout {
    Layout { shape: vec![4, 5, 6], ranks: vec![1, world.size(), 1], halo: 1, padding: 0, components: 1 }
}

fn filled<T: FromIndex>(world: &World, name: &str, layout: &Layout) -> Array<T> {
    let mut array = Array::new(name, layout, world.rank());
    array.fill(T::from_index);
    array
}

fn attributes(world: &World, directory: &Path) {
    let path = directory.join("attributes.h5");
    let u = filled::<f32>(world, "u", &cube(world));
    let output =
        Output::create(world, &path).unwrap().time(2.5).attribute("steps", 7).attribute("code", "né");
    let output = output.attribute("bounds", vec![-1.0, 1.0]).write(&u).unwrap().write_as("v", &u).unwrap();
    output.finish().unwrap();
    let input = Input::open(world, &path).unwrap();
    assert_eq!(input.datasets().collect::<Vec<_>>(), ["u", "v", "x", "y", "z"]);
    assert_eq!(input.shape("v").unwrap(), [4, 5, 6]);
    assert_eq!(input.time(), Some(2.5));
    let find = |list: &[(String, Attribute)], name: &str| {
        list.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    assert_eq!(find(input.attributes("u").unwrap(), "units"), Some("K".into()));
    assert_eq!(find(input.attributes("u").unwrap(), "long_name"), Some("température".into()));
    assert_eq!(find(input.attributes("x").unwrap(), "NAME"), Some("x".into()));
    assert_eq!(find(input.file_attributes(), "steps"), Some(7.into()));
    assert_eq!(find(input.file_attributes(), "code"), Some("né".into()));
    assert_eq!(find(input.file_attributes(), "bounds"), Some(vec![-1.0, 1.0].into()));
}

/// The message of an error, after making sure that every rank has the same one.
fn refused<T>(world: &World, result: Result<T>) -> String {
    let message = result.err().expect("this must be refused").to_string();
    let mut bytes = [0_u8; 4096];
    bytes[..message.len()].copy_from_slice(message.as_bytes());
    let mut all = vec![0_u8; bytes.len() * world.size()];
    world.communicator().all_gather_into(&bytes[..], &mut all[..]);
    assert!(all.chunks(bytes.len()).all(|other| other == bytes), "ranks differ about: {message}");
    if world.rank() == 0 {
        println!("  {message}");
    }
    message
}

fn assert_contains(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

fn refusals(world: &World, directory: &Path) {
    let u = filled::<f64>(world, "u", &cube(world));
    let good = directory.join("good.h5");
    Output::create(world, &good).unwrap().write(&u).unwrap().finish().unwrap();
    let text = directory.join("text.h5");
    let cut = directory.join("cut.h5");
    if world.rank() == 0 {
        std::fs::write(&text, "not HDF5").unwrap();
        let whole = std::fs::read(&good).unwrap();
        std::fs::write(&cut, &whole[..whole.len() - 100]).unwrap();
    }
    world.communicator().barrier();

    let open = |path: &Path| refused(world, Input::open(world, path));
    assert_contains(&open(&directory.join("missing.h5")), &["missing.h5", "No such file"]);
    assert_contains(&open(&text), &["text.h5", "not an HDF5 file"]);
    assert_contains(&open(&cut), &["cut.h5", "truncated"]);
    assert_contains(&open(directory), &["not an ordinary file"]);
    // where even root may not read
    assert_contains(&open("/proc/self/mem/no.h5".as_ref()), &["no.h5", "Not a directory"]);

    let input = Input::open(world, &good).unwrap();
    let mut other = Array::<f64>::new("u", &cube(world), world.rank());
    let message = refused(world, input.read_into("temperature", &mut other));
    assert_contains(
        &message,
        &["\"temperature\"", "good.h5", "no such dataset", "\"u\", \"x\", \"y\", \"z\""],
    );
    for shape in [vec![4, 5, 7], vec![4, 5]] {
        let ranks = vec![1; shape.len()];
        let layout = Layout { shape, ranks, ..cube(world) };
        let mut other = Array::<f64>::new("u", &layout, world.rank());
        let message = refused(world, input.read_into("u", &mut other));
        assert_contains(&message, &["[4, 5, 6]", &format!("{:?}", layout.shape)]);
    }
    let mut vectors = Array::<f64>::new("u", &Layout { components: 3, ..cube(world) }, world.rank());
    let message = refused(world, input.read_into("u", &mut vectors));
    assert_contains(&message, &["components", "[4, 5, 6]", "[4, 5, 6, 3]"]);
    let mut integers = Array::<i32>::new("u", &cube(world), world.rank());
    assert_contains(&refused(world, input.read_into("u", &mut integers)), &["f64", "i32", "fractions"]);
    let mut complex = Array::<Complex<f64>>::new("u", &cube(world), world.rank());
    assert_contains(&refused(world, input.read_into("u", &mut complex)), &["not complex"]);

    let create = |path: &Path| refused(world, Output::create(world, path));
    assert_contains(&create(&directory.join("no/such.h5")), &["no directory"]);
    assert_contains(&create(directory), &["not an ordinary file"]);
    assert_contains(&create("/proc/u.h5".as_ref()), &["/proc/u.h5"]);
    assert_contains(&create(&directory.join("u.xdmf")), &["u.xdmf", ".h5"]);
    if world.size() > 1 {
        let own = directory.join(format!("of-{}.h5", world.rank()));
        assert_contains(&create(&own), &["path of an output file", "not the same on all"]);
    }
}

/// Nothing is left of a file that failed, and the older one is as it was.
fn an_older_file_survives(world: &World, directory: &Path) {
    let path = directory.join("old.h5");
    let u = filled::<f64>(world, "u", &cube(world));
    Output::create(world, &path).unwrap().write(&u).unwrap().finish().unwrap();
    let before = std::fs::read(&path).unwrap();
    let begin = || Output::create(world, &path).unwrap().write_as("new", &u).unwrap();
    drop(begin());
    let again = refused(world, begin().write_as("new", &u));
    assert_contains(&again, &["\"new\"", "old.h5", "already holds"]);
    let slash = refused(world, begin().write_as("a/b", &u));
    assert_contains(&slash, &["a/b", "without"]);
    assert_contains(&refused(world, begin().write_as("x", &u)), &["\"x\"", "two"]);
    let shorter = filled::<f64>(world, "w", &Layout { shape: vec![4, 5, 7], ..cube(world) });
    assert_contains(&refused(world, begin().write(&shorter)), &["axis \"x\"", "other coordinates"]);
    let mut torn = filled::<f64>(world, "torn", &cube(world));
    if world.rank() == world.size() - 1 {
        torn.parts[0].truncate(1);
    }
    assert_contains(&refused(world, begin().write(&torn)), &["shorter"]);
    world.communicator().barrier();
    assert!(std::fs::read(&path).unwrap() == before);
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("old"))
        .collect();
    names.sort();
    assert_eq!(names, ["old.h5", "old.xdmf"]);
    world.communicator().barrier();
    begin().finish().unwrap();
    let input = Input::open(world, &path).unwrap();
    assert_eq!(input.datasets().next(), Some("new"));
}

/// On a file system of 1 MiB: what fits is written, what does not leaves no trace.
fn full_disk(world: &World, directory: &Path) {
    let path = directory.join("full.h5");
    let small = filled::<f64>(world, "u", &cube(world));
    Output::create(world, &path).unwrap().write(&small).unwrap().finish().unwrap();
    let before = std::fs::read(&path).unwrap();
    // 0.9 of the disk twice: the second field does not fit
    let half = filled::<f64>(world, "half", &Layout { shape: vec![50, 40, 50], ..cube(world) });
    let output = Output::create(world, &path).unwrap().write(&half).unwrap();
    assert_contains(&refused(world, output.write_as("more", &half)), &["full.h5", "No space left"]);
    let large = filled::<f64>(world, "large", &Layout { shape: vec![200, 100, 100], ..cube(world) });
    let message = refused(world, Output::create(world, &path).unwrap().write(&large));
    assert_contains(&message, &["\"large\"", "full.h5", "No space left", "16000000 bytes"]);
    world.communicator().barrier();
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 2, "something was left behind");
    world.communicator().barrier();
    // not a byte is left: even an empty file does not fit
    let filler = directory.join("filler");
    if world.rank() == 0 {
        let mut size = 1 << 20;
        let mut bytes = Vec::new();
        while size > 0 {
            bytes.resize(bytes.len() + size, 0_u8);
            if std::fs::write(&filler, &bytes).is_err() {
                bytes.truncate(bytes.len() - size);
                size /= 2;
            }
        }
    }
    world.communicator().barrier();
    let result =
        Output::create(world, &path).and_then(|output| output.write(&small)).and_then(Output::finish);
    assert_contains(&refused(world, result), &["full.h5"]);
    world.communicator().barrier();
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 3, "something was left behind");
    world.communicator().barrier();
    if world.rank() == 0 {
        std::fs::remove_file(filler).unwrap();
    }
}

/// Reads what h5py made, see `foreign.py`: value of the global index in many types and layouts.
fn foreign(world: &World, directory: &Path) {
    let input = Input::open(world, directory.join("foreign.h5")).unwrap();
    for ranks in grids(world.size(), 3) {
        let layout = Layout { shape: vec![5, 6, 4], ranks, halo: 1, padding: 1, components: 1 };
        for name in
            ["u1", "i2", "i2be", "f2", "f4", "f4be", "f8be", "chunked", "gzip", "shuffle", "group/deep"]
        {
            let mut u = Array::<f64>::new("u", &layout, world.rank());
            input.read_into(name, &mut u).unwrap_or_else(|error| panic!("{name}: {error}"));
            u.assert_holds(f64::from_index);
            let mut u = Array::<f32>::new("u", &layout, world.rank());
            input.read_into(name, &mut u).unwrap();
            u.assert_holds(f32::from_index);
        }
        for name in ["u1", "i2", "i2be"] {
            let mut u = Array::<i32>::new("u", &layout, world.rank());
            input.read_into(name, &mut u).unwrap();
            u.assert_holds(i32::from_index);
        }
        for name in ["c8", "c16", "c16be", "c16named"] {
            let mut u = Array::<Complex<f64>>::new("u", &layout, world.rank());
            input.read_into(name, &mut u).unwrap();
            u.assert_holds(Complex::<f64>::from_index);
        }
        for name in ["v2be", "v8gzip"] {
            let mut v = Array::<f64>::new("v", &Layout { components: 3, ..layout.clone() }, world.rank());
            input.read_into(name, &mut v).unwrap();
            v.assert_holds(f64::from_index);
        }
    }
    assert_eq!(input.kind("i2be").unwrap(), ElementKind::I16);
    let mut u = Array::<f64>::new("u", &cube(world), world.rank());
    let message = refused(world, input.read_into("text", &mut u));
    assert_contains(&message, &["text"]);
    let first = &input.attributes("u1").unwrap().iter().find(|(name, _)| name == "note").unwrap().1;
    assert_eq!(first.as_text(), Some("from h5py"));
}

/// Fields, cell-centred, staggered and with components, on the grid of ranks the library chooses.
fn fields(world: &World, directory: &Path) {
    let path = directory.join("fields.h5");
    let grid = Grid::builder([9, 7, 11]).extent([1.0, 2.0, 3.0]).halo(1).build(world).unwrap();
    let make = |name: &str, centring, components| {
        grid.field_builder::<f64>(name).centring(centring).components(components).build().unwrap()
    };
    let value =
        |component: usize| move |[z, y, x]: [f64; 3]| (100.0 * z + 10.0 * y + x) * (1.0 + component as f64);
    let mut u = make("u", Centring::Cell, 1);
    u.fill(value(0));
    let face = {
        let mut face = make("w", Centring::Face(2), 1);
        face.fill(value(0));
        face
    };
    let output = Output::create(world, &path).unwrap().write(&u).unwrap().write(&face).unwrap();
    output.write(&make("v", Centring::Cell, 3)).unwrap().finish().unwrap();
    let input = Input::open(world, &path).unwrap();
    assert_eq!(input.datasets().collect::<Vec<_>>(), ["component3", "u", "v", "w", "x", "x_node", "y", "z"]);
    assert_eq!(input.shape("w").unwrap(), [9, 7, 12]);
    for (name, written) in [("u", &u), ("w", &face)] {
        let mut back = make(name, written.centring(), 1);
        input.read_into(name, &mut back).unwrap();
        let shape = written.shape_global();
        for n in 0..shape.iter().product() {
            let index = [n / (shape[1] * shape[2]), n / shape[2] % shape[1], n % shape[2]];
            assert_eq!(back.get_global(index), written.get_global(index), "{name} at {index:?}");
        }
        let raw = hdf5_value_at(&input, name, &shape);
        assert_eq!(raw, value(0)(written.coordinates([1, 2, 3])), "{name} as a plain array");
    }
}

/// The value at [1, 2, 3] of a dataset, read on every rank into an array that is not distributed.
fn hdf5_value_at(input: &Input<'_>, name: &str, shape: &[usize; 3]) -> f64 {
    let layout = Layout { shape: shape.to_vec(), ranks: vec![1; 3], halo: 0, padding: 0, components: 1 };
    let mut whole = Array::<f64>::new(name, &layout, 0);
    input.read_into(name, &mut whole).unwrap();
    whole.parts[0][(shape[1] + 2) * shape[2] + 3]
}

/// A file with one of everything, for other tools to look at, see `gallery.py`.
fn gallery(world: &World, directory: &Path) {
    let layout =
        Layout { shape: vec![5, 6, 4], ranks: vec![1, 1, world.size()], halo: 1, padding: 1, components: 1 };
    let rank = world.rank();
    fn make<T: FromIndex>(name: &str, layout: &Layout, rank: usize) -> Array<T> {
        let mut array = Array::new(name, layout, rank);
        array.fill(T::from_index);
        array
    }
    let mut output = Output::create(world, directory.join("gallery.h5")).unwrap().time(0.5);
    output = output.write(&make::<f64>("f64", &layout, rank)).unwrap();
    output = output.write(&make::<f32>("f32", &layout, rank)).unwrap();
    output = output.write(&make::<u8>("u8", &layout, rank)).unwrap();
    output = output.write(&make::<i8>("i8", &layout, rank)).unwrap();
    output = output.write(&make::<i16>("i16", &layout, rank)).unwrap();
    output = output.write(&make::<u16>("u16", &layout, rank)).unwrap();
    output = output.write(&make::<i32>("i32", &layout, rank)).unwrap();
    output = output.write(&make::<u32>("u32", &layout, rank)).unwrap();
    output = output.write(&make::<i64>("i64", &layout, rank)).unwrap();
    output = output.write(&make::<u64>("u64", &layout, rank)).unwrap();
    output = output.write(&make::<Complex<f64>>("c16", &layout, rank)).unwrap();
    output =
        output.write(&make::<f64>("velocity", &Layout { components: 3, ..layout.clone() }, rank)).unwrap();
    output = output.write(&make::<f64>("pair", &Layout { components: 2, ..layout.clone() }, rank)).unwrap();
    output.finish().unwrap();
    for (name, shape) in [("line.h5", vec![7]), ("plane.h5", vec![3, 7])] {
        let ranks = vec![1; shape.len()];
        let layout = Layout { shape, ranks, halo: 1, padding: 0, components: 1 };
        let u = make::<f64>("u", &layout, rank);
        Output::create(world, directory.join(name)).unwrap().write(&u).unwrap().finish().unwrap();
    }
}

/// Time of the best of some runs, the slowest rank's.
fn best(world: &World, mut work: impl FnMut()) -> f64 {
    (0..5)
        .map(|_| {
            world.communicator().barrier();
            let start = std::time::Instant::now();
            work();
            world.communicator().barrier();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// Writing and reading against plain positioned writes and reads of the same bytes.
fn bandwidth(world: &World, directory: &Path) {
    use std::os::unix::fs::FileExt;
    let n = 256;
    for (components, ranks) in
        [(1, vec![world.size(), 1, 1]), (1, vec![1, 1, world.size()]), (3, vec![world.size(), 1, 1])]
    {
        let layout = Layout { shape: vec![n, n, n / components], ranks, halo: 1, padding: 6, components };
        let mut u = filled::<f64>(world, "u", &layout);
        let share = (n * n * (n / components) * components * 8) / world.size();
        let bytes = vec![1_u8; share];
        let path = directory.join("bandwidth.h5");
        let raw = directory.join("raw");
        let written = best(world, || {
            Output::create(world, &path).unwrap().write(&u).map(drop).unwrap();
        });
        let with_finish =
            best(world, || Output::create(world, &path).unwrap().write(&u).unwrap().finish().unwrap());
        let plain = |sync: bool| {
            best(world, || {
                if world.rank() == 0 {
                    let _ = std::fs::remove_file(&raw);
                    std::fs::File::create(&raw).unwrap();
                }
                world.communicator().barrier();
                let file = std::fs::OpenOptions::new().write(true).open(&raw).unwrap();
                file.write_all_at(&bytes, (world.rank() * share) as u64).unwrap();
                if sync {
                    file.sync_all().unwrap();
                }
            })
        };
        let (plain_write, plain_sync) = (plain(false), plain(true));
        let input = Input::open(world, &path).unwrap();
        let read = best(world, || input.read_into("u", &mut u).unwrap());
        let mut buffer = bytes.clone();
        let plain_read = best(world, || {
            let file = std::fs::File::open(&raw).unwrap();
            file.read_exact_at(&mut buffer, (world.rank() * share) as u64).unwrap();
        });
        if world.rank() == 0 {
            let gb = (share * world.size()) as f64 * 1e-9;
            println!(
                "{:?} x {components}: write {:.2} GB/s, {:.2} of pwrite; with finish {:.2} GB/s, {:.2} of \
                 pwrite+fsync; read {:.2} GB/s, {:.2} of pread",
                layout.ranks,
                gb / written,
                plain_write / written,
                gb / with_finish,
                plain_sync / with_finish,
                gb / read,
                plain_read / read
            );
        }
    }
}
