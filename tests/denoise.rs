//! The scheme of `denoise3d` against ITK, and its bits on any ranks × threads.

#[path = "../examples/applications/denoise3d/perona_malik.rs"]
mod perona_malik;

use parhelion::prelude::*;
use parhelion::testing::{on_ranks, same_on};
use perona_malik::Parameters;
use serde_json::Value;

/// Largest difference from ITK that rounding explains: all-f32 arithmetic in another order differs
/// by up to 1.1e-4 (`tests/reference/README.md`), an error in the scheme by 0.8 or more.
const ROUNDING: f64 = 3e-4;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/itk_denoise.json")).expect("the reference is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// `steps` steps of the scheme.
fn smooth(image: &mut Field<f32, 3>, steps: usize, parameters: Parameters) -> parhelion::Result<()> {
    for _ in 0..steps {
        image.exchange()?;
        let gradient = perona_malik::mean_squared_gradient(image)?;
        perona_malik::step(image, gradient, parameters)?;
    }
    Ok(())
}

/// The input of the small cases, defined in `tests/reference/README.md`. `axes` are the last of the
/// three axes.
fn synthetic(shape: [usize; 3], axes: usize, [z, y, x]: [usize; 3]) -> f32 {
    let k = ((z * shape[1] + y) * shape[2] + x) as u64;
    let h = 2_654_435_761_u64.wrapping_mul(k + 1) % (1 << 32);
    let first = 3 - axes;
    let index = [z, y, x];
    let step = |axis: usize, height: f32| if index[axis] >= shape[axis] / 2 { height } else { 0.0 };
    (h >> 24) as f32 / 4.0 + step(2, 96.0) + step(first, 48.0)
}

#[test]
fn small_images_agree_with_itk_in_every_cell() {
    on_ranks([1, 2, 3, 4], |world| {
        let mut compared = 0;
        for case in reference()["cases"].as_array().expect("cases") {
            let shape = numbers(&case["shape"]);
            if shape.len() > 3 {
                continue;
            }
            // With fewer axes, the others have one cell and contribute nothing.
            let pad = |values: &[f64]| -> [f64; 3] {
                std::array::from_fn(|a| if a + values.len() < 3 { 1.0 } else { values[a + values.len() - 3] })
            };
            let cells = pad(&shape).map(|n| n as usize);
            let spacing = pad(&numbers(&case["spacing"]));
            let Ok(grid) = Grid::builder(cells).spacing(spacing).halo(1).build(world) else {
                continue; // too small for this many ranks
            };
            let mut image = grid.field::<f32>("image");
            image.fill_indexed(|index| synthetic(cells, shape.len(), index));
            for (i, value) in numbers(&case["input_first"]).iter().enumerate().filter(|(i, _)| *i < cells[2])
            {
                assert_eq!(f64::from(image.probe([0, 0, i])?), *value, "input cell {i}");
            }
            let parameters = Parameters {
                time_step: case["time_step"].as_f64().expect("a number"),
                conductance: case["conductance"].as_f64().expect("a number"),
            };
            smooth(&mut image, case["steps"].as_u64().expect("a number") as usize, parameters)?;
            let expected = numbers(&case["result"]);
            let offset = image.region_global().start;
            for index in image.region_local().indices() {
                let at: [usize; 3] = std::array::from_fn(|a| (index[a] + offset[a]) as usize);
                let wanted = expected[(at[0] * cells[1] + at[1]) * cells[2] + at[2]];
                let found = f64::from(image.get_local(index));
                assert!((found - wanted).abs() <= ROUNDING, "{case}: {found} instead of {wanted} at {at:?}");
            }
            compared += 1;
        }
        assert!(compared >= 8, "only {compared} cases were compared on {} ranks", world.size());
        Ok(())
    });
}

#[cfg(feature = "hdf5")]
#[test]
fn the_mri_volume_agrees_with_itk() {
    on_ranks([2], |world| {
        let file = Input::open(world, concat!(env!("CARGO_MANIFEST_DIR"), "/data/mni152_t1.h5"))?;
        let grid = Grid::builder([189, 233, 197]).halo(1).build(world)?;
        let mut image = grid.field::<f32>("image");
        file.read_into("t1", &mut image)?;
        let volume = &reference()["volume"];
        let first = perona_malik_gradient(&mut image)?;
        let wanted = numbers(&volume["mean_squared_gradient"])[0];
        // Both are sums of 8.7 million f64; ITK's is rounded at every addition.
        assert!((first / wanted - 1.0).abs() < 1e-9, "{first} instead of {wanted}");
        smooth(&mut image, 20, Parameters { time_step: 0.0625, conductance: 1.0 })?;
        for probe in volume["probes"].as_array().expect("probes") {
            let [z, y, x, wanted] = numbers(probe)[..] else { panic!("a probe is z, y, x, value") };
            let found = f64::from(image.probe([z as usize, y as usize, x as usize])?);
            assert!((found - wanted).abs() <= ROUNDING, "{found} instead of {wanted} at {probe}");
        }
        let statistics = |name: &str| volume["statistics"][name].as_f64().expect("a number");
        assert!((image.mean() - statistics("mean")).abs() < 1e-6);
        assert!((f64::from(image.max().value) - statistics("max")).abs() <= ROUNDING);
        Ok(())
    });
}

#[cfg(feature = "hdf5")]
fn perona_malik_gradient(image: &mut Field<f32, 3>) -> parhelion::Result<f64> {
    image.exchange()?;
    perona_malik::mean_squared_gradient(image)
}

#[test]
fn results_have_the_same_bits_on_any_ranks_and_threads() {
    let cases =
        [1, 2, 3, 4, 6, 8].map(|ranks| (ranks, 1)).into_iter().chain([(1, 2), (1, 4), (2, 2), (3, 4)]);
    same_on(cases, |world| {
        let shape = [24, 19, 26];
        let mut results = Vec::new();
        // The chosen process grid, and cuts along one axis each.
        for procs in
            [None, Some([world.size(), 1, 1]), Some([1, world.size(), 1]), Some([1, 1, world.size()])]
        {
            let builder = Grid::builder(shape).spacing([1.0, 0.5, 1.5]);
            let grid = procs.map_or(builder.clone(), |procs| builder.procs(procs)).build(world)?;
            let mut image = grid.field::<f32>("image");
            image.fill_indexed(|index| synthetic(shape, 3, index));
            smooth(&mut image, 7, Parameters { time_step: 0.03, conductance: 1.2 })?;
            results.push(format!("{:016x} {:016x}", image.fingerprint(), image.norm_l2().to_bits()));
        }
        assert!(results.iter().all(|result| *result == results[0]), "{results:?}");
        Ok(results.swap_remove(0))
    });
}
