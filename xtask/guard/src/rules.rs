//! Rules of solvers, through the stepping functions of a grid.

use parhelion::kernels::operators;
use parhelion::prelude::*;
use parhelion::{Result, rule};

use crate::byhand as hand;
use crate::case::{Case, Make};
use crate::physics::{self, Euler, Water};
use crate::stepping::{STEPS, steps, whole_steps};

/// In the names of rules that are closures without the macro `rule!`, whose speed is not promised.
pub const WITHOUT_MACRO: &str = "no rule!";

fn wavy<const N: usize>(index: [isize; N]) -> f64 {
    (0..N).map(|a| (0.2 * index[a] as f64 + a as f64).sin()).sum::<f64>() / N as f64
}

fn add<'w>(cases: &mut Vec<Make<'w>>, name: &str, build: impl FnOnce() -> Result<Case> + 'w) {
    cases.push(Make { name: name.into(), build: Box::new(build) });
}

/// A limiter that nothing asks the compiler to inline.
fn minmod(a: f64, b: f64) -> f64 {
    if a * b <= 0.0 {
        0.0
    } else if a.abs() < b.abs() {
        a
    } else {
        b
    }
}

pub fn all(world: &World) -> Vec<Make<'_>> {
    let mut cases = Vec::new();
    let cube = [48, 48, 64];
    let square = [128, 256];

    add(&mut cases, "heat, 7 points, f64, advance", move || {
        steps::<f64, 3, 1>(
            world,
            cube,
            1,
            |_, index| wavy(index),
            |_, [u], _| {
                let heat = star_stencil::<f64, 3, 1>(rule!(|u| {
                    let around =
                        u.at::<-1, 0, 0>() + u.at::<1, 0, 0>() + u.at::<0, -1, 0>() + u.at::<0, 1, 0>();
                    u.center() + 0.1 * (around + u.at::<0, 0, -1>() + u.at::<0, 0, 1>() - 6.0 * u.center())
                }));
                u.advance(&heat, STEPS)
            },
            |places, row, [now], [next]| hand::heat7(row, places, now, row.of_mut(next)),
        )
    });
    add(&mut cases, "heat, 25 points, f32, advance", move || {
        let laplacian = operators::laplacian::<f32, 3, 4>([1.0; 3])?;
        steps::<f32, 3, 1>(
            world,
            cube,
            4,
            |_, index| wavy(index),
            move |_, [u], _| {
                u.advance(&star_stencil::<f32, 3, 4>(rule!(|u| u.center() + 0.05 * laplacian(u))), STEPS)
            },
            |places, row, [now], [next]| hand::heat25(row, places, now, row.of_mut(next)),
        )
    });
    add(&mut cases, "box, 27 points, f64, advance", move || {
        steps::<f64, 3, 1>(
            world,
            cube,
            1,
            |_, index| wavy(index),
            |_, [u], _| {
                let mean = stencil::<f64, 3, 1>(rule!(|u| {
                    let mut sums = [0.0; 3];
                    macro_rules! plane {
                        ($z:literal) => {
                            [
                                u.at::<$z, 0, 0>(),
                                u.at::<$z, -1, 0>()
                                    + u.at::<$z, 1, 0>()
                                    + u.at::<$z, 0, -1>()
                                    + u.at::<$z, 0, 1>(),
                                u.at::<$z, -1, -1>()
                                    + u.at::<$z, -1, 1>()
                                    + u.at::<$z, 1, -1>()
                                    + u.at::<$z, 1, 1>(),
                            ]
                        };
                    }
                    for (sum, (low, high)) in sums.iter_mut().zip(plane!(-1).into_iter().zip(plane!(1))) {
                        *sum = low + high;
                    }
                    let [center, edges, corners] = plane!(0);
                    hand::BOX[0] * center
                        + hand::BOX[1] * (edges + sums[0])
                        + hand::BOX[2] * (corners + sums[1])
                        + hand::BOX[3] * sums[2]
                }));
                u.advance(&mean, STEPS)
            },
            |places, row, [now], [next]| hand::box27(row, places, now, row.of_mut(next)),
        )
    });
    add(&mut cases, "wave, order 8, f32, leapfrog", move || {
        let laplacian = operators::laplacian::<f32, 3, 4>([1.0; 3])?;
        steps::<f32, 3, 1>(
            world,
            cube,
            4,
            |_, index| wavy(index),
            move |grid, [u], [before]| {
                grid.leapfrog(
                    u.star_evolving::<4>().with_previous(before),
                    (),
                    STEPS,
                    rule!(|before, u, ()| 2.0 * u.center() - before + 0.1 * laplacian(u)),
                )
            },
            |places, row, [now], [next]| hand::wave25(row, places, now, row.of_mut(next)),
        )
    });
    add(&mut cases, "Gray-Scott, f64, evolve", move || gray_scott(world, cube, true));
    add(&mut cases, "Gray-Scott, f64, evolve, no rule!", move || gray_scott(world, cube, false));
    add(&mut cases, "shallow water, HLL, f64, evolve", move || {
        type In<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
        steps::<f64, 2, 3>(
            world,
            square,
            1,
            |k, index| if k == 0 { 1.0 + 0.1 * wavy(index) } else { 0.05 * wavy(index) },
            |grid, [h, p, q], _| {
                grid.evolve(
                    (h.star_evolving::<1>(), p.star_evolving::<1>(), q.star_evolving::<1>()),
                    (),
                    STEPS,
                    rule!(|(h, p, q): In<'_>, ()| {
                        macro_rules! water {
                            ($y:literal, $x:literal) => {
                                [h.at::<$y, $x>(), p.at::<$y, $x>(), q.at::<$y, $x>()]
                            };
                        }
                        Water::step(water!(0, 0), [water!(-1, 0), water!(1, 0), water!(0, -1), water!(0, 1)])
                            .into()
                    }),
                )
            },
            |places, row, now, next| hand::water(row, places, now, next),
        )
    });
    add(&mut cases, "Euler, HLLC, f64, evolve", move || {
        type One<'a> = StarPoint<'a, f64, 2, 1>;
        steps::<f64, 2, 4>(
            world,
            square,
            1,
            |k, index| [1.0, 0.1, 0.1, 2.5][k] + 0.05 * wavy(index),
            |grid, [r, p, q, e], _| {
                grid.evolve(
                    (
                        r.star_evolving::<1>(),
                        p.star_evolving::<1>(),
                        q.star_evolving::<1>(),
                        e.star_evolving::<1>(),
                    ),
                    (),
                    STEPS,
                    rule!(|(r, p, q, e): (One<'_>, One<'_>, One<'_>, One<'_>), ()| {
                        macro_rules! gas {
                            ($y:literal, $x:literal) => {
                                [r.at::<$y, $x>(), p.at::<$y, $x>(), q.at::<$y, $x>(), e.at::<$y, $x>()]
                            };
                        }
                        Euler::step(gas!(0, 0), [gas!(-1, 0), gas!(1, 0), gas!(0, -1), gas!(0, 1)]).into()
                    }),
                )
            },
            |places, row, now, next| hand::euler(row, places, now, next),
        )
    });
    add(&mut cases, "lattice Boltzmann, D2Q9, f64, evolve", move || {
        type Nine<'a> = [Point<'a, f64, 2, 1>; 9];
        steps::<f64, 2, 9>(
            world,
            square,
            1,
            |k, index| physics::WEIGHTS[k] * (1.0 + 0.01 * wavy(index)),
            |grid, f, _| {
                grid.evolve(
                    f.each_mut().map(|f| f.evolving::<1>()),
                    (),
                    STEPS,
                    rule!(|f: Nine<'_>, ()| {
                        physics::collide([
                            f[0].center(),
                            f[1].at::<0, -1>(),
                            f[2].at::<0, 1>(),
                            f[3].at::<-1, 0>(),
                            f[4].at::<1, 0>(),
                            f[5].at::<-1, -1>(),
                            f[6].at::<1, 1>(),
                            f[7].at::<1, -1>(),
                            f[8].at::<-1, 1>(),
                        ])
                    }),
                )
            },
            |places, row, now, next| hand::boltzmann(row, places, now, next),
        )
    });
    add(&mut cases, "Maxwell, Yee, f64, alternate", move || {
        type Magnetic<'a> = (StarPoint<'a, f64, 2, 1>, StarPoint<'a, f64, 2, 1>);
        whole_steps::<f64, 2, 3>(
            world,
            square,
            1,
            |_, index| 0.1 * wavy(index),
            |grid, [hy, hx, e], _| {
                grid.alternate(
                    (hy.star_evolving::<1>(), hx.star_evolving::<1>()),
                    e.star_evolving::<1>(),
                    (),
                    STEPS,
                    rule!(|(hy, hx): (f64, f64), e: StarPoint<'_, f64, 2, 1>, ()| {
                        (hy + 0.4 * (e.at::<0, 1>() - e.center()), hx - 0.4 * (e.at::<1, 0>() - e.center()))
                    }),
                    rule!(|e: f64, (hy, hx): Magnetic<'_>, ()| {
                        e + 0.4 * ((hy.center() - hy.at::<0, -1>()) - (hx.center() - hx.at::<-1, 0>()))
                    }),
                )
            },
            |places, rows, now, _| hand::yee(rows, places, now),
        )
    });
    add(&mut cases, "40 operations, f64, evolve", move || {
        steps::<f64, 2, 1>(
            world,
            square,
            0,
            |_, index| 0.5 * wavy(index),
            |grid, [u], _| {
                grid.evolve(
                    u.star_evolving::<0>(),
                    (),
                    STEPS,
                    rule!(|u: StarPoint<'_, f64, 2, 0>, ()| physics::polynomial(u.center())),
                )
            },
            |_, row, [now], [next]| hand::polynomials(row.of(now, 0), row.of_mut(next)),
        )
    });
    add(&mut cases, "a rule in a variable, used twice, f64", move || {
        steps::<f64, 2, 1>(
            world,
            square,
            1,
            |_, index| wavy(index),
            |grid, [u], _| {
                rule!(let smooth = |u: StarPoint<'_, f64, 2, 1>, ()| {
                    let around = u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>();
                    u.center() + 0.1 * (around - 4.0 * u.center())
                });
                grid.evolve(u.star_evolving::<1>(), (), STEPS - 1, smooth)?;
                grid.evolve(u.star_evolving::<1>(), (), 1, smooth)
            },
            |places, row, [now], [next]| hand::smooth(row, places, now, row.of_mut(next)),
        )
    });
    add(&mut cases, "a rule that calls a plain fn, f64", move || {
        steps::<f64, 2, 1>(
            world,
            square,
            2,
            |_, index| wavy(index),
            |grid, [u], _| {
                grid.evolve(
                    u.star_evolving::<2>(),
                    (),
                    STEPS,
                    rule!(|u: StarPoint<'_, f64, 2, 2>, ()| {
                        let [a, b, c, d] = [u.at::<0, -2>(), u.at::<0, -1>(), u.center(), u.at::<0, 1>()];
                        let low = b + 0.5 * minmod(b - a, c - b);
                        let high = c + 0.5 * minmod(c - b, d - c);
                        c - 0.1 * (high - low)
                    }),
                )
            },
            |_, row, [now], [next]| hand::limited(row, now, row.of_mut(next)),
        )
    });
    cases
}

fn gray_scott(world: &World, cube: [usize; 3], inlined: bool) -> Result<Case> {
    type In<'a> = (StarPoint<'a, f64, 3, 1>, StarPoint<'a, f64, 3, 1>);
    /// The rule over points, with or without the macro.
    macro_rules! body {
        ($u:ident, $v:ident) => {{
            let around = |w: &StarPoint<'_, f64, 3, 1>| {
                let plane = w.at::<0, -1, 0>() + w.at::<0, 1, 0>() + w.at::<0, 0, -1>() + w.at::<0, 0, 1>();
                w.at::<-1, 0, 0>() + w.at::<1, 0, 0>() + plane
            };
            physics::reaction([$u.center(), $v.center()], [around(&$u), around(&$v)]).into()
        }};
    }
    steps::<f64, 3, 2>(
        world,
        cube,
        1,
        |k, index| if k == 0 { 0.6 + 0.1 * wavy(index) } else { 0.2 + 0.1 * wavy(index) },
        move |grid, [u, v], _| {
            let fields = (u.star_evolving::<1>(), v.star_evolving::<1>());
            if inlined {
                grid.evolve(fields, (), STEPS, rule!(|(u, v): In<'_>, ()| body!(u, v)))
            } else {
                grid.evolve(fields, (), STEPS, |(u, v): In<'_>, ()| body!(u, v))
            }
        },
        |places, row, now, next| hand::gray_scott(row, places, now, next),
    )
}
