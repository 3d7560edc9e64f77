//! Steps blocked in any way give the same bits as a plain serial loop: random geometries, walls,
//! tiles and numbers of steps in a pass, on ranks and threads, with halos by message (which overlap
//! with computing) and by shared memory.

use crate::serial::{Condition, Number, REACH, Reference, SPACING, condition, reading, rule};
use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{RankTest, on_ranks, on_ranks_and_threads};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Everything that a result may depend on, and what it may not: the blocking.
#[derive(Clone, Debug)]
struct Case<const N: usize> {
    shape: [usize; N],
    periodic: [bool; N],
    centering: Centering,
    turn: usize,
    steps: usize,
    /// None leaves the choice to the library.
    blocking: Option<Blocking<N>>,
}

/// Blocks of 2 cells at least on 8 ranks: as thin as the halo of radius 2.
fn case<const N: usize>() -> impl Strategy<Value = Case<N>> {
    case_of(if N == 1 { 25..40 } else { 9..18 })
}

/// Blocks of as many cells at least as a wall reads on 6 ranks: a process grid of 6 × 1 is possible.
fn case_for_reading<const N: usize>() -> impl Strategy<Value = Case<N>> {
    let cells = 6 * REACH;
    case_of(if N == 3 { cells..cells + 3 } else { cells..cells + 9 })
}

fn case_of<const N: usize>(cells_of_axis: std::ops::Range<usize>) -> impl Strategy<Value = Case<N>> {
    let cells = prop_oneof![Just(usize::MAX), 1..9_usize];
    let blocking =
        (1..6_usize, prop::array::uniform(cells)).prop_map(|(levels, tile)| Blocking { levels, tile });
    let centering = prop_oneof![
        3 => Just(Centering::Cell),
        1 => Just(Centering::Node),
        1 => (0..N).prop_map(Centering::Face),
    ];
    (
        prop::array::uniform(cells_of_axis),
        any::<[bool; N]>(),
        centering,
        0..15_usize,
        1..9_usize,
        prop::option::weighted(0.9, blocking),
    )
        .prop_map(|(shape, periodic, centering, turn, steps, blocking)| Case {
            shape,
            periodic,
            centering,
            turn,
            steps,
            blocking,
        })
}

/// The same random cases on every rank.
fn cases<S: Strategy>(count: usize, strategy: S) -> impl Iterator<Item = S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(move |_| strategy.new_tree(&mut runner).expect("a strategy that rejects nothing").current())
}

fn check<T: Number, const N: usize>(
    world: &World,
    case: &Case<N>,
    stencil: &impl Stencil<T, N>,
    (radius, pattern): (usize, Pattern),
    walls: Condition<T, N>,
) -> Result<()> {
    let grid =
        Grid::builder(case.shape).periodic(case.periodic).halo(radius).spacing([SPACING; N]).build(world)?;
    let mut field = grid.field_builder::<T>("u").centering(case.centering).build()?;
    field.set_time(1.5, 0.25);
    field.set_blocking(case.blocking);
    for face in Face::all::<N>().filter(|face| !case.periodic[face.axis]) {
        field.set_boundary(face, walls(face, case.turn))?;
    }
    field.fill_indexed(|index| T::initial(0, index));
    field.advance(stencil, case.steps)?;
    assert_eq!(field.time(), 1.5 + case.steps as f64 * 0.25);

    let shape = field.shape_global();
    let mut reference =
        Reference::new(shape, case.periodic, case.centering, radius, |index| T::initial(0, index))
            .with_walls(walls);
    for step in 0..case.steps {
        let time = 1.5 + step as f64 * 0.25;
        reference.step(case.turn, time, |at| rule::<T, N>(radius, pattern, at));
    }
    check_points(&field, &reference, &format!("radius {radius}, {pattern:?}, {case:?}"));
    // The halo of the grid can be read as ever.
    field.exchange()?;
    field.whole_is_valid();
    Ok(())
}

trait WholeIsValid {
    fn whole_is_valid(&self);
}

impl<T: Number, const N: usize> WholeIsValid for Field<T, N> {
    fn whole_is_valid(&self) {
        assert_eq!(self.halo_depth(), self.grid().halo());
        assert_eq!(self.component(0).halo_view().region(), self.region_local().grown(self.grid().halo()));
    }
}

fn check_points<T: Number, const N: usize>(field: &Field<T, N>, reference: &Reference<T, N>, what: &str) {
    let offset = field.region_global().start;
    for index in field.region_local().indices() {
        let global: [isize; N] = std::array::from_fn(|a| index[a] + offset[a]);
        let (found, wanted) = (field.view().get(index), reference.get(global));
        assert!(
            bytemuck::bytes_of(&found) == bytemuck::bytes_of(&wanted),
            "{found:?} is not {wanted:?} at {global:?}: {what}"
        );
    }
}

fn check_box<T: Number, const N: usize, const R: usize>(
    world: &World,
    case: &Case<N>,
    walls: Condition<T, N>,
) -> Result<()> {
    let stencil = stencil::<T, N, R>(|u| rule::<T, N>(R, Pattern::Box, |offset| u.at_offset(offset)));
    check(world, case, &stencil, (R, Pattern::Box), walls)
}

fn check_star<T: Number, const N: usize, const R: usize>(
    world: &World,
    case: &Case<N>,
    walls: Condition<T, N>,
) -> Result<()> {
    let stencil = star_stencil::<T, N, R>(|u| rule::<T, N>(R, Pattern::Star, |offset| u.at_offset(offset)));
    check(world, case, &stencil, (R, Pattern::Star), walls)
}

fn random_cases(world: &World) -> Result<()> {
    let count = if cfg!(debug_assertions) { 12 } else { 60 };
    for case in cases(2 * count, case::<1>()) {
        check_box::<f64, 1, 1>(world, &case, condition)?;
        check_star::<i64, 1, 2>(world, &case, condition)?;
    }
    for case in cases(2 * count, case::<2>()) {
        check_box::<f64, 2, 1>(world, &case, condition)?;
        check_star::<f32, 2, 2>(world, &case, condition)?;
    }
    for case in cases(count, case::<3>()) {
        check_star::<f64, 3, 1>(world, &case, condition)?;
        check_box::<f32, 3, 1>(world, &case, condition)?;
    }
    for case in cases(2, case::<4>()) {
        check_star::<f64, 4, 1>(world, &case, condition)?;
    }
    Ok(())
}

/// With walls that read several points inside.
fn random_cases_of_reading_walls(world: &World) -> Result<()> {
    let count = if cfg!(debug_assertions) { 6 } else { 40 };
    for case in cases(6 * count, case_for_reading::<1>()) {
        check_box::<f64, 1, 1>(world, &case, reading)?;
        check_star::<f32, 1, 2>(world, &case, reading)?;
    }
    for case in cases(2 * count, case_for_reading::<2>()) {
        check_box::<f64, 2, 1>(world, &case, reading)?;
        check_star::<f64, 2, 2>(world, &case, reading)?;
    }
    for case in cases(count / 3, case_for_reading::<3>()) {
        check_star::<f64, 3, 1>(world, &case, reading)?;
        check_box::<f32, 3, 1>(world, &case, reading)?;
    }
    Ok(())
}

const LAYOUTS: [(usize, usize); 7] = [(1, 1), (1, 3), (2, 2), (3, 1), (4, 2), (6, 1), (8, 1)];
const READING: [(usize, usize); 6] = [(1, 1), (1, 4), (2, 2), (3, 1), (4, 2), (5, 1)];

#[test]
fn any_blocking_gives_the_bits_of_a_serial_loop() {
    on_ranks_and_threads(LAYOUTS, random_cases);
}

#[test]
fn walls_that_read_several_points_have_the_bits_of_a_serial_loop() {
    on_ranks_and_threads(READING, random_cases_of_reading_walls);
}

#[test]
fn so_they_have_while_messages_are_under_way() {
    RankTest::new(1).env("PARHELION_HALO", "messages").on(READING, random_cases_of_reading_walls);
}

#[test]
fn so_it_does_while_messages_are_under_way() {
    RankTest::new(1).env("PARHELION_HALO", "messages").on(LAYOUTS, random_cases);
}

#[test]
fn a_hook_sees_every_nth_step_and_may_change_the_field() {
    on_ranks([1, 2, 3], |world| {
        let grid = Grid::builder([24]).periodic([true]).build(world)?;
        let spread = star_stencil::<f64, 1, 1>(|u| 0.25 * (u.at::<-1>() + 2.0 * u.center() + u.at::<1>()));
        let mut fields = [(); 2].map(|()| grid.field::<f64>("u"));
        for u in &mut fields {
            u.fill_indexed(|[i]| (i * i % 7) as f64);
            u.set_time(0.0, 0.5);
        }
        let [u, v] = &mut fields;
        let mut times = Vec::new();
        u.advance_every(&spread, 10, 4, |u| {
            times.push(u.time());
            u.map_inplace(|value| *value += 1.0);
            Ok(())
        })?;
        assert_eq!(times, [2.0, 4.0, 5.0]);
        for steps in [4, 4, 2] {
            for _ in 0..steps {
                v.advance(&spread, 1)?;
            }
            v.map_inplace(|value| *value += 1.0);
        }
        assert_eq!(u.fingerprint(), v.fingerprint());
        let error = u.advance_every(&spread, 3, 0, |_| Ok(())).unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("every 0 steps"), "{error}");
        // The hook fails on one rank, and all of them learn it.
        let rank = world.rank();
        let hook =
            |_: &mut Field<f64, 1>| if rank == 0 { Err(parhelion::Error::other("enough")) } else { Ok(()) };
        let error = u.advance_every(&spread, 3, 1, hook).unwrap_err();
        assert!(error.to_string().contains("enough"), "{error}");
        Ok(())
    });
}

#[test]
fn a_blocking_that_cannot_be_parsed_is_an_error_on_all_ranks() {
    RankTest::new(1).env("PARHELION_BLOCKING", "many").on([(2, 1)], |world| {
        let mut u = Grid::builder([24]).build(world)?.field::<f64>("u");
        let error = u.advance(&star_stencil::<f64, 1, 1>(|u| u.center()), 2).unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("PARHELION_BLOCKING is 'many'"), "{error}");
        Ok(())
    });
}

#[test]
fn no_pass_needs_more_halo_than_the_next_block_has() {
    RankTest::new(1).env("PARHELION_BLOCKING", "50").on([(1, 1), (3, 1)], |world| {
        let cut = Grid::builder([12, 9]).procs([world.size(), 1]).build(world)?;
        let u = cut.field::<f64>("u");
        let most = if world.size() == 1 { 50 } else { 4 };
        assert_eq!(u.blocking(1)?.levels, most);
        let periodic =
            Grid::builder([12, 9]).procs([world.size(), 1]).periodic([false, true]).build(world)?;
        assert_eq!(periodic.field::<f64>("u").blocking(1)?.levels, most.min(9));
        assert_eq!(periodic.field::<f64>("u").blocking(2)?.levels, (most / 2).min(4));
        Ok(())
    });
}

#[test]
fn tuning_leaves_the_values_and_chooses_alike_on_all_ranks() {
    on_ranks([1, 2, 3], |world| {
        let grid = Grid::builder([60, 50]).periodic([true, false]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill_indexed(|[j, i]| (j * i % 5) as f64);
        let before = u.fingerprint();
        let mean = star_stencil::<f64, 2, 1>(|u| 0.5 * (u.at::<-1, 0>() + u.at::<0, 1>()));
        let chosen = u.tune_blocking(&mean)?;
        assert_eq!(u.fingerprint(), before);
        assert_eq!(u.blocking(1)?.levels, chosen.levels);
        assert_eq!(chosen.to_string().parse::<Blocking<2>>().map_err(parhelion::Error::other)?, chosen);
        u.advance(&mean, 7)?;
        let mut v = grid.field::<f64>("v");
        v.fill_indexed(|[j, i]| (j * i % 5) as f64);
        v.set_blocking(Some(Blocking::PLAIN));
        v.advance(&mean, 7)?;
        assert_eq!(u.fingerprint(), v.fingerprint());
        Ok(())
    });
}

#[test]
fn ranks_that_wish_for_different_blockings_agree() {
    on_ranks([2, 3], |world| {
        let grid = Grid::builder([60, 50]).build(world)?;
        let mean = star_stencil::<f64, 2, 1>(|u| 0.5 * (u.at::<-1, 0>() + u.at::<0, 1>()));
        let [mut u, mut v] = [grid.field::<f64>("u"), grid.field::<f64>("v")];
        for field in [&mut u, &mut v] {
            field.fill_indexed(|[j, i]| (j * i % 5) as f64);
        }
        u.set_blocking(Some(Blocking { levels: 2 + 4 * world.rank(), tile: [1 + world.rank(), 0] }));
        u.advance(&mean, 7)?;
        v.set_blocking(Some(Blocking::PLAIN));
        v.advance(&mean, 7)?;
        assert_eq!(u.fingerprint(), v.fingerprint());
        u.tune_blocking(&mean)?;
        Ok(())
    });
}

/// Refuses to work on one rank, as long as it is told to.
struct Moody {
    fails: bool,
}

impl Stencil<f64, 1> for Moody {
    const RADIUS: usize = 1;
    const PATTERN: Pattern = Pattern::Star;

    fn apply(
        &self,
        region: Region<1>,
        output: parhelion::kernels::ViewMut<'_, f64, 1>,
        input: parhelion::kernels::View<'_, f64, 1>,
    ) -> std::result::Result<(), parhelion::kernels::KernelError> {
        if self.fails {
            // Any error of a kernel: a region that is not in view.
            let far = region.shifted([1000]);
            return parhelion::kernels::sweep_serial(
                far,
                output,
                input.reach::<0>(),
                |u: Point<'_, f64, 1, 0>| u.center(),
            );
        }
        let mean = |u: StarPoint<'_, f64, 1, 1>| 0.5 * (u.at::<-1>() + u.at::<1>());
        parhelion::kernels::sweep_serial(region, output, input.star_reach::<1>(), mean)
    }
}

#[test]
fn after_an_error_of_one_rank_all_can_go_on() {
    on_ranks([1, 2, 3], |world| {
        let grid = Grid::builder([24]).periodic([true]).build(world)?;
        let mut u = grid.field::<f64>("u");
        for steps in [1, 5] {
            u.set_blocking(Some(Blocking { levels: steps, tile: [4] }));
            u.fill(1.0);
            let failed = u.advance(&Moody { fails: world.rank() == 0 }, steps);
            assert_eq!(failed.is_err(), world.rank() == 0);
            assert!(world.agree(failed).is_err());
            assert!(u.reach::<1>().is_err(), "the halo is not valid after that");
            u.fill(1.0);
            u.advance(&Moody { fails: false }, steps)?;
            assert_eq!(u.sum(), 24.0);
        }
        Ok(())
    });
}
