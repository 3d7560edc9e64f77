//! Rules for several fields and for two levels in time give the bits of exchange and sweep, step by
//! step, however they are blocked, on ranks and threads.

use crate::serial::{SPACING, condition, reading};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{RankTest, on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

pub(crate) const LAYOUTS: [(usize, usize); 5] = [(1, 1), (2, 2), (3, 1), (6, 1), (8, 1)];
pub(crate) const TIME_STEP: f64 = 0.25;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) shape: [usize; 2],
    pub(crate) periodic: [bool; 2],
    pub(crate) centering: Centering,
    pub(crate) turn: usize,
    pub(crate) steps: usize,
    pub(crate) blocking: Blocking<2>,
}

/// All combinations of walls and periodic axes, with numbers of levels and steps that go through theirs.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    let tiles = [[1, 4], [usize::MAX, 3], [2, usize::MAX], [5, 6]];
    (0..16_usize).map(move |number| Case {
        shape: [17 + number % 3, 19],
        periodic: [number % 2 == 1, number / 2 % 2 == 1],
        centering: [Centering::Cell, Centering::Node, Centering::Face(1)][number % 3],
        turn: number,
        steps: 1 + number % 7,
        blocking: Blocking { levels: 1 + number % 5, tile: tiles[number / 4] },
    })
}

impl Case {
    /// One of several walls, which in every other case reads points inside.
    pub(crate) fn wall(self, face: Face, number: usize) -> Boundary<f64, 2> {
        let kind = if self.turn.is_multiple_of(2) { condition } else { reading };
        kind(face, self.turn + number)
    }
}

pub(crate) fn field(grid: &Grid<2>, case: Case, seed: usize) -> Result<Field<f64, 2>> {
    field_with_walls(grid, case, seed, seed)
}

fn field_with_walls(grid: &Grid<2>, case: Case, seed: usize, walls: usize) -> Result<Field<f64, 2>> {
    let mut field = grid.field_builder::<f64>(format!("u{seed}")).centering(case.centering).build()?;
    field.set_time(1.5, TIME_STEP);
    for face in Face::all::<2>().filter(|face| !case.periodic[face.axis]) {
        field.set_boundary(face, case.wall(face, walls))?;
    }
    field.fill_indexed(|[j, i]| (((31 * seed + j) * 37 + i) as f64 * 0.618).fract());
    field.set_blocking(Some(case.blocking));
    Ok(field)
}

pub(crate) fn grid(world: &World, case: Case) -> Result<Grid<2>> {
    Grid::builder(case.shape).periodic(case.periodic).halo(2).spacing([SPACING; 2]).build(world)
}

pub(crate) fn same(found: &Field<f64, 2>, wanted: &Field<f64, 2>, case: Case) {
    for index in wanted.region_local().indices() {
        let (found, wanted) = (found.view().get(index), wanted.view().get(index));
        assert!(found.to_bits() == wanted.to_bits(), "{found} is not {wanted} at local {index:?}: {case:?}");
    }
}

type Two<'p> = (StarPoint<'p, f64, 2, 1>, Point<'p, f64, 2, 2>);

/// Two fields that act on each other, of different radius and pattern, with a constant that is read
/// around too.
fn coupled((u, v): Two<'_>, c: Point<'_, f64, 2, 1>) -> (f64, f64) {
    let around = u.at::<-1, 0>() + 0.9 * u.at::<1, 0>() + 0.8 * u.at::<0, -1>() + 0.7 * u.at::<0, 1>();
    let far = v.at::<-2, 1>() + 0.6 * v.at::<2, -2>() + 0.5 * v.at::<1, 2>();
    (0.2 * around + c.center() * v.center(), 0.3 * far + c.at::<1, -1>() * u.center())
}

fn check_coupled(world: &World) -> Result<()> {
    for case in cases() {
        let grid = grid(world, case)?;
        let ([mut u, mut v, mut c], [mut p, mut q, mut d]) = (
            [field(&grid, case, 0)?, field(&grid, case, 1)?, field(&grid, case, 2)?],
            [field(&grid, case, 0)?, field(&grid, case, 1)?, field(&grid, case, 2)?],
        );
        grid.evolve((u.star_evolving::<1>(), v.evolving::<2>()), c.constant::<1>(), case.steps, coupled)?;
        d.exchange()?;
        for step in 0..case.steps {
            p.exchange()?;
            q.exchange()?;
            let (mut next_p, mut next_q) = (field(&grid, case, 0)?, field(&grid, case, 1)?);
            grid.sweep(
                p.region_local(),
                (next_p.view_mut(), next_q.view_mut()),
                (p.star_reach::<1>()?, q.reach::<2>()?, d.reach::<1>()?),
                |(p, q, d): (StarPoint<'_, f64, 2, 1>, Point<'_, f64, 2, 2>, Point<'_, f64, 2, 1>)| {
                    coupled((p, q), d)
                },
            )?;
            for (field, mut next) in [(&mut p, next_p), (&mut q, next_q)] {
                next.set_time(1.5 + (step + 1) as f64 * TIME_STEP, TIME_STEP);
                field.swap(&mut next)?;
            }
        }
        // Sets the points on walls.
        p.exchange()?;
        q.exchange()?;
        same(&u, &p, case);
        same(&v, &q, case);
        assert_eq!((u.time(), v.time()), (p.time(), q.time()));
    }
    Ok(())
}

fn wave(
    before: f64,
    u: StarPoint<'_, f64, 2, 2>,
    (c, damping): (Point<'_, f64, 2, 0>, Point<'_, f64, 2, 0>),
) -> f64 {
    let near = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
    let far = u.at::<-2, 0>() + u.at::<2, 0>() + u.at::<0, -2>() + u.at::<0, 2>();
    let laplacian = 4.0 / 3.0 * near - far / 12.0 - 5.0 * u.center();
    2.0 * u.center() - (1.0 - 0.1 * damping.center()) * before + 0.1 * c.center() * laplacian
}

fn check_wave(world: &World) -> Result<()> {
    for case in cases() {
        let grid = grid(world, case)?;
        let [mut u, mut before, mut c, mut damping] = [0, 1, 2, 3].map(|seed| field(&grid, case, seed));
        let [u, before, c, damping] =
            [&mut u, &mut before, &mut c, &mut damping].map(|field| field.as_mut().unwrap());
        let [mut p, mut earlier, mut d, mut e] = [
            field(&grid, case, 0)?,
            field_with_walls(&grid, case, 1, 0)?,
            field(&grid, case, 2)?,
            field(&grid, case, 3)?,
        ];
        // (The previous level has the walls of its field, whatever it had before.)
        // In two calls: the second starts from where the first left off.
        for steps in [case.steps, 2] {
            let constants = (c.constant::<0>(), damping.constant::<0>());
            grid.leapfrog(u.star_evolving::<2>().with_previous(before), constants, steps, wave)?;
        }
        earlier.exchange()?;
        d.exchange()?;
        e.exchange()?;
        for step in 0..case.steps + 2 {
            p.exchange()?;
            let mut next = field(&grid, case, 0)?;
            grid.sweep(
                p.region_local(),
                next.view_mut(),
                (earlier.reach::<0>()?, p.star_reach::<2>()?, d.reach::<0>()?, e.reach::<0>()?),
                |(earlier, p, d, e): (
                    Point<'_, f64, 2, 0>,
                    StarPoint<'_, f64, 2, 2>,
                    Point<'_, f64, 2, 0>,
                    Point<'_, f64, 2, 0>,
                )| { wave(earlier.center(), p, (d, e)) },
            )?;
            earlier.swap(&mut p)?;
            next.set_time(1.5 + (step + 1) as f64 * TIME_STEP, TIME_STEP);
            p.swap(&mut next)?;
        }
        p.exchange()?;
        earlier.exchange()?;
        same(u, &p, case);
        same(before, &earlier, case);
        assert_eq!((u.time(), before.time()), (p.time(), earlier.time()));
    }
    Ok(())
}

#[test]
fn coupled_fields_step_as_by_exchange_and_sweep() {
    on_ranks_and_threads(LAYOUTS, check_coupled);
}

#[test]
fn waves_step_as_by_exchange_and_sweep() {
    on_ranks_and_threads(LAYOUTS, check_wave);
}

/// A constant that is read farther than the fields, with as many steps a pass as blocks of 4 cells
/// allow.
#[test]
fn a_constant_may_be_read_farther_than_the_fields() {
    on_ranks([1, 2, 3], |world| {
        for periodic in [false, true] {
            let grid = Grid::builder([12]).halo(4).periodic([periodic]).build(world)?;
            let mut results = Vec::new();
            for levels in [1, 4] {
                let (mut u, mut c) = (grid.field::<f64>("u"), grid.field::<f64>("c"));
                u.fill_indexed(|[i]| i as f64);
                c.fill_indexed(|[i]| (i * i % 5) as f64);
                u.set_blocking(Some(Blocking { levels, tile: [3] }));
                grid.evolve(
                    u.star_evolving::<1>(),
                    c.constant::<4>(),
                    4,
                    |u: StarPoint<'_, f64, 1, 1>, c: Point<'_, f64, 1, 4>| {
                        0.5 * (u.at::<-1>() + u.at::<1>()) + 0.1 * (c.at::<-4>() - c.at::<4>())
                    },
                )?;
                results.push(u.fingerprint());
            }
            assert_eq!(results[0], results[1], "periodic: {periodic}");
        }
        Ok(())
    });
}

#[test]
fn both_do_while_messages_are_under_way() {
    RankTest::new(1).env("PARHELION_HALO", "messages").on(LAYOUTS, |world| {
        check_coupled(world)?;
        check_wave(world)
    });
}

#[test]
fn what_does_not_go_together_is_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([12, 12]).build(world)?;
        let other = Grid::builder([12, 12]).build(world)?;
        let mut u = grid.field::<f64>("u");
        let mut vector = grid.field_builder::<f64>("vector").components(2).build()?;
        let mut foreign = other.field::<f64>("foreign");
        let keep = |u: StarPoint<'_, f64, 2, 1>, ()| u.center();
        let refused = |result: Result<()>, why: &str| {
            let error = result.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        };
        refused(
            grid.evolve(foreign.star_evolving::<1>(), (), 1, keep),
            "'foreign' cannot advance: it is of another grid",
        );
        refused(
            grid.evolve(vector.star_evolving::<1>(), (), 1, keep),
            "it has 2 components, but the rule is for 1; use evolving_components::<2, RADIUS>()",
        );
        refused(
            grid.leapfrog(u.star_evolving::<1>(), (), 1, |_, u: StarPoint<'_, f64, 2, 1>, ()| u.center()),
            "with_previous(&mut field)",
        );
        let beside = |u: StarPoint<'_, f64, 2, 1>, v: Point<'_, f64, 2, 0>| u.center() + v.center();
        refused(
            grid.evolve(u.star_evolving::<1>(), foreign.constant::<0>(), 1, beside),
            "'foreign' is of another grid than the advancing fields",
        );
        let wide = |u: StarPoint<'_, f64, 2, 2>, ()| u.center();
        refused(grid.evolve(u.star_evolving::<2>(), (), 1, wide), "build the grid with halo(2)");
        Ok(())
    });
}

#[test]
fn tuning_of_any_steps_chooses_alike_on_all_ranks() {
    on_ranks([1, 2, 3], |world| {
        let grid = Grid::builder([90, 80]).periodic([true, false]).build(world)?;
        let start = |blocking| -> Result<[Field<f64, 2>; 2]> {
            let mut fields = ["u", "before"].map(|name| grid.field::<f64>(name));
            for field in &mut fields {
                field.fill_indexed(|[j, i]| (j * i % 5) as f64);
                field.set_blocking(blocking);
            }
            Ok(fields)
        };
        let wave = |before, u: StarPoint<'_, f64, 2, 1>, ()| {
            let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
            2.0 * u.center() - before + 0.2 * (around - 4.0 * u.center())
        };
        let steps = |[u, before]: &mut [Field<f64, 2>; 2], steps| {
            grid.leapfrog(u.star_evolving::<1>().with_previous(before), (), steps, wave)
        };
        let mut trial = start(None)?;
        let (mut calls, mut longest) = (0, 0);
        let chosen = grid.tune_blocking(1, 16, |blocking, number| {
            (calls, longest) = (calls + 1, longest.max(blocking.levels));
            trial[0].set_blocking(Some(blocking));
            steps(&mut trial, number)
        })?;
        assert!(calls > 4 && longest > 1, "{calls} calls with up to {longest} levels");
        let (mut tuned, mut plain) = (start(Some(chosen))?, start(Some(Blocking::PLAIN))?);
        steps(&mut tuned, 7)?;
        steps(&mut plain, 7)?;
        assert_eq!(tuned.map(|field| field.fingerprint()), plain.map(|field| field.fingerprint()));
        // What fails on one rank is an error on all.
        let failed = grid.tune_blocking(1, 16, |_, _| match world.rank() + 1 == world.size() {
            true => Err(Error::other("no steps today")),
            false => Ok(()),
        });
        assert!(failed.unwrap_err().to_string().contains("no steps today"));
        Ok(())
    });
}
