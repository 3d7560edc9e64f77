//! Sources and receivers inside passes of several steps: bits, a loop over plain steps, and an
//! exact solution.

use std::f64::consts::PI;

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::{Blocking, Receivers, Sources};
use parhelion::testing::{on_ranks, on_ranks_and_threads, same_on};

const LAYOUTS: [(usize, usize); 5] = [(1, 1), (2, 2), (3, 1), (6, 1), (8, 1)];

/// Fourth-order differences in space, second-order in time, with (c Δt / Δx)² = `courant`.
fn wave(courant: f64, before: f64, u: StarPoint<'_, f64, 2, 2>) -> f64 {
    let near = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
    let far = u.at::<-2, 0>() + u.at::<2, 0>() + u.at::<0, -2>() + u.at::<0, 2>();
    2.0 * u.center() - before + courant / 12.0 * (16.0 * near - far - 60.0 * u.center())
}

/// A wave with two sources, one of which moves across blocks and a periodic end, and four
/// receivers. Returns its bits.
fn noisy(world: &World, centering: Centering, blocking: Blocking<2>) -> Result<String> {
    let grid = Grid::builder([29, 34]).extent([2.9, 3.4]).periodic([false, true]).halo(2).build(world)?;
    let build = |name| grid.field_builder::<f64>(name).centering(centering).build();
    let (mut u, mut before) = (build("u")?, build("before")?);
    u.set_boundary(Face::low(0), Boundary::Dirichlet(0.0))?;
    u.fill_with(|[y, x]| y * (1.8 * x).sin());
    before.fill_with(|[y, x]| y * (1.8 * x).sin());
    u.set_time(0.5, 0.25);
    u.set_blocking(Some(blocking));
    let mut sources = Sources::new();
    sources.add([1.44, 1.73], |time| (3.0 * time).sin());
    sources.add_moving(|time| [2.9 - 0.2 * time, (3.0 + 0.3 * time) % 3.4], |time| 0.1 * time);
    let mut receivers = Receivers::new([[1.44, 1.73], [0.0, 3.39], [2.05, 0.05], [1.012, 1.7]]);
    for steps in [7, 1, 4] {
        let fields = u.star_evolving::<2>().with_previous(&mut before);
        let fields = fields.with_sources(&sources).with_receivers(&mut receivers);
        grid.leapfrog(fields, (), steps, |before, u, ()| wave(0.25, before, u))?;
    }
    let mut text = format!("{:x} {:x}", u.fingerprint(), before.fingerprint());
    assert_eq!(receivers.times(), (1..=12).map(|step| 0.5 + 0.25 * f64::from(step)).collect::<Vec<_>>());
    for receiver in 0..4 {
        assert_eq!(receivers.series(receiver).len(), 12);
        receivers.series(receiver).iter().for_each(|value| text += &format!(" {:x}", value.to_bits()));
    }
    Ok(text)
}

#[test]
fn bits_do_not_depend_on_ranks_threads_and_blocking() {
    same_on(LAYOUTS, |world| {
        let mut all = String::new();
        for centering in [Centering::Cell, Centering::Node] {
            let plain = noisy(world, centering, Blocking::PLAIN)?;
            for (levels, tile) in [(2, [1, 5]), (3, [2, usize::MAX]), (7, [3, 16])] {
                let blocked = noisy(world, centering, Blocking { levels, tile })?;
                assert_eq!(plain, blocked, "{levels} levels, tiles {tile:?}, {centering:?}");
            }
            all += &plain;
        }
        Ok(all)
    });
}

/// Two groups in turn: the first has a source, the second receivers. Returns the bits.
fn alternating(world: &World, blocking: Blocking<2>) -> Result<String> {
    let grid = Grid::builder([23, 26]).extent([2.3, 2.6]).periodic([false, true]).build(world)?;
    let (mut p, mut v) = (grid.field::<f64>("p"), grid.field::<f64>("v"));
    p.fill_with(|[y, x]| y * (2.0 * x).sin());
    p.set_time(0.0, 0.5);
    v.set_time(0.0, 0.5);
    p.set_blocking(Some(blocking));
    let (mut sources, mut receivers) = (Sources::new(), Receivers::new([[0.3, 0.02], [1.17, 1.31]]));
    sources.add_moving(|time| [0.1 + 0.2 * time, 2.55], |time| 1.0 + time);
    grid.alternate(
        p.star_evolving::<1>().with_sources(&sources),
        v.star_evolving::<1>().with_receivers(&mut receivers),
        (),
        7,
        |p, v, ()| p + 0.2 * (v.at::<0, 1>() - v.center()),
        |v, p, ()| v + 0.2 * (p.center() - p.at::<0, -1>()) - 0.1 * p.at::<1, 0>(),
    )?;
    let heard =
        (0..2).flat_map(|receiver| receivers.series(receiver)).map(|value| format!(" {:x}", value.to_bits()));
    assert_eq!((receivers.series(1).len(), receivers.times()[6]), (7, 3.5));
    Ok(format!("{:x} {:x}", p.fingerprint(), v.fingerprint()) + &heard.collect::<String>())
}

#[test]
fn groups_in_turn_have_sources_and_receivers() {
    same_on(LAYOUTS, |world| {
        let plain = alternating(world, Blocking::PLAIN)?;
        for (levels, tile) in [(2, [1, 5]), (3, [2, usize::MAX])] {
            assert_eq!(
                plain,
                alternating(world, Blocking { levels, tile })?,
                "{levels} steps, tiles {tile:?}"
            );
        }
        Ok(plain)
    });
}

/// The same by steps without sources, after each of which single points are written and read.
#[test]
fn single_steps_give_the_same() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([20, 9]).extent([20.0, 9.0]).halo(2).build(world)?;
        let amplitude = |time: f64| 0.5 + time * time;
        let rule =
            |u: StarPoint<'_, f64, 2, 2>, ()| 0.25 * (u.at::<2, 0>() + u.at::<0, -1>()) + 0.5 * u.center();
        let (mut found, mut wanted) = (grid.field::<f64>("found"), grid.field::<f64>("wanted"));
        found.set_time(0.0, 0.5);
        found.set_blocking(Some(Blocking { levels: 3, tile: [2, 4] }));
        let mut sources = Sources::new();
        sources.add([7.75, 2.5], amplitude); // a quarter of a cell beyond the center of [7, 2]
        let mut receivers = Receivers::new([[10.5, 3.0]]);
        let fields = found.star_evolving::<2>().with_sources(&sources).with_receivers(&mut receivers);
        grid.evolve(fields, (), 8, rule)?;
        for step in 0..8 {
            grid.evolve(wanted.star_evolving::<2>(), (), 1, rule)?;
            for (cell, weight) in [([7, 2], 0.75), ([8, 2], 0.25)] {
                let old = wanted.probe(cell)?;
                wanted.set_global(cell, old + amplitude(0.5 * f64::from(step)) * weight);
            }
            let heard = wanted.probe([10, 2])? * 0.5 + wanted.probe([10, 3])? * 0.5;
            assert!(receivers.series(0)[step as usize] == heard, "step {step}");
        }
        assert_eq!(found.fingerprint(), wanted.fingerprint());
        let outside = Receivers::new([[3.0, 9.5]]);
        let error = grid.evolve(found.star_evolving::<2>().with_receivers(&mut outside.clone()), (), 1, rule);
        assert!(error.unwrap_err().to_string().contains("outside of the grid"));
        Ok(())
    });
}

/// Ricker's wavelet of this peak frequency, from rest.
fn ricker(frequency: f64, time: f64) -> f64 {
    let phase = (PI * frequency * (time - 1.5 / frequency)).powi(2);
    (1.0 - 2.0 * phase) * (-phase).exp()
}

/// (1/c²) ∂²u/∂t² − Δu = s(t) δ in two dimensions: u = (1/2π) ∫ s(t − τ) / √(τ² − r²/c²) dτ, with τ
/// = r/c · cosh θ.
fn exact(source: impl Fn(f64) -> f64, r: f64, time: f64) -> f64 {
    if time <= r {
        return 0.0;
    }
    let (end, pieces) = ((time / r).acosh(), 4000);
    let step = end / f64::from(pieces);
    let terms = (0..pieces).map(|i| source(time - r * ((f64::from(i) + 0.5) * step).cosh()));
    terms.sum::<f64>() * step / (2.0 * PI)
}

#[test]
fn a_point_source_sounds_as_the_exact_one() {
    on_ranks_and_threads([(2, 1)], |world| {
        let frequency = 6.0;
        let (center, places) = ([0.5037, 0.4971], [[0.62, 0.5], [0.5, 0.3], [0.36, 0.66]]);
        let error = |cells: usize| -> Result<f64> {
            let grid = Grid::builder([cells; 2]).extent([1.0; 2]).halo(2).build(world)?;
            let (spacing, courant) = (1.0 / cells as f64, 0.16);
            let step = 0.4 * spacing;
            let (mut u, mut before) = (grid.field::<f64>("u"), grid.field::<f64>("before"));
            u.set_time(0.0, step);
            let mut sources = Sources::new();
            // c² Δt² s δ, and the delta function is 1 / Δx² in one cell.
            sources.add(center, move |time| courant * ricker(frequency, time));
            let mut receivers = Receivers::new(places);
            let fields = u.star_evolving::<2>().with_previous(&mut before);
            let fields = fields.with_sources(&sources).with_receivers(&mut receivers);
            // Until the first echo returns from a wall.
            grid.leapfrog(fields, (), (0.6 / step) as usize, |before, u, ()| wave(courant, before, u))?;
            let (mut worst, mut loudest) = (0.0_f64, 0.0_f64);
            for (receiver, place) in places.into_iter().enumerate() {
                let r = (place[0] - center[0]).hypot(place[1] - center[1]);
                for (&time, &value) in receivers.times().iter().zip(receivers.series(receiver)).step_by(5) {
                    let wanted =
                        exact(|time| if time > 0.0 { ricker(frequency, time) } else { 0.0 }, r, time);
                    (worst, loudest) = (worst.max((value - wanted).abs()), loudest.max(wanted.abs()));
                }
            }
            Ok(worst / loudest)
        };
        let (coarse, fine) = (error(100)?, error(200)?);
        // Multilinear weights and the leapfrog scheme have errors of second order.
        assert!(fine < 0.01 && coarse / fine > 3.0, "errors {coarse}, {fine}");
        Ok(())
    });
}
