//! Fields of several components advance as arrays: the bits of one field for each component.

use crate::evolve::{Case, LAYOUTS, TIME_STEP, cases, field, grid, same};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::testing::{on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

/// A field of `K` components, each with the values and walls of the field `field(…, first + component)`.
fn vector<const K: usize>(grid: &Grid<2>, case: Case, first: usize) -> Result<Field<f64, 2>> {
    let name = format!("v{first}");
    let mut vector = grid.field_builder::<f64>(name).centering(case.centering).components(K).build()?;
    vector.set_time(1.5, TIME_STEP);
    for k in 0..K {
        let seed = first + k;
        for face in Face::all::<2>().filter(|face| !case.periodic[face.axis]) {
            vector.component_mut(k).set_boundary(face, case.wall(face, seed))?;
        }
        let value = |[j, i]: [usize; 2]| (((31 * seed + j) * 37 + i) as f64 * 0.618).fract();
        vector.component_mut(k).fill_indexed(value);
    }
    vector.set_blocking(Some(case.blocking));
    Ok(vector)
}

/// The same bits in every component as in the fields.
fn same_components<const K: usize>(vector: &Field<f64, 2>, fields: [&Field<f64, 2>; K], case: Case) {
    for (k, field) in fields.into_iter().enumerate() {
        for index in field.region_local().indices() {
            let (found, wanted) = (vector.component(k).view().get(index), field.view().get(index));
            assert!(
                found.to_bits() == wanted.to_bits(),
                "{found} is not {wanted} in {k} at {index:?}: {case:?}"
            );
        }
    }
}

fn gray_scott(u: StarPoint<'_, f64, 2, 1>, v: StarPoint<'_, f64, 2, 1>) -> [f64; 2] {
    let laplacian = |u: StarPoint<'_, f64, 2, 1>| {
        u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>() - 4.0 * u.center()
    };
    let reaction = u.center() * v.center() * v.center();
    [
        u.center() + 0.2 * laplacian(u) - reaction + 0.04 * (1.0 - u.center()),
        v.center() + 0.1 * laplacian(v) + reaction - 0.1 * v.center(),
    ]
}

#[test]
fn gray_scott_of_components_and_of_arrays_has_the_bits_of_two_fields() {
    on_ranks_and_threads(LAYOUTS, |world| {
        for case in cases() {
            let grid = grid(world, case)?;
            let [mut u, mut v, mut p, mut q] = [
                field(&grid, case, 0)?,
                field(&grid, case, 1)?,
                field(&grid, case, 0)?,
                field(&grid, case, 1)?,
            ];
            let mut both = vector::<2>(&grid, case, 0)?;
            type Two<'p> = (StarPoint<'p, f64, 2, 1>, StarPoint<'p, f64, 2, 1>);
            grid.evolve(
                (u.star_evolving::<1>(), v.star_evolving::<1>()),
                (),
                case.steps,
                |(u, v): Two<'_>, ()| {
                    let [u, v] = gray_scott(u, v);
                    (u, v)
                },
            )?;
            grid.evolve([&mut p, &mut q].map(Field::star_evolving::<1>), (), case.steps, |[u, v], ()| {
                gray_scott(u, v)
            })?;
            grid.evolve(both.star_evolving_components::<2, 1>(), (), case.steps, |[u, v], ()| {
                gray_scott(u, v)
            })?;
            same(&p, &u, case);
            same(&q, &v, case);
            same_components(&both, [&u, &v], case);
            assert_eq!(both.time(), u.time());
        }
        Ok(())
    });
}

/// Three components that read each other and a scalar, all with two levels in time, with constants
/// of two components.
#[test]
fn components_go_together_with_scalars_constants_and_previous_levels() {
    on_ranks_and_threads(LAYOUTS, |world| {
        for case in cases() {
            let grid = grid(world, case)?;
            let (mut w, mut earlier, mut c) =
                (vector::<3>(&grid, case, 0)?, vector::<3>(&grid, case, 4)?, vector::<2>(&grid, case, 10)?);
            let (mut s, mut t) = (field(&grid, case, 3)?, field(&grid, case, 7)?);
            type Now<'p> = ([Point<'p, f64, 2, 1>; 3], StarPoint<'p, f64, 2, 2>);
            type Fixed<'p> = ([Point<'p, f64, 2, 1>; 2], ());
            let rule = |(old, before): ([f64; 3], f64), (w, s): Now<'_>, (c, ()): Fixed<'_>| {
                let mean = (w[0].at::<1, -1>() + w[1].center() + w[2].at::<-1, 1>()) / 3.0;
                let new = std::array::from_fn(|k| {
                    0.3 * old[k] + c[k % 2].at::<0, 1>() * w[k].at::<1, 1>() - 0.2 * mean
                });
                (new, 0.1 * before + 0.4 * s.at::<2, 0>() + 0.3 * mean + c[1].center())
            };
            grid.leapfrog(
                (
                    w.evolving_components::<3, 1>().with_previous(&mut earlier),
                    s.star_evolving::<2>().with_previous(&mut t),
                ),
                (c.constant_components::<2, 1>(), ()),
                case.steps,
                rule,
            )?;
            // Step by step, with a sweep that has arrays in and out.
            let (mut p, mut before, mut d) =
                (vector::<3>(&grid, case, 0)?, vector::<3>(&grid, case, 4)?, vector::<2>(&grid, case, 10)?);
            let (mut q, mut r) = (field(&grid, case, 3)?, field(&grid, case, 7)?);
            // (The previous levels have the walls of their fields.)
            for (old, now) in [(&mut before, 0), (&mut r, 3)] {
                for k in 0..old.components() {
                    for face in Face::all::<2>().filter(|face| !case.periodic[face.axis]) {
                        old.component_mut(k).set_boundary(face, case.wall(face, now + k))?;
                    }
                }
                old.exchange()?;
            }
            d.exchange()?;
            for step in 0..case.steps {
                p.exchange()?;
                q.exchange()?;
                let (mut next_p, mut next_q) = (vector::<3>(&grid, case, 0)?, field(&grid, case, 3)?);
                type All<'p> =
                    ([Point<'p, f64, 2, 0>; 3], Point<'p, f64, 2, 0>, Now<'p>, [Point<'p, f64, 2, 1>; 2]);
                grid.sweep(
                    p.region_local(),
                    (next_p.views_mut::<3>()?, next_q.view_mut()),
                    (
                        before.reach_components::<3, 0>()?,
                        r.reach::<0>()?,
                        (p.reach_components::<3, 1>()?, q.star_reach::<2>()?),
                        d.reach_components::<2, 1>()?,
                    ),
                    |(old, r, now, d): All<'_>| rule((old.map(|old| old.center()), r.center()), now, (d, ())),
                )?;
                for (field, old, mut next) in [(&mut p, &mut before, next_p), (&mut q, &mut r, next_q)] {
                    next.set_time(1.5 + (step + 1) as f64 * TIME_STEP, TIME_STEP);
                    old.swap(field)?;
                    field.swap(&mut next)?;
                }
            }
            // Time stepping leaves the walls' values on points on walls; sweeps do not.
            [&mut p, &mut before, &mut q, &mut r].into_iter().try_for_each(Field::exchange)?;
            let bits = |field: &Field<f64, 2>| field.fingerprint();
            assert_eq!((bits(&w), bits(&s)), (bits(&p), bits(&q)), "{case:?}");
            assert_eq!((bits(&earlier), bits(&t)), (bits(&before), bits(&r)), "{case:?}");
        }
        Ok(())
    });
}

/// Rows that are longer and shorter than the runs in which arrays are written, with 32 components.
#[test]
fn arrays_of_32_components_have_the_values_of_each() {
    on_ranks([1, 3], |world| {
        for length in [1, 5, 31, 32, 33, 100, 257] {
            let grid = Grid::builder([5, length]).periodic([true, false]).build(world)?;
            let mut u = grid.field_builder::<f32>("u").components(32).build()?;
            let mut v = grid.field_builder::<f32>("v").components(32).build()?;
            let mut total = grid.field::<i64>("total");
            let value = |k: usize, j: usize, i: usize| (k * 10_000 + j % 5 * 1000 + i) as f32;
            (0..32).for_each(|k| u.component_mut(k).fill_indexed(|[j, i]| value(k, j, i)));
            u.exchange()?;
            grid.sweep(
                u.region_local(),
                (v.views_mut::<32>()?, total.view_mut()),
                u.star_reach_components::<32, 1>()?,
                |u: [StarPoint<'_, f32, 2, 1>; 32]| {
                    (
                        std::array::from_fn(|k| u[31 - k].at::<1, 0>()),
                        u.iter().map(|u| u.center() as i64).sum(),
                    )
                },
            )?;
            let twice =
                |v: [f32; 32], u: [Point<'_, f32, 2, 0>; 32]| std::array::from_fn(|k| v[k] + u[k].center());
            let inside = u.reach_components::<32, 0>()?;
            grid.update(u.region_local(), v.views_mut::<32>()?, inside, twice)?;
            for k in 0..32 {
                for index in u.region_global().indices() {
                    let [j, i] = index.map(|i| i as usize);
                    let wanted = value(31 - k, j + 1, i) + value(k, j, i);
                    assert_eq!(v.component(k).get_global([j, i]), Some(wanted), "{k} {index:?}");
                    let sum: f32 = (0..32).map(|k| value(k, j, i)).sum();
                    assert_eq!(total.get_global([j, i]), Some(sum as i64));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_wrong_number_of_components_is_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([12]).periodic([true]).build(world)?;
        let mut u = grid.field_builder::<f64>("u").components(3).build()?;
        let mut v = grid.field::<f64>("v");
        let refused = |error: Error, why: &str| assert!(error.to_string().contains(why), "{error}");
        u.exchange()?;
        let why = "field 'u' has 3 components and cannot be used as an array of 2";
        refused(u.reach_components::<2, 1>().unwrap_err(), why);
        refused(u.star_reach_components::<2, 1>().unwrap_err(), why);
        refused(u.views_mut::<2>().unwrap_err(), why);
        refused(
            grid.evolve(u.evolving_components::<4, 1>(), (), 1, |u, ()| u.map(|u| u.center())).unwrap_err(),
            "it has 3 components, but the rule is for 4; use evolving_components::<3, RADIUS>()",
        );
        let error = grid
            .evolve(v.star_evolving::<1>(), u.constant_components::<2, 0>(), 1, |v, [a, b]| {
                v.center() + a.center() + b.center()
            })
            .unwrap_err();
        refused(error, "has 3 components, but the rule reads 2; use constant_components::<3, RADIUS>()");
        let keep = Blocking { levels: 2, tile: [4] };
        u.set_blocking(Some(keep));
        grid.evolve(u.evolving_components::<3, 1>(), (), 4, |u, ()| u.map(|u| u.at::<1>()))
    });
}
