//! Rules known only at run time have the bits of closures, however they are blocked, on ranks and
//! threads.
#![allow(unsafe_code, reason = "a row function gets addresses")]

use std::sync::Arc;

use crate::evolve::{Case, TIME_STEP, cases, field, grid, same};
use parhelion::kernels::{
    ExternalRule, KernelError, Neighborhood, Pattern, Program, ProgramBuilder, RuntimeRule,
};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

/// Ranks and threads.
const LAYOUTS: [(usize, usize); 3] = [(1, 2), (2, 2), (4, 1)];

fn rule(program: std::result::Result<Program<f64, 2>, KernelError>) -> Result<RuntimeRule<f64, 2>> {
    program.map(RuntimeRule::from).map_err(Error::other)
}

fn heat() -> Result<RuntimeRule<f64, 2>> {
    let write = ProgramBuilder::<f64, 2>::new(1);
    let u = write.input(0);
    let around = u.at([-1, 0]) + u.at([1, 0]) + u.at([0, -1]) + u.at([0, 1]);
    rule(write.build([u.center() + 0.2 * (around - 4.0 * u.center())]))
}

#[test]
fn one_field() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let star = star_stencil::<f64, 2, 1>(|u| {
            let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
            u.center() + 0.2 * (around - 4.0 * u.center())
        });
        let heat = heat()?;
        for case in cases() {
            let grid = grid(world, case)?;
            let (mut u, mut v) = (field(&grid, case, 0)?, field(&grid, case, 0)?);
            u.advance(&star, case.steps)?;
            v.advance_rule(&heat, case.steps)?;
            same(&v, &u, case);
            assert_eq!(v.time(), u.time());
        }
        Ok(())
    });
}

/// Two fields read in a box, and a constant read farther than they are.
#[test]
fn several_fields_and_constants() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let write = ProgramBuilder::<f64, 2>::new(3);
        let (u, v, k) = (write.input(0), write.input(1), write.input(2));
        let around = u.at([-1, 0]) + u.at([1, 0]) + u.at([0, -1]) + u.at([0, 1]);
        let reaction = u.center() * v.center() * v.center();
        let rule = rule(write.build([
            u.center() + 0.2 * (around - 4.0 * u.center()) - reaction + 0.04 * (1.0 - u.center()),
            v.center() + 0.1 * k.at([-2, 1]) * v.at([1, 1]).min(u.at([-1, 1])) + reaction - 0.1 * v.center(),
        ]))?;
        let closure = |[u, v]: [Point<'_, f64, 2, 1>; 2], k: Point<'_, f64, 2, 2>| {
            let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
            let reaction = u.center() * v.center() * v.center();
            let least = v.at::<1, 1>().min(u.at::<-1, 1>());
            [
                u.center() + 0.2 * (around - 4.0 * u.center()) - reaction + 0.04 * (1.0 - u.center()),
                v.center() + 0.1 * k.at::<-2, 1>() * least + reaction - 0.1 * v.center(),
            ]
        };
        for case in cases() {
            let grid = grid(world, case)?;
            let (mut u, mut v, mut k) =
                (field(&grid, case, 0)?, field(&grid, case, 1)?, field(&grid, case, 2)?);
            let (mut p, mut q) = (field(&grid, case, 0)?, field(&grid, case, 1)?);
            let fields = [&mut u, &mut v].map(Field::evolving::<1>);
            grid.evolve(fields, k.constant::<2>(), case.steps, closure)?;
            grid.evolve_rule(&rule, &mut [&mut p, &mut q], &mut [&mut k], case.steps)?;
            same(&p, &u, case);
            same(&q, &v, case);
        }
        Ok(())
    });
}

/// `u·rate + 0.5·(left + right)·old`, with the same operations in the same order.
unsafe extern "C" fn row(
    outputs: *const *mut f64,
    inputs: *const *const f64,
    _strides: *const isize,
    len: usize,
    parameters: *const f64,
    _clock: *const f64,
    _indices: *const *const isize,
    _positions: *const *const f64,
) {
    // SAFETY: the contract of `RuntimeRule::external`, with one input and one output.
    unsafe {
        let (u, next) = (*inputs, *outputs);
        for i in 0..len as isize {
            let pair = *u.offset(i - 1) + *u.offset(i + 1);
            *next.offset(i) = *u.offset(i) * *parameters + 0.5 * pair * *next.offset(i);
        }
    }
}

#[test]
fn two_levels_in_time_by_program_and_by_address() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let write = ProgramBuilder::<f64, 2>::new(1);
        let (u, rate) = (write.input(0), write.parameter("rate", 0.4));
        let next = u.center() * rate + 0.5 * (u.at([0, -1]) + u.at([0, 1])) * write.old(0);
        let program = rule(write.build([next]))?;
        let external = ExternalRule {
            function: row,
            inputs: vec![Neighborhood { radius: 1, pattern: Pattern::Star }],
            outputs: 1,
            reads_old: true,
            reads_place: false,
            parameters: vec![("rate".into(), 0.4)],
            owner: Arc::new(()),
        };
        // SAFETY: `row` reads neighbors on the last axis and writes the cells of the row.
        let external = unsafe { RuntimeRule::external(external) }.map_err(Error::other)?;
        for case in cases() {
            let grid = grid(world, case)?;
            let (mut u, mut before) = (field(&grid, case, 0)?, field(&grid, case, 1)?);
            grid.leapfrog(
                u.star_evolving::<1>().with_previous(&mut before),
                (),
                case.steps,
                |before, u: StarPoint<'_, f64, 2, 1>, ()| {
                    u.center() * 0.4 + 0.5 * (u.at::<0, -1>() + u.at::<0, 1>()) * before
                },
            )?;
            for rule in [&program, &external] {
                let (mut v, mut earlier) = (field(&grid, case, 0)?, field(&grid, case, 1)?);
                grid.leapfrog_rule(rule, &mut [&mut v], &mut [&mut earlier], &mut [], case.steps)?;
                same(&v, &u, case);
                same(&earlier, &before, case);
                assert_eq!((v.time(), earlier.time()), (u.time(), before.time()));
            }
        }
        Ok(())
    });
}

/// The first step writes a value that names place and time; the others move it along both axes. What
/// is computed beyond a periodic end must be what the other end computes.
#[test]
fn places_and_times_are_those_of_the_points() {
    on_ranks_and_threads(LAYOUTS, |world| {
        let write = ProgramBuilder::<f64, 2>::new(1);
        let place = write.position(0) * 3.0 + write.position(1) * 50.0 + write.index(1) + write.time();
        let rule = rule(write.build([write.step().eq(0.0).select(place, write.input(0).at([-1, 1]))]))?;
        for case in cases().map(|case| Case { periodic: [true, true], ..case }) {
            let grid = grid(world, case)?;
            let mut u = field(&grid, case, 0)?;
            u.advance_rule(&rule, case.steps)?;
            let [height, width] = case.shape;
            let moves = case.steps - 1;
            for index in u.region_global().indices() {
                let [j, i] = index.map(|i| i as usize);
                let from = [(j + moves * (height - 1)) % height, (i + moves) % width];
                let [y, x] = u.coordinates(from);
                let expected = y * 3.0 + x * 50.0 + from[1] as f64 + 1.5;
                assert_eq!(u.get_global([j, i]), Some(expected), "{index:?}: {case:?}");
            }
            assert_eq!(u.time(), 1.5 + case.steps as f64 * TIME_STEP);
        }
        Ok(())
    });
}

#[test]
fn sweeps_and_components() {
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([12, 9]).periodic([true, false]).build(world)?;
        let mut pair = grid.field_builder::<f64>("pair").components(2).build()?;
        for k in 0..2 {
            pair.component_mut(k).fill_indexed(|[j, i]| ((j * 9 + i) * (k + 3) % 7) as f64);
        }
        let mut sum = grid.field::<f64>("sum");
        let write = ProgramBuilder::<f64, 2>::new(2);
        let (a, b) = (write.input(0), write.input(1));
        let rule = rule(write.build([a.at([-1, 0]) + 10.0 * b.at([1, 0])]))?;
        let stale = grid.sweep_rule(sum.region_local(), &mut [&mut sum], &[&pair], &rule).unwrap_err();
        assert!(stale.to_string().contains("stale"), "{stale}");
        pair.exchange()?;
        grid.sweep_rule(sum.region_local(), &mut [&mut sum], &[&pair], &rule)?;
        for [j, i] in sum.region_global().indices().map(|index| index.map(|i| i as usize)) {
            let value = |j: usize, k: usize| ((j % 12 * 9 + i) * (k + 3) % 7) as f64;
            assert_eq!(sum.get_global([j, i]), Some(value(j + 11, 0) + 10.0 * value(j + 1, 1)));
        }
        // As the two arrays of a rule that exchanges them.
        let swap = ProgramBuilder::<f64, 2>::new(2);
        let swap = self::rule(swap.build([swap.input(1).center(), swap.input(0).center()]))?;
        pair.set_blocking(Some(Blocking { levels: 2, tile: [3, 5] }));
        grid.evolve_rule(&swap, &mut [&mut pair], &mut [], 3)?;
        for [j, i] in sum.region_global().indices().map(|index| index.map(|i| i as usize)) {
            assert_eq!(pair.component(0).get_global([j, i]), Some(((j * 9 + i) * 4 % 7) as f64));
        }
        Ok(())
    });
}

#[test]
fn rules_that_do_not_fit_are_refused_on_all_ranks() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8, 8]).build(world)?;
        let (mut u, mut v) = (grid.field::<f64>("u"), grid.field::<f64>("v"));
        let heat = heat()?;
        let refused = |result: Result<()>, why: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        let two = grid.evolve_rule(&heat, &mut [&mut u, &mut v], &mut [], 1);
        refused(two, "a rule with 1 inputs and 1 outputs cannot advance 2 arrays and read 0 constant ones");
        refused(grid.evolve_rule(&heat, &mut [&mut u], &mut [&mut v], 1), "read 1 constant");
        refused(grid.evolve_rule(&heat, &mut [], &mut [], 1), "cannot advance 0 arrays");
        refused(grid.leapfrog_rule(&heat, &mut [&mut u], &mut [], &mut [], 1), "each needs one");
        let inputs = grid.sweep_rule(v.region_local(), &mut [&mut v], &[], &heat);
        refused(inputs, "a rule with 1 inputs was given 0 components");
        let write = ProgramBuilder::<f64, 2>::new(1);
        let old = rule(write.build([write.old(0) + write.input(0).center()]))?;
        refused(u.advance_rule(&old, 1), "use leapfrog_rule");
        let wide = rule(write.build([write.input(0).at([3, 0])]))?;
        refused(u.advance_rule(&wide, 1), "a stencil of radius 3 cannot be applied to field 'u'");
        let other = Grid::builder([8, 8]).build(world)?;
        refused(other.evolve_rule(&heat, &mut [&mut u], &mut [], 1), "it is of another grid");
        u.advance_rule(&heat, 1)
    });
}
