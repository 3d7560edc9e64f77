//! Round trips of all kinds of elements, any blocks, any numbers of ranks.

use std::path::Path;

use num_complex::Complex;
use parhelion::io::{Attribute, Input, Output};
use parhelion::{Result, World};

use crate::array::{Array, FromIndex, Layout};
use crate::stages::stages;
use crate::support::{cube, filled, find, grids, on_ranks_in_scratch};

/// Writes an array and reads it back on another grid of ranks, with another halo.
fn round_trip<T: FromIndex>(world: &World, path: &Path, layout: &Layout) -> Result<()> {
    Output::create(world, path)?.write(&filled::<T>(world, "u", layout))?.finish()?;
    let input = Input::open(world, path)?;
    assert_eq!(input.kind("u")?, T::KIND);
    let layout = Layout { ranks: layout.ranks.iter().rev().copied().collect(), halo: 2, ..layout.clone() };
    let mut back = Array::<T>::new("u", &layout, world.rank());
    input.read_into("u", &mut back)?;
    back.assert_holds(T::from_index);
    Ok(())
}

/// Each grid with one of three memory layouts in turn, beginning with another one for each number
/// of ranks, so that all of them are used. (A round trip waits for other ranks a hundred times: a
/// time slice each where ranks outnumber cores.)
#[test]
fn any_shape_and_grid_of_ranks_is_read_on_another() {
    on_ranks_in_scratch(|world, directory| {
        let memory = [(0, 0, 1), (1, 3, 1), (2, 1, 3)];
        // Uneven blocks, fewer cells than ranks on some axes, and no cells at all.
        for shape in [vec![13], vec![7, 5], vec![5, 7, 3], vec![3, 4, 5, 2], vec![2, 3, 0]] {
            for (turn, ranks) in (world.size()..).zip(grids(world.size(), shape.len())) {
                let (halo, padding, components) = memory[turn % memory.len()];
                let layout = Layout { shape: shape.clone(), ranks, halo, padding, components };
                round_trip::<f64>(world, &directory.join("round.h5"), &layout)?;
            }
        }
        Ok(())
    });
}

#[test]
fn every_kind_of_element_comes_back() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("kinds.h5");
        for components in [1, 2] {
            let layout = Layout { components, padding: 2, ..cube(world) };
            round_trip::<i8>(world, &path, &layout)?;
            round_trip::<i16>(world, &path, &layout)?;
            round_trip::<i32>(world, &path, &layout)?;
            round_trip::<i64>(world, &path, &layout)?;
            round_trip::<u8>(world, &path, &layout)?;
            round_trip::<u16>(world, &path, &layout)?;
            round_trip::<u32>(world, &path, &layout)?;
            round_trip::<u64>(world, &path, &layout)?;
            round_trip::<f32>(world, &path, &layout)?;
            round_trip::<Complex<f32>>(world, &path, &layout)?;
            round_trip::<Complex<f64>>(world, &path, &layout)?;
        }
        Ok(())
    });
}

/// Writes as `From`, reads as `To`.
fn convert<From: FromIndex, To: FromIndex>(world: &World, path: &Path) -> Result<()> {
    for components in [1, 2] {
        let layout = Layout { components, ..cube(world) };
        // 120 indices and 240: both fit one byte
        Output::create(world, path)?.write(&filled::<From>(world, "u", &layout))?.finish()?;
        let mut back = Array::<To>::new("u", &layout, world.rank());
        Input::open(world, path)?.read_into("u", &mut back)?;
        back.assert_holds(To::from_index);
    }
    Ok(())
}

#[test]
fn values_of_another_kind_are_converted() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("converted.h5");
        convert::<u8, f64>(world, &path)?;
        convert::<i16, f64>(world, &path)?;
        convert::<f32, f64>(world, &path)?;
        convert::<u8, f32>(world, &path)?;
        convert::<f64, f32>(world, &path)?;
        convert::<u16, i64>(world, &path)?;
        convert::<Complex<f32>, Complex<f64>>(world, &path)
    });
}

#[test]
fn a_job_reads_what_a_job_of_another_size_wrote() {
    stages(&[4, 6, 1, 8, 3, 2], |world, directory, turn| {
        // Each job finds the previous job's file and leaves its own.
        let path = directory.join("relay.h5");
        let layout = Layout {
            shape: vec![9, 8, 7],
            ranks: vec![1, world.size(), 1],
            halo: 1,
            padding: 1,
            components: 1,
        };
        if turn > 0 {
            let input = Input::open(world, &path)?;
            assert_eq!(find(input.file_attributes(), "turn"), Some((turn as i64 - 1).into()));
            let mut u = Array::<f32>::new("u", &layout, world.rank());
            input.read_into("u", &mut u)?;
            u.assert_holds(|index| (1000 * (turn - 1) + index) as f32);
        }
        let mut u = Array::<f32>::new("u", &layout, world.rank());
        u.fill_with(|index| (1000 * turn + index) as f32);
        Output::create(world, &path)?.attribute("turn", turn as i64)?.write(&u)?.finish()
    });
}

#[test]
fn names_units_axes_and_time_come_back() {
    on_ranks_in_scratch(|world, directory| {
        let path = directory.join("attributes.h5");
        let u = filled::<f32>(world, "u", &cube(world));
        let output =
            Output::create(world, &path)?.time(2.5).attribute("steps", 7)?.attribute("code", "né")?;
        output.attribute("bounds", vec![-1.0, 1.0])?.write(&u)?.write_as("v", &u)?.finish()?;
        let input = Input::open(world, &path)?;
        assert_eq!(input.datasets().collect::<Vec<_>>(), ["u", "v", "x", "y", "z"]);
        assert_eq!(input.shape("v")?, [4, 5, 6]);
        assert_eq!(input.time(), Some(2.5));
        assert_eq!(find(input.attributes("u")?, "units"), Some("K".into()));
        assert_eq!(find(input.attributes("u")?, "long_name"), Some("température".into()));
        assert_eq!(find(input.attributes("x")?, "NAME"), Some("x".into()));
        assert_eq!(find(input.attributes("x")?, "units"), Some("m".into()));
        assert_eq!(find(input.file_attributes(), "steps"), Some(7.into()));
        assert_eq!(find(input.file_attributes(), "code"), Some("né".into()));
        assert_eq!(find(input.file_attributes(), "bounds"), Some(Attribute::from(vec![-1.0, 1.0])));
        let side_file = std::fs::read_to_string(directory.join("attributes.xdmf"))?;
        assert!(side_file.contains("attributes.h5:/u") && side_file.contains("Value=\"2.5\""), "{side_file}");
        Ok(())
    });
}
