//! Staggered fields that advance in turn: the modes of cavities, exact in time and space for the
//! discrete equations.

use std::f64::consts::PI;

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{on_ranks, on_ranks_and_threads, same_on};

const LAYOUTS: [(usize, usize); 5] = [(1, 1), (1, 3), (2, 2), (3, 1), (4, 1)];

/// Angle per step of a mode of this many half waves on each axis, with unit spacing:
/// sin²(ω/2) = dt² Σ sin²(p π / 2n).
fn angle<const N: usize>(half_waves: [usize; N], cells: [usize; N], dt: f64) -> f64 {
    let sine = |a: usize| (half_waves[a] as f64 * PI / (2 * cells[a]) as f64).sin();
    2.0 * (dt * (0..N).map(|a| sine(a) * sine(a)).sum::<f64>().sqrt()).asin()
}

fn field<const N: usize>(grid: &Grid<N>, name: &str, centering: Centering) -> Result<Field<f64, N>> {
    grid.field_builder::<f64>(name).centering(centering).build()
}

/// Sets the value 0 on all walls of axes on which the field is staggered.
fn zero_on_walls<const N: usize>(field: &mut Field<f64, N>) -> Result<()> {
    let staggered = field.centering();
    Face::all::<N>()
        .filter(|face| staggered.staggered(face.axis))
        .try_for_each(|face| field.set_boundary(face, Boundary::Dirichlet(0.0)))
}

/// Compares all points with `amplitude · mode(index)`.
fn check_mode<const N: usize>(field: &Field<f64, N>, amplitude: f64, mode: impl Fn([usize; N]) -> f64) {
    for index in field.region_global().indices().map(|index| index.map(|i| i as usize)) {
        let (found, exact) = (field.get_global(index).unwrap(), amplitude * mode(index));
        // Rounding of some hundred steps.
        assert!((found - exact).abs() < 2e-13, "{} at {index:?}: {found}, exactly {exact}", field.name());
    }
}

type Star<'p, const N: usize> = StarPoint<'p, f64, N, 1>;

/// The transverse magnetic mode of a metal cavity: one electric field at nodes, 0 on the walls, two
/// magnetic ones at faces.
#[test]
fn a_mode_of_a_flat_cavity_follows_the_discrete_dispersion_relation() {
    const CELLS: [usize; 2] = [23, 17];
    const WAVES: [usize; 2] = [3, 2];
    const DT: f64 = 0.6;
    same_on(LAYOUTS, |world| {
        let grid = Grid::builder(CELLS).build(world)?;
        let mode = |[j, i]: [usize; 2]| {
            let sine = |a: usize, i: usize| (WAVES[a] as f64 * PI * i as f64 / CELLS[a] as f64).sin();
            sine(0, j) * sine(1, i)
        };
        let mut bits = Vec::new();
        for (levels, tile) in [(1, [usize::MAX; 2]), (2, [1, 17]), (4, [2, 5]), (3, [7, 16])] {
            let mut e = field(&grid, "e", Centering::Node)?;
            let (mut hy, mut hx) =
                (field(&grid, "hy", Centering::Face(0))?, field(&grid, "hx", Centering::Face(1))?);
            zero_on_walls(&mut e)?;
            e.fill_indexed(mode);
            hy.set_blocking(Some(Blocking { levels, tile }));
            // Half a step back with h = 0 gives h half a step before e, for a mode that starts at rest.
            for (steps, backward) in [(1, true), (300, false)] {
                let (h_step, e_step) = if backward { (-0.5 * DT, 0.0) } else { (DT, DT) };
                grid.alternate(
                    (hy.star_evolving::<1>(), hx.star_evolving::<1>()),
                    e.star_evolving::<1>(),
                    (),
                    steps,
                    |(hy, hx), e: Star<'_, 2>, ()| {
                        (
                            hy + h_step * (e.at::<0, 1>() - e.center()),
                            hx - h_step * (e.at::<1, 0>() - e.center()),
                        )
                    },
                    |e, (hy, hx): (Star<'_, 2>, Star<'_, 2>), ()| {
                        e + e_step * ((hy.center() - hy.at::<0, -1>()) - (hx.center() - hx.at::<-1, 0>()))
                    },
                )?;
            }
            check_mode(&e, (300.0 * angle(WAVES, CELLS, DT)).cos(), mode);
            bits.push([e.fingerprint(), hy.fingerprint(), hx.fingerprint()]);
        }
        assert!(bits.iter().all(|found| *found == bits[0]), "{bits:x?}");
        Ok(format!("{:x?}", bits[0]))
    });
}

/// Sound in a closed box: the pressure in cells, three velocities on faces, 0 on walls.
#[test]
fn sound_in_a_box_follows_the_discrete_dispersion_relation() {
    const CELLS: [usize; 3] = [9, 11, 8];
    const WAVES: [usize; 3] = [1, 2, 1];
    const DT: f64 = 0.5;
    same_on(LAYOUTS, |world| {
        let grid = Grid::builder(CELLS).build(world)?;
        let mode = |index: [usize; 3]| {
            let cosine = |a: usize| (WAVES[a] as f64 * PI * (index[a] as f64 + 0.5) / CELLS[a] as f64).cos();
            cosine(0) * cosine(1) * cosine(2)
        };
        let mut bits = Vec::new();
        for (levels, tile) in [(1, [usize::MAX; 3]), (2, [1, 3, 16]), (2, [4, 11, usize::MAX])] {
            let mut p = field(&grid, "p", Centering::Cell)?;
            let mut v = [0, 1, 2].map(|a| field(&grid, "v", Centering::Face(a)).unwrap());
            v.iter_mut().try_for_each(zero_on_walls)?;
            p.fill_indexed(mode);
            v[0].set_blocking(Some(Blocking { levels, tile }));
            for (steps, backward) in [(1, true), (100, false)] {
                let (v_step, p_step) = if backward { (-0.5 * DT, 0.0) } else { (DT, DT) };
                grid.alternate(
                    v.each_mut().map(Field::star_evolving::<1>),
                    p.star_evolving::<1>(),
                    (),
                    steps,
                    |[a, b, c], p: Star<'_, 3>, ()| {
                        [
                            a - v_step * (p.center() - p.at::<-1, 0, 0>()),
                            b - v_step * (p.center() - p.at::<0, -1, 0>()),
                            c - v_step * (p.center() - p.at::<0, 0, -1>()),
                        ]
                    },
                    |p, [a, b, c]: [Star<'_, 3>; 3], ()| {
                        let [a, b, c] = [
                            a.at::<1, 0, 0>() - a.center(),
                            b.at::<0, 1, 0>() - b.center(),
                            c.at::<0, 0, 1>() - c.center(),
                        ];
                        p - p_step * (a + b + c)
                    },
                )?;
            }
            check_mode(&p, (100.0 * angle(WAVES, CELLS, DT)).cos(), mode);
            bits.push([p.fingerprint(), v[0].fingerprint(), v[1].fingerprint(), v[2].fingerprint()]);
        }
        assert!(bits.iter().all(|found| *found == bits[0]), "{bits:x?}");
        Ok(format!("{:x?}", bits[0]))
    });
}

/// A mode of a metal box in three dimensions: electric fields on edges, magnetic ones on faces.
#[test]
fn a_mode_of_a_metal_box_follows_the_discrete_dispersion_relation() {
    const CELLS: [usize; 3] = [8, 9, 10];
    const WAVES: [usize; 3] = [1, 2, 3];
    const DT: f64 = 0.5;
    same_on(LAYOUTS, |world| {
        let grid = Grid::builder(CELLS).build(world)?;
        let sine = |a: usize| (WAVES[a] as f64 * PI / (2 * CELLS[a]) as f64).sin();
        // Without charges: Σ amplitude · sine = 0.
        let amplitude = [1.0, 0.5, -(sine(0) + 0.5 * sine(1)) / sine(2)];
        let mode = |edge: usize| {
            move |index: [usize; 3]| {
                let wave = |a: usize| {
                    let phase =
                        |shift: f64| WAVES[a] as f64 * PI * (index[a] as f64 + shift) / CELLS[a] as f64;
                    if a == edge { phase(0.5).cos() } else { phase(0.0).sin() }
                };
                amplitude[edge] * wave(0) * wave(1) * wave(2)
            }
        };
        let mut bits = Vec::new();
        for (levels, tile) in [(1, [usize::MAX; 3]), (2, [1, 4, 16]), (2, [3, 3, 3])] {
            let mut e = [0, 1, 2].map(|a| field(&grid, "e", Centering::Edge(a)).unwrap());
            let mut h = [0, 1, 2].map(|a| field(&grid, "h", Centering::Face(a)).unwrap());
            e.iter_mut().try_for_each(zero_on_walls)?;
            h.iter_mut().try_for_each(zero_on_walls)?;
            (0..3).for_each(|a| e[a].fill_indexed(mode(a)));
            h[0].set_blocking(Some(Blocking { levels, tile }));
            for (steps, backward) in [(1, true), (100, false)] {
                let (h_step, e_step) = if backward { (-0.5 * DT, 0.0) } else { (DT, DT) };
                grid.alternate(
                    h.each_mut().map(Field::star_evolving::<1>),
                    e.each_mut().map(Field::star_evolving::<1>),
                    (),
                    steps,
                    |h, e: [Star<'_, 3>; 3], ()| {
                        let up = |c: usize, axis: usize| {
                            e[c].at_offset(std::array::from_fn(|a| isize::from(a == axis))) - e[c].center()
                        };
                        std::array::from_fn(|a| {
                            let (b, c) = ((a + 1) % 3, (a + 2) % 3);
                            h[a] - h_step * (up(c, b) - up(b, c))
                        })
                    },
                    |e, h: [Star<'_, 3>; 3], ()| {
                        let down = |c: usize, axis: usize| {
                            h[c].center() - h[c].at_offset(std::array::from_fn(|a| -isize::from(a == axis)))
                        };
                        std::array::from_fn(|a| {
                            let (b, c) = ((a + 1) % 3, (a + 2) % 3);
                            e[a] + e_step * (down(c, b) - down(b, c))
                        })
                    },
                )?;
            }
            let amplitude = (100.0 * angle(WAVES, CELLS, DT)).cos();
            (0..3).for_each(|a| check_mode(&e[a], amplitude, mode(a)));
            bits.push([&e, &h].map(|fields| fields.each_ref().map(|field| field.fingerprint())));
        }
        assert!(bits.iter().all(|found| *found == bits[0]), "{bits:x?}");
        Ok(format!("{:x?}", bits[0]))
    });
}

fn condition(face: Face, turn: usize) -> Boundary<f64, 2> {
    match (2 * face.axis + usize::from(face.high) + turn) % 5 {
        0 => Boundary::Dirichlet(0.7),
        1 => Boundary::Neumann(-0.2),
        2 => Boundary::function(|[y, x], t| 0.1 * y + 0.2 * x + (0.3 * t).sin()),
        3 => Boundary::Antireflecting,
        _ => Boundary::Reflecting,
    }
}

/// The fields of a case, before any step: (first group, second group, constant at faces).
type Case = ([Field<f64, 2>; 2], Field<f64, 2>, Field<f64, 2>);

/// Groups of all centerings and walls, some periodic, step as by exchanges and updates of one group
/// after the other.
#[test]
fn groups_step_as_by_exchange_and_update() {
    const DT: f64 = 0.25;
    on_ranks_and_threads(LAYOUTS, |world| {
        for number in 0..12_usize {
            let periodic = [number % 2 == 1, number / 2 % 2 == 1];
            let grid = Grid::builder([13 + number % 3, 17]).periodic(periodic).halo(3).build(world)?;
            let centerings = [Centering::Cell, Centering::Node, Centering::Face(0), Centering::Face(1)];
            let tiles = [[1, 4], [usize::MAX, 3], [2, usize::MAX], [5, 6]];
            let blocking = Blocking { levels: 1 + number % 4, tile: tiles[number % 4] };
            let make = |seed: usize| -> Result<Field<f64, 2>> {
                let mut field = field(
                    &grid,
                    &format!("u{seed}"),
                    if seed == 3 { Centering::Node } else { centerings[(number + seed) % 4] },
                )?;
                field.set_time(0.5 * DT * seed as f64, DT);
                for face in Face::all::<2>().filter(|face| !periodic[face.axis]) {
                    field.set_boundary(face, condition(face, number + seed))?;
                }
                field.fill_indexed(|[j, i]| (((31 * seed + j) * 37 + i) as f64 * 0.618).fract());
                field.set_blocking(Some(blocking));
                Ok(field)
            };
            let case = || -> Result<Case> { Ok(([make(0)?, make(1)?], make(2)?, make(3)?)) };
            type Wide<'p> = Point<'p, f64, 2, 2>;
            // (No point on a wall reads an unstaggered field 2 points above it.)
            let first = |[a, b]: [f64; 2], c: Wide<'_>, d: Point<'_, f64, 2, 0>| {
                let far = c.at::<-2, 0>() - 0.7 * c.at::<1, -2>() + 0.4 * c.at::<1, 1>();
                [0.9 * a + 0.1 * far, 0.8 * b - 0.1 * far + 0.01 * d.center()]
            };
            let second = |c: f64, [a, b]: [Star<'_, 2>; 2], _: Point<'_, f64, 2, 0>| {
                0.7 * c + 0.1 * (a.center() - a.at::<-1, 0>()) + 0.2 * (b.at::<0, -1>() + b.center())
            };
            let steps = 1 + number % 7;
            let ([mut a, mut b], mut c, mut d) = case()?;
            // In two calls: the second goes on where the first left off.
            for steps in [steps, 2] {
                let groups = [&mut a, &mut b].map(Field::star_evolving::<1>);
                grid.alternate(groups, c.evolving::<2>(), d.constant::<0>(), steps, first, second)?;
            }
            let ([mut p, mut q], mut r, mut s) = case()?;
            s.exchange()?;
            for step in 0..steps + 2 {
                let time = |seed: usize| 0.5 * DT * seed as f64 + (step + 1) as f64 * DT;
                r.exchange()?;
                // Each field at its own points.
                for (k, field) in [&mut p, &mut q].into_iter().enumerate() {
                    let inputs = (r.reach::<2>()?, s.reach::<0>()?);
                    let region = field.region_local();
                    grid.update(region, field.view_mut(), inputs, |old, (r, s)| first([old; 2], r, s)[k])?;
                    field.set_time(time(k), DT);
                    field.exchange()?;
                }
                let inputs = ([p.star_reach::<1>()?, q.star_reach::<1>()?], s.reach::<0>()?);
                grid.update(r.region_local(), r.view_mut(), inputs, |old, (others, s)| {
                    second(old, others, s)
                })?;
                r.set_time(time(2), DT);
            }
            for (found, wanted) in [(&mut a, &mut p), (&mut b, &mut q), (&mut c, &mut r)] {
                // (An update does not set the points on walls.)
                wanted.exchange()?;
                assert_eq!(found.fingerprint(), wanted.fingerprint(), "{} in case {number}", found.name());
            }
        }
        Ok(())
    });
}

#[test]
fn a_previous_level_is_refused_in_place() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([12]).build(world)?;
        let [mut u, mut v, mut w] = ["u", "v", "w"].map(|name| grid.field::<f64>(name));
        let error = grid
            .alternate(
                u.star_evolving::<1>().with_previous(&mut w),
                v.star_evolving::<1>(),
                (),
                1,
                |u, _: Star<'_, 1>, ()| u,
                |v, _: Star<'_, 1>, ()| v,
            )
            .unwrap_err();
        assert!(error.to_string().contains("leave out with_previous"), "{error}");
        Ok(())
    });
}
