//! Halo exchange against a slow reference: every point's value is its global linear index, so that
//! any shift, swap or missing box shows.

use num_complex::Complex;
use parhelion::Result;
use parhelion::grid::Decomposition;
use parhelion::halo::HaloPlan;
use parhelion::halo::{HaloPlanBuilder, HaloTransport};
use parhelion::prelude::*;
use parhelion::testing::{on_ranks, on_ranks_and_threads};

const RANKS: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// The transports of halo cells between ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Messages,
    Shared,
    /// Pairs of ranks share memory, others send messages.
    Both,
}

impl Way {
    const ALL: [Self; 3] = [Self::Messages, Self::Shared, Self::Both];

    fn of<const N: usize>(self, plan: HaloPlanBuilder<N>) -> Result<HaloPlan<N>> {
        match self {
            Self::Messages => plan.transport(HaloTransport::Messages),
            Self::Shared => plan.transport(HaloTransport::Shared),
            Self::Both => plan.transport(HaloTransport::Shared).pretend_ranks_per_node(2),
        }
        .build()
    }
}

/// Plans an exchange in this way, and checks that the plan uses it.
fn plan<const N: usize>(way: Way, builder: HaloPlanBuilder<N>) -> Result<HaloPlan<N>> {
    let plan = way.of(builder)?;
    let (sent, shared) = (plan.bytes_sent(), plan.bytes_shared());
    match way {
        Way::Messages => assert_eq!(shared, 0, "{plan}"),
        Way::Shared => assert_eq!((shared, plan.messages_sent()), (sent, 0), "{plan}"),
        Way::Both => assert_eq!(shared < sent, plan.messages_sent() > 0, "{plan}"),
    }
    Ok(plan)
}

/// The value of an owned point: its linear index, and the component in the last digit.
fn tag<const N: usize>(shape: [usize; N], index: [isize; N], component: usize) -> i64 {
    (0..N).fold(0, |linear, a| linear * shape[a] as i64 + index[a] as i64) * 10 + component as i64
}

/// The wall condition: one kind for each axis and side.
fn condition<const N: usize>(face: Face) -> Boundary<i64, N> {
    match (face.axis + usize::from(face.high)) % 4 {
        0 => Boundary::Dirichlet(7),
        1 => Boundary::Reflecting,
        2 => Boundary::Antireflecting,
        _ => Boundary::function(|x: [f64; N], time| (x.iter().fold(time, |h, c| 3.0 * h + c) * 8.0) as i64),
    }
}

/// The reference: the value of any point of the domain with halo, from the definitions alone.
fn expected<const N: usize>(
    grid: &Grid<N>,
    centering: Centering,
    component: usize,
    mut index: [isize; N],
) -> i64 {
    let shape = grid.shape_global(centering);
    for a in 0..N {
        if grid.topology().periodic()[a] {
            index[a] = index[a].rem_euclid(shape[a] as isize);
        }
    }
    // Walls are filled axis after axis, so the last axis that a point is beyond decides; within the
    // domain, the last axis on whose wall of given value a staggered point lies.
    let walls = |a: usize| [(Face::low(a), 0), (Face::high(a), shape[a] as isize - 1)];
    let axes = || (0..N).rev().filter(|&a| !grid.topology().periodic()[a]).flat_map(walls);
    for (face, wall) in axes() {
        let a = face.axis;
        if if face.high { index[a] <= wall } else { index[a] >= wall } {
            continue;
        }
        let mirror = match (centering.staggered(a), face.high) {
            (true, _) => 2 * wall,
            (false, false) => -1,
            (false, true) => 2 * wall + 1,
        };
        let mut image = index;
        image[a] = mirror - index[a];
        return match condition::<N>(face) {
            Boundary::Dirichlet(value) => 2 * value - expected(grid, centering, component, image),
            Boundary::Antireflecting => -expected(grid, centering, component, image),
            Boundary::Function(value) => value(grid.coordinates(index, centering), TIME),
            _ => expected(grid, centering, component, image),
        };
    }
    for (face, _) in axes().filter(|(face, wall)| centering.staggered(face.axis) && index[face.axis] == *wall)
    {
        match condition::<N>(face) {
            Boundary::Dirichlet(value) => return value,
            Boundary::Antireflecting => return 0,
            _ => {}
        }
    }
    tag(shape, index, component)
}

const TIME: f64 = 2.5;

fn tagged<const N: usize>(grid: &Grid<N>, centering: Centering) -> Result<Field<i64, N>> {
    let mut field = grid.field_builder::<i64>("tags").centering(centering).components(2).build()?;
    for face in Face::all::<N>().filter(|face| !grid.topology().periodic()[face.axis]) {
        field.set_boundary(face, condition(face))?;
    }
    field.set_time(TIME, 0.0);
    let shape = field.shape_global();
    for component in 0..2 {
        field.component_mut(component).fill_indexed(|index| tag(shape, index.map(|i| i as isize), component));
    }
    Ok(field)
}

/// Compares every halo point that `pattern` to `depth` fills with the reference.
fn check_field<const N: usize>(field: &Field<i64, N>, pattern: Pattern, depth: usize, what: &str) {
    let grid = field.grid();
    let offset = field.region_global().start;
    let interior = field.region_local();
    let widths = grid.halo().map(|side| side.map(|width| width.min(depth)));
    let mut checked = 0;
    for index in interior.grown(widths).indices() {
        let axes_left = (0..N).filter(|&a| index[a] < 0 || index[a] >= interior.end[a]).count();
        if pattern == Pattern::Star && axes_left > 1 {
            continue;
        }
        let global = std::array::from_fn(|a| index[a] + offset[a]);
        for component in 0..field.components() {
            let view = field.component(component).halo_view();
            let found = view.get(index);
            let wanted = expected(grid, field.centering(), component, global);
            assert_eq!(
                found,
                wanted,
                "{what}: component {component} at {global:?} on rank {}",
                grid.topology().rank()
            );
            checked += 1;
        }
    }
    assert!(checked >= 2 * interior.len());
}

/// Checks all centerings, patterns and depths. Each uses one of the three ways, which `first`
/// rotates: planning waits for other ranks a dozen times, each a time slice where ranks outnumber
/// cores, and which cells go where does not depend on the way.
fn check_grid<const N: usize>(
    world: &World,
    shape: [usize; N],
    halo: [[usize; 2]; N],
    periodic: [bool; N],
    first: usize,
) -> Result<()> {
    let grid = Grid::builder(shape).halo_widths(halo).periodic(periodic).spacing([0.5; N]).build(world)?;
    let widest = halo.iter().flatten().copied().max().unwrap_or(0);
    let mut centerings = vec![Centering::Cell, Centering::Node];
    centerings.extend((0..N).flat_map(|a| [Centering::Face(a), Centering::Edge(a)]));
    let depths = || [Pattern::Box, Pattern::Star].into_iter().flat_map(|p| (1..=widest).map(move |d| (p, d)));
    let cases = centerings.into_iter().flat_map(|centering| depths().map(move |depth| (centering, depth)));
    for ((centering, (pattern, depth)), way) in cases.zip(Way::ALL.into_iter().cycle().skip(first)) {
        let mut field = tagged(&grid, centering)?;
        let builder = HaloPlan::builder(&grid).field(&field).pattern(pattern).depth(depth);
        plan(way, builder)?.exchange(&mut field)?;
        let what = format!(
            "{shape:?} halo {halo:?} periodic {periodic:?} {centering:?} {pattern:?} depth {depth} {way:?}"
        );
        check_field(&field, pattern, depth, &what);
    }
    Ok(())
}

/// Every combination of periodic axes and walls. Over all turns, each centering, pattern and depth
/// uses every way.
fn check_shape<const N: usize>(world: &World, shape: [usize; N], halo: [[usize; 2]; N]) -> Result<()> {
    let turns = if N == 1 { Way::ALL.len() } else { 1 };
    (0..turns << N).try_for_each(|turn| {
        let periodic = std::array::from_fn(|a| turn >> a & 1 == 1);
        check_grid(world, shape, halo, periodic, turn / 2 + turn % 2)
    })
}

#[test]
fn one_axis() {
    on_ranks(RANKS, |world| {
        check_shape(world, [17], [[2, 2]])?; // 8 ranks: blocks as thin as the halo
        check_shape(world, [26], [[3, 1]])
    });
}

#[test]
fn two_axes() {
    on_ranks(RANKS, |world| {
        check_shape(world, [9, 7], [[2, 2]; 2])?;
        check_shape(world, [8, 11], [[1, 0], [0, 2]])
    });
}

#[test]
fn three_axes() {
    on_ranks(RANKS, |world| {
        check_shape(world, [6, 5, 4], [[2, 2]; 3])?;
        check_shape(world, [5, 7, 6], [[1, 1], [0, 2], [2, 1]])
    });
}

#[test]
fn four_axes() {
    on_ranks(RANKS, |world| check_shape(world, [4, 3, 5, 4], [[1, 1], [1, 1], [2, 1], [0, 1]]));
}

#[test]
fn a_block_too_thin_to_mirror_staggered_points_is_refused() {
    on_ranks([3], |world| {
        let grid = Grid::builder([3]).halo_widths([[1, 0]]).build(world)?;
        let error = grid.field_builder::<f64>("nodes").centering(Centering::Node).build().unwrap_err();
        assert!(error.is_geometry() && error.to_string().contains("at least 2 cells"), "{error}");
        Ok(())
    });
}

#[test]
fn every_process_grid_and_thread_count() {
    on_ranks_and_threads([(4, 1), (6, 2), (8, 1)], |world| {
        let shape = [8, 9, 8];
        for a in 1..=world.size() {
            for b in 1..=world.size() {
                let procs = [a, b, world.size() / (a * b).min(world.size())];
                let fits = procs.iter().product::<usize>() == world.size()
                    && Decomposition::new(shape, procs).is_ok_and(|cut| cut.check_halo([[1, 2]; 3]).is_ok());
                if fits {
                    let grid = Grid::builder(shape)
                        .halo_widths([[1, 2]; 3])
                        .periodic([true, false, true])
                        .spacing([0.5; 3])
                        .procs(procs)
                        .build(world)?;
                    for way in Way::ALL {
                        let mut field = tagged(&grid, Centering::Cell)?;
                        plan(way, HaloPlan::builder(&grid).field(&field))?.exchange(&mut field)?;
                        check_field(&field, Pattern::Box, 2, &format!("{procs:?} {way:?}"));
                    }
                    let mut field = tagged(&grid, Centering::Cell)?;
                    field.exchange()?;
                    check_field(&field, Pattern::Box, 2, &format!("{procs:?} by default"));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn many_fields_of_many_types_in_one_plan() {
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([9, 8]).halo(2).periodic([true, true]).build(world)?;
        let new = || {
            let mut bytes = grid.field::<u8>("bytes");
            let mut complex =
                grid.field_builder::<Complex<f64>>("complex").centering(Centering::Face(1)).build()?;
            bytes.fill_indexed(|[j, i]| (16 * j + i) as u8);
            complex.fill_indexed(|[j, i]| Complex::new(j as f64, i as f64));
            Ok::<_, parhelion::Error>((tagged(&grid, Centering::Cell)?, bytes, complex))
        };
        for way in Way::ALL {
            let (mut vector, mut bytes, mut complex) = new()?;
            // Tiny pieces: the same code cuts messages beyond 1 GiB.
            let builder = HaloPlan::builder(&grid).field(&vector).field(&bytes).field(&complex);
            let mut plan = plan(way, builder.longest_message(48))?;
            if world.size() > 2 && way == Way::Messages {
                assert!(plan.messages_sent() > 8, "messages were to be cut: {plan}");
            }
            for _ in 0..3 {
                vector.set_time(TIME, 0.0); // makes the halo stale
                plan.exchange((&mut vector, &mut bytes, &mut complex))?;
            }
            check_field(&vector, Pattern::Box, 2, &format!("vector {way:?}"));
            check_wrapped(&bytes, &complex)?;
        }
        // A plan serves only its kind of fields.
        let (mut vector, mut bytes, mut complex) = new()?;
        let mut plan = HaloPlan::builder(&grid).field(&vector).field(&bytes).field(&complex).build()?;
        let error = plan.exchange((&mut bytes, &mut vector, &mut complex)).unwrap_err();
        assert!(error.is_argument() && error.to_string().contains("this halo plan is for fields"), "{error}");
        Ok(())
    });
}

fn check_wrapped(bytes: &Field<u8, 2>, complex: &Field<Complex<f64>, 2>) -> Result<()> {
    let offset = bytes.region_global().start;
    for ((j, i), &value) in bytes.whole()?.indexed_iter() {
        let wrap = |k: usize, a: usize, n: isize| (k as isize - 2 + offset[a]).rem_euclid(n) as usize;
        assert_eq!(value, (16 * wrap(j, 0, 9) + wrap(i, 1, 8)) as u8);
        assert_eq!(complex.whole()?[[j, i]], Complex::new(wrap(j, 0, 9) as f64, wrap(i, 1, 8) as f64));
    }
    Ok(())
}

#[test]
fn a_leaked_exchange_leaves_the_halo_stale_and_the_plan_usable() {
    on_ranks([1, 2, 3, 4], |world| {
        let grid = Grid::builder([12]).periodic([true]).build(world)?;
        for way in Way::ALL {
            let mut field = tagged(&grid, Centering::Cell)?;
            let mut plan = plan(way, HaloPlan::builder(&grid).field(&field))?;
            for leaks in 1..4 {
                for _ in 0..leaks {
                    std::mem::forget(plan.start(&mut field)?);
                    assert!(field.halo(Face::low(0)).is_err() && field.reach::<1>().is_err());
                }
                plan.exchange(&mut field)?;
                check_field(&field, Pattern::Box, 1, "after a leak");
            }
            // Dropping an exchange finishes it too.
            field.set_global([0], 0);
            drop(plan.start(&mut field)?);
            assert_eq!(field.halo_depth(), [[1, 1]]);
            // Plans may be dropped while neighbors still read what they were sent, and in any
            // order.
            let mut leaked = self::plan(way, HaloPlan::builder(&grid).field(&field))?;
            std::mem::forget(leaked.start(&mut field)?);
            let (first, last) = (plan, leaked);
            if world.rank() % 2 == 0 { drop((first, last)) } else { drop((last, first)) }
        }
        Ok(())
    });
}

#[test]
fn writing_makes_the_halo_stale_and_reading_it_an_error() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8, 8]).halo(2).build(world)?;
        let mut u = grid.field::<f64>("u");
        let stale = |u: &Field<f64, 2>| {
            let error = u.halo(Face::high(1)).unwrap_err();
            assert!(error.to_string().contains("call exchange()"), "{error}");
            if cfg!(debug_assertions) {
                assert!(
                    u.component(0).halo_view().get([-1, -1]).is_nan(),
                    "stale halo cells are NaN in debug builds"
                );
            }
        };
        stale(&u);
        let writes: [fn(&mut Field<f64, 2>); 5] = [
            |u| u.fill_with(|_| 1.0),
            |u| u.map_inplace(|x| *x += 1.0),
            |u| u.set_local([0, 0], 1.0),
            |u| u.interior_mut().fill(2.0),
            |u| u.set_boundary(Face::low(0), Boundary::Reflecting).unwrap(),
        ];
        for write in writes {
            u.exchange()?;
            assert!(u.whole().is_ok() && u.reach::<2>().is_ok());
            write(&mut u);
            stale(&u);
        }
        u.exchange_for(Pattern::Star, 1)?;
        assert!(u.star_reach::<1>().is_ok() && u.reach::<1>().is_err() && u.star_reach::<2>().is_err());
        assert!(u.whole().is_err());
        Ok(())
    });
}

#[test]
fn fields_of_one_shape_share_a_plan() {
    on_ranks([2], |world| {
        let grid = Grid::builder([8, 8]).build(world)?;
        for name in ["u", "v", "w"] {
            grid.field::<f64>(name).exchange()?;
        }
        // Every plan has a range of 81 tags from 8 on: this is the second plan.
        let plan = HaloPlan::builder(&grid).field(&grid.field::<f64>("u")).build()?.to_string();
        let tag = plan.lines().find_map(|line| line.split_once("tag ")?.1.parse::<i32>().ok());
        assert_eq!(tag.map(|tag| (tag - 8) / 81), Some(1), "{plan}");
        Ok(())
    });
}
