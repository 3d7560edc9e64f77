//! Time stepping gives the same bits as a plain serial loop, on any ranks and threads.

use crate::serial::{Number, Reference, SPACING, condition, rule};
use num_complex::Complex;
use parhelion::Result;
use parhelion::grid::Decomposition;
use parhelion::prelude::*;
use parhelion::testing::{on_ranks, on_ranks_and_threads};

const STEPS: usize = 3;

/// What is computed: everything that the result may depend on, and the process grid, on which it
/// may not.
#[derive(Clone, Copy, Debug)]
struct Case<const N: usize> {
    shape: [usize; N],
    periodic: [bool; N],
    centering: Centering,
    /// Shifts which kind of wall stands where.
    turn: usize,
    procs: Option<[usize; N]>,
}

/// Advances a field of two components and compares every owned point with the reference.
fn check<T: Number, const N: usize>(
    world: &World,
    case: Case<N>,
    stencil: &impl Stencil<T, N>,
    radius: usize,
    pattern: Pattern,
) -> Result<()> {
    let mut builder = Grid::builder(case.shape).periodic(case.periodic).halo(radius).spacing([SPACING; N]);
    if let Some(procs) = case.procs {
        builder = builder.procs(procs);
    }
    let grid = builder.build(world)?;
    let mut field = grid.field_builder::<T>("u").centering(case.centering).components(2).build()?;
    field.set_time(1.5, 0.25);
    let shape = field.shape_global();
    for component in 0..2 {
        for face in Face::all::<N>().filter(|face| !case.periodic[face.axis]) {
            field.component_mut(component).set_boundary(face, condition(face, case.turn + component))?;
        }
        field.component_mut(component).fill_indexed(|index| T::initial(component, index));
    }
    // In two calls: the second starts from where the first left off.
    field.advance(stencil, 1)?;
    field.advance(stencil, STEPS - 1)?;
    assert_eq!(field.time(), 1.5 + STEPS as f64 * 0.25);
    for component in 0..2 {
        let mut reference = Reference::new(shape, case.periodic, case.centering, radius, |index| {
            T::initial(component, index)
        });
        for step in 0..STEPS {
            let time = 1.5 + step as f64 * 0.25;
            reference.step(case.turn + component, time, |at| rule::<T, N>(radius, pattern, at));
        }
        let offset = field.region_global().start;
        for index in field.region_local().indices() {
            let global: [isize; N] = std::array::from_fn(|a| index[a] + offset[a]);
            let (found, wanted) = (field.component(component).view().get(index), reference.get(global));
            assert!(
                bytemuck::bytes_of(&found) == bytemuck::bytes_of(&wanted),
                "{found:?} is not {wanted:?}: component {component} at {global:?}, radius {radius}, {pattern:?}, {case:?}"
            );
        }
    }
    Ok(())
}

fn check_box<T: Number, const N: usize, const R: usize>(world: &World, case: Case<N>) -> Result<()> {
    let stencil = stencil::<T, N, R>(|u| rule::<T, N>(R, Pattern::Box, |offset| u.at_offset(offset)));
    check(world, case, &stencil, R, Pattern::Box)
}

fn check_star<T: Number, const N: usize, const R: usize>(world: &World, case: Case<N>) -> Result<()> {
    let stencil = star_stencil::<T, N, R>(|u| rule::<T, N>(R, Pattern::Star, |offset| u.at_offset(offset)));
    check(world, case, &stencil, R, Pattern::Star)
}

/// All combinations of periodic axes and walls, each with other kinds of walls.
fn cases<const N: usize>(shape: [usize; N]) -> impl Iterator<Item = Case<N>> {
    (0..1 << N).map(move |bits: usize| Case {
        shape,
        periodic: std::array::from_fn(|a| bits >> a & 1 == 1),
        centering: Centering::Cell,
        turn: 3 * bits,
        procs: None,
    })
}

/// Every rank count and thread count, beyond the cores of most machines.
const LAYOUTS: [(usize, usize); 7] = [(1, 1), (1, 4), (2, 2), (3, 1), (4, 2), (6, 1), (8, 1)];

#[test]
fn any_ranks_and_threads_give_the_bits_of_a_serial_loop() {
    on_ranks_and_threads(LAYOUTS, |world| {
        for case in cases([37]) {
            check_box::<f64, 1, 1>(world, case)?;
            check_star::<i64, 1, 2>(world, case)?;
        }
        for case in cases([19, 17]) {
            check_box::<f64, 2, 2>(world, case)?;
            check_star::<f32, 2, 2>(world, case)?;
            check_box::<i32, 2, 1>(world, case)?;
        }
        for case in cases([9, 8, 7]) {
            check_box::<f64, 3, 1>(world, case)?;
            check_star::<f64, 3, 2>(world, case)?;
        }
        for case in cases([6, 5, 4, 7]).step_by(3) {
            check_star::<f64, 4, 1>(world, case)?;
            check_box::<f32, 4, 1>(world, case)?;
        }
        check_box::<Complex<f64>, 2, 1>(world, cases([12, 13]).next().expect("the case of walls only"))
    });
}

#[test]
fn staggered_fields_too() {
    on_ranks_and_threads([(1, 1), (2, 2), (3, 1), (8, 1)], |world| {
        for centering in [Centering::Node, Centering::Face(0), Centering::Face(1), Centering::Edge(2)] {
            for case in cases([9, 8, 7]) {
                check_box::<f64, 3, 1>(world, Case { centering, ..case })?;
            }
            for case in cases([9, 8, 7]).step_by(7) {
                check_star::<f32, 3, 1>(world, Case { centering, turn: case.turn + 1, ..case })?;
            }
        }
        Ok(())
    });
}

#[test]
fn any_process_grid_gives_the_bits_of_a_serial_loop() {
    on_ranks_and_threads([(6, 2), (8, 1)], |world| {
        let shape = [16, 8, 9];
        let size = world.size();
        let grids = (1..=size).flat_map(|a| (1..=size).map(move |b| (a, b)));
        for (a, b) in grids.filter(|(a, b)| size.is_multiple_of(a * b)) {
            let procs = [a, b, size / (a * b)];
            if Decomposition::new(shape, procs).is_ok_and(|cut| cut.check_halo([[2, 2]; 3]).is_ok()) {
                for case in cases(shape).step_by(5) {
                    check_star::<f64, 3, 2>(world, Case { procs: Some(procs), ..case })?;
                    check_box::<f32, 3, 1>(world, Case { procs: Some(procs), ..case })?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn large_blocks_are_shared_by_threads() {
    // Rows and planes enough that every thread has several, in the core and in the shells.
    on_ranks_and_threads([(1, 4), (2, 2), (3, 1)], |world| {
        for case in cases([24, 20, 70]).step_by(3) {
            check_box::<f64, 3, 1>(world, case)?;
        }
        Ok(())
    });
}

#[test]
fn a_radius_beyond_the_halo_is_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([16, 16]).halo_widths([[2, 2], [2, 1]]).build(world)?;
        let mut u = grid.field::<f64>("density");
        u.fill(3.0);
        let error = u.advance(&star_stencil::<f64, 2, 2>(|u| 2.0 * u.center()), 1).unwrap_err();
        assert!(error.is_geometry());
        assert_eq!(
            error.to_string(),
            "a stencil of radius 2 cannot be applied to field 'density': its halo on axis 1 is [2, 1]; build the grid \
             with halo(2)"
        );
        assert_eq!((u.probe([5, 5])?, u.time()), (3.0, 0.0), "nothing was computed");
        u.advance(&star_stencil::<f64, 2, 1>(|u| 2.0 * u.center()), 2)?;
        u.advance(&star_stencil::<f64, 2, 1>(|u| 2.0 * u.center()), 0)?;
        assert_eq!(u.probe([5, 5])?, 12.0);
        Ok(())
    });
}

/// Writes of one rank alone: `advance` has to exchange on all of them all the same.
#[test]
fn one_rank_alone_may_have_written() {
    on_ranks([1, 2, 3, 4], |world| {
        let grid = Grid::builder([12]).periodic([true]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.exchange()?;
        if let Some(local) = u.local_index([0]) {
            u.set_local(local, 4.0);
        }
        let spread = star_stencil::<f64, 1, 1>(|u| 0.25 * (u.at::<-1>() + 2.0 * u.center() + u.at::<1>()));
        u.advance(&spread, 2)?;
        for (index, value) in [(10, 0.25), (11, 1.0), (0, 1.5), (1, 1.0), (2, 0.25), (3, 0.0)] {
            assert_eq!(u.probe([index])?, value, "point {index}");
        }
        Ok(())
    });
}

/// A stencil of the user's own that reads farther than it says.
struct Liar;

impl Stencil<f64, 1> for Liar {
    const RADIUS: usize = 0;
    const PATTERN: Pattern = Pattern::Star;

    fn apply(
        &self,
        region: Region<1>,
        output: parhelion::kernels::ViewMut<'_, f64, 1>,
        input: parhelion::kernels::View<'_, f64, 1>,
    ) -> Result<(), parhelion::kernels::KernelError> {
        let neighbor = |u: Point<'_, f64, 1, 1>| u.at::<-1>();
        parhelion::kernels::sweep_serial(region, output, input.reach::<1>(), neighbor)
    }
}

#[test]
fn a_stencil_sees_no_more_than_its_radius_says() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([12]).build(world)?;
        let error = world.agree(grid.field::<f64>("u").advance(&Liar, 1)).unwrap_err();
        assert!(error.to_string().contains("a rule of radius 1"), "{error}");
        Ok(())
    });
}
