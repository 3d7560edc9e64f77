//! Rules of solvers, through the stepping functions of a grid.

use std::cell::RefCell;
use std::rc::Rc;

use num_traits::Float;
use parhelion::kernels::{Element, operators};
use parhelion::prelude::*;
use parhelion::stepping::Blocking;
use parhelion::{Result, rule};

use crate::byhand::{self as hand, Euler, Water};
use crate::case::{Case, Make};

/// Steps of one call.
const STEPS: usize = 4;

/// In the names of rules that are closures without the macro `rule!`, whose speed is not promised.
pub const WITHOUT_MACRO: &str = "no rule!";

/// Places of cells in an array without padding, with its halo.
#[derive(Clone, Copy)]
pub struct Places<const N: usize> {
    halo: usize,
    /// Cells with halo.
    padded: [usize; N],
}

impl<const N: usize> Places<N> {
    fn new(shape: [usize; N], halo: usize) -> Self {
        Self { halo, padded: shape.map(|n| n + 2 * halo) }
    }

    fn of(&self, index: [isize; N]) -> usize {
        (0..N).fold(0, |place, a| place * self.padded[a] + index[a].strict_add(self.halo as isize) as usize)
    }

    /// Distance of a neighbor along `axis`.
    pub fn stride(&self, axis: usize) -> usize {
        self.padded[axis + 1..].iter().product()
    }
}

/// A row of cells: where it begins in every array, and how long it is.
#[derive(Clone, Copy)]
pub struct Row {
    pub at: usize,
    pub len: usize,
}

impl Row {
    /// The cells `distance` farther on.
    pub fn of<'u, T>(&self, array: &'u [T], distance: isize) -> &'u [T] {
        &array[self.at.strict_add_signed(distance)..][..self.len]
    }

    pub fn of_mut<'u, T>(&self, array: &'u mut [T]) -> &'u mut [T] {
        &mut array[self.at..][..self.len]
    }
}

/// The case of a rule that advances `K` arrays by [`STEPS`] steps a call. `row(places, row, now,
/// next)` is one row by hand; `next` holds the values one step before `now`.
fn steps<T: Element + Float, const N: usize, const K: usize>(
    world: &World,
    shape: [usize; N],
    radius: usize,
    initial: impl Fn(usize, [isize; N]) -> f64 + Sync,
    mut ours: impl FnMut(&Grid<N>, &mut [Field<T, N>; K], &mut [Field<T, N>; K]) -> Result<()> + 'static,
    row: impl Fn(Places<N>, Row, &[Vec<T>; K], &mut [Vec<T>; K]) + 'static,
) -> Result<Case> {
    let grid = Grid::builder(shape).halo(radius).build(world)?;
    let places = Places::new(shape, radius);
    let cells = Region::from_shape(shape);
    let value = |k: usize, index: [isize; N]| T::from(initial(k, index)).expect("a number");
    let field = |k: usize| {
        let mut field = grid.field::<T>(&format!("u{k}"));
        field.fill_indexed(|index| value(k, index.map(|i| i as isize)));
        field.set_blocking(Some(Blocking::PLAIN));
        field
    };
    let (now, before) = (std::array::from_fn(field), std::array::from_fn(field));
    let flat = |k: usize| {
        let mut flat = Vec::new();
        flat.extend(cells.grown([[radius; 2]; N]).indices().map(|index| value(k, index)));
        flat
    };
    let now_flat: [Vec<T>; K] = std::array::from_fn(flat);
    let state = Rc::new(RefCell::new((now, before)));
    let by_hand = Rc::new(RefCell::new((now_flat.clone(), now_flat)));
    let (mine, theirs) = (state.clone(), by_hand.clone());
    Ok(Case {
        cells: cells.len() * STEPS,
        ours: Box::new(move || {
            let (now, before) = &mut *mine.borrow_mut();
            ours(&grid, now, before)
        }),
        by_hand: Box::new(move || {
            let (now, next) = &mut *theirs.borrow_mut();
            for _ in 0..STEPS {
                for (first, len) in cells.rows() {
                    row(places, Row { at: places.of(first), len }, now, next);
                }
                std::mem::swap(now, next);
            }
        }),
        difference: Box::new(move || {
            // The loop by hand does nothing about walls.
            let inner = cells.shrunk([[STEPS * radius; 2]; N]);
            assert!(!inner.is_empty(), "the block is too thin to compare");
            let (fields, flat) = (state.borrow(), by_hand.borrow());
            let (mut largest, mut difference) = (0.0_f64, 0.0_f64);
            for (field, flat) in fields.0.iter().zip(&flat.0) {
                for index in inner.indices() {
                    let by_hand = flat[places.of(index)].to_f64().expect("a number");
                    let ours = field.view().get(index).to_f64().expect("a number");
                    largest = largest.max(by_hand.abs());
                    difference = difference.max((ours - by_hand).abs());
                }
            }
            difference / largest
        }),
        tolerance: 1e3 * T::epsilon().to_f64().expect("a number"),
    })
}

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
                    rule!(|u: StarPoint<'_, f64, 2, 0>, ()| hand::polynomial(u.center())),
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
            hand::reaction([$u.center(), $v.center()], [around(&$u), around(&$v)]).into()
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
