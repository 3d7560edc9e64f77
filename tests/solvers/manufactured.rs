//! Manufactured solutions: order 2 in the largest error for every kind of wall and coefficient.

use std::f64::consts::TAU;

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Krylov, LinearOperator, Mean, Multigrid};
use parhelion::testing::on_ranks;

/// The walls of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Periodic,
    Fixed,
    Free,
    FixedFree,
}
use Ends::{Fixed, FixedFree, Free, Periodic};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Beta {
    Constant,
    AtFaces,
    Cells(Mean),
    Nodes(Mean),
}

/// Value, slope and curvature along one axis, where `x` runs from 0 to 1.
fn factor(ends: Ends, x: f64) -> [f64; 3] {
    if ends == Periodic {
        let (s, c) = (TAU * x + 0.3).sin_cos();
        return [1.5 + s, TAU * c, -TAU * TAU * s];
    }
    let (s, c) = (2.0 * x + 0.4).sin_cos();
    [1.2 * s + x * x, 2.4 * c + 2.0 * x, 2.0 - 4.8 * s]
}

/// A problem on `N` axes of these lengths.
#[derive(Clone, Copy, Debug)]
struct Problem<const N: usize> {
    ends: [Ends; N],
    lengths: [f64; N],
    beta: Beta,
    alpha: f64,
    at: Centering,
}

impl<const N: usize> Problem<N> {
    fn factors(&self, x: [f64; N]) -> [[f64; 3]; N] {
        std::array::from_fn(|a| {
            let [value, slope, curvature] = factor(self.ends[a], x[a] / self.lengths[a]);
            [value, slope / self.lengths[a], curvature / self.lengths[a].powi(2)]
        })
    }

    fn value(&self, x: [f64; N]) -> f64 {
        self.factors(x).iter().map(|factor| factor[0]).product()
    }

    /// The product of all factors, that of axis `a` in its `order`-th derivative.
    fn derivative(&self, x: [f64; N], a: usize, order: usize) -> f64 {
        let factors = self.factors(x);
        (0..N).map(|b| factors[b][if a == b { order } else { 0 }]).product()
    }

    /// β and its gradient; periodic along all axes.
    fn coefficient(&self, x: [f64; N]) -> (f64, [f64; N]) {
        if self.beta == Beta::Constant {
            return (1.7, [0.0; N]);
        }
        let waves = std::array::from_fn::<_, N, _>(|a| TAU / self.lengths[a]);
        let beta = 2.0 + (0..N).map(|a| 0.3 * (waves[a] * x[a] + a as f64).sin()).sum::<f64>();
        (beta, std::array::from_fn(|a| 0.3 * waves[a] * (waves[a] * x[a] + a as f64).cos()))
    }

    fn right_hand_side(&self, x: [f64; N]) -> f64 {
        let (beta, gradient) = self.coefficient(x);
        let flux: f64 =
            (0..N).map(|a| beta * self.derivative(x, a, 2) + gradient[a] * self.derivative(x, a, 1)).sum();
        self.alpha * self.value(x) - flux
    }

    fn singular(&self) -> bool {
        self.alpha == 0.0 && self.ends.iter().all(|end| matches!(end, Periodic | Free))
    }

    /// The largest error on `cells`.
    fn error(&self, world: &World, cells: [usize; N]) -> parhelion::Result<f64> {
        let problem = *self;
        let periodic = self.ends.map(|end| end == Periodic);
        let grid = Grid::builder(cells).extent(self.lengths).periodic(periodic).build(world)?;
        let where_beta = if let Beta::Nodes(_) = self.beta { Centering::Node } else { Centering::Cell };
        let mut beta = grid.field_builder::<f64>("beta").centering(where_beta).build()?;
        beta.fill_with(|x| problem.coefficient(x).0);
        let mut builder = Elliptic::builder(&grid).centering(self.at).shift(self.alpha);
        builder = match self.beta {
            Beta::Constant => builder.coefficient(1.7),
            Beta::AtFaces => builder.coefficient_at(move |x| problem.coefficient(x).0),
            Beta::Cells(mean) | Beta::Nodes(mean) => builder.coefficient_of(&beta, mean),
        };
        for face in Face::all::<N>().filter(|face| !periodic[face.axis]) {
            let fixed = match self.ends[face.axis] {
                FixedFree => !face.high,
                ends => ends == Fixed,
            };
            let outward = if face.high { 1.0 } else { -1.0 };
            let slope = move |x| outward * problem.derivative(x, face.axis, 1);
            let wall = if fixed {
                Boundary::dirichlet_at(move |x| problem.value(x))
            } else {
                Boundary::neumann_at(slope)
            };
            builder = builder.wall(face, wall);
        }
        let operator = builder.build()?;
        assert_eq!(operator.is_singular(), self.singular());
        let (mut b, mut u, mut error) = (operator.vector("b"), operator.vector("u"), operator.vector("e"));
        b.fill_with(|x| problem.right_hand_side(x));
        operator.add_walls(&mut b)?;
        let mut multigrid = Multigrid::<f64, N>::new(&operator)?;
        // Rounding stays far below the smallest errors, of about 1e-4.
        let outcome = Krylov::cg().tolerance(1e-11).solve(&operator, &mut multigrid, &b, &mut u)?;
        assert!(
            outcome.converged() && outcome.iterations() < 40,
            "{:?} {:?} {outcome}",
            self.ends,
            self.beta
        );
        error.fill_with(|x| problem.value(x));
        error.zip_mut_with(&u, |exact, &u| *exact = u - *exact)?;
        if self.singular() {
            let mean = error.mean();
            error.map_inplace(|e| *e -= mean);
        }
        Ok(error.norm_max())
    }

    /// On grids this coarse it may seem to be more than 2, where two parts of the error have
    /// opposite signs.
    fn check_order(&self, world: &World, cells: [usize; N]) -> parhelion::Result<()> {
        let [coarse, fine] = [1, 2].map(|times| self.error(world, cells.map(|n| n * times)));
        let order = (coarse? / fine?).log2();
        assert!(order > 1.8, "{self:?}: order {order}");
        Ok(())
    }
}

const AT_CELLS: [Beta; 4] =
    [Beta::Constant, Beta::AtFaces, Beta::Cells(Mean::Harmonic), Beta::Cells(Mean::Arithmetic)];

const AT_NODES: [Beta; 5] = [
    Beta::Constant,
    Beta::AtFaces,
    Beta::Cells(Mean::Arithmetic),
    Beta::Nodes(Mean::Harmonic),
    Beta::Nodes(Mean::Arithmetic),
];

/// Both kinds of unknowns, each with its kinds of coefficients.
fn kinds() -> impl Iterator<Item = (Centering, Beta)> {
    let cells = AT_CELLS.into_iter().map(|beta| (Centering::Cell, beta));
    cells.chain(AT_NODES.into_iter().map(|beta| (Centering::Node, beta)))
}

#[test]
fn order_two_on_one_axis() {
    on_ranks([1, 3], |world| {
        for end in [Periodic, Fixed, Free, FixedFree] {
            for (at, beta) in kinds() {
                for alpha in [0.0, 2.5] {
                    Problem { ends: [end], lengths: [1.3], beta, alpha, at }.check_order(world, [40])?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn order_two_on_two_axes() {
    on_ranks([1, 4], |world| {
        let all =
            [[Fixed, Free], [Periodic, FixedFree], [FixedFree, Fixed], [Free, Free], [Periodic, Periodic]];
        for ends in all {
            for (at, beta) in kinds() {
                for alpha in [0.0, 1.0] {
                    Problem { ends, lengths: [1.0, 0.6], beta, alpha, at }.check_order(world, [30, 36])?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn order_two_on_three_axes() {
    on_ranks([2], |world| {
        for (at, ends, beta) in [
            (Centering::Cell, [Fixed, FixedFree, Periodic], Beta::Constant),
            (Centering::Cell, [Free, Fixed, FixedFree], Beta::Cells(Mean::Harmonic)),
            (Centering::Cell, [Periodic, Periodic, Free], Beta::AtFaces),
            (Centering::Node, [Fixed, FixedFree, Periodic], Beta::Constant),
            (Centering::Node, [Free, Fixed, FixedFree], Beta::Nodes(Mean::Harmonic)),
            (Centering::Node, [Free, Fixed, FixedFree], Beta::Cells(Mean::Arithmetic)),
            (Centering::Node, [Periodic, Periodic, Free], Beta::AtFaces),
        ] {
            Problem { ends, lengths: [1.0, 1.5, 0.7], beta, alpha: 0.0, at }
                .check_order(world, [16, 20, 14])?;
        }
        Ok(())
    });
}

/// A coefficient that jumps: the flux is continuous across the interface, so the solution is
/// piecewise linear and, with the harmonic mean, exact up to rounding.
#[test]
fn two_layers_are_solved_exactly() {
    on_ranks([1, 2], |world| {
        two_layers(world, Centering::Cell, Mean::Harmonic)?;
        // The interface is a row of nodes.
        two_layers(world, Centering::Node, Mean::Arithmetic)
    });
}

fn two_layers(world: &World, at: Centering, mean: Mean) -> parhelion::Result<()> {
    let grid = Grid::builder([20, 6]).extent([1.0, 1.0]).build(world)?;
    let mut beta = grid.field::<f64>("beta");
    beta.fill_with(|[y, _]| if y < 0.5 { 1.0 } else { 1e6 });
    let walls = Elliptic::builder(&grid).centering(at).coefficient_of(&beta, mean);
    let walls =
        walls.wall(Face::low(0), Boundary::Dirichlet(0.0)).wall(Face::high(0), Boundary::Dirichlet(1.0));
    let operator = walls.build()?;
    let (mut b, mut u, mut error) = (operator.vector("b"), operator.vector("u"), operator.vector("e"));
    operator.add_walls(&mut b)?;
    let mut multigrid = Multigrid::<f64, 2>::new(&operator)?;
    let outcome = Krylov::cg().tolerance(1e-13).solve(&operator, &mut multigrid, &b, &mut u)?;
    assert!(outcome.converged(), "{outcome}");
    // u(½) = s with flux s/½ = 1e6 (1 − s)/½
    let s = 1e6 / (1.0 + 1e6);
    error.fill_with(|[y, _]| if y < 0.5 { 2.0 * y * s } else { s + (2.0 * y - 1.0) * (1.0 - s) });
    error.zip_mut_with(&u, |exact, &u| *exact = u - *exact)?;
    assert!(error.norm_max() < 1e-9, "{at:?}: {}", error.norm_max());
    Ok(())
}
