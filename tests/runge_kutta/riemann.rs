//! Riemann problems of gas dynamics against their exact solutions: E. F. Toro, Riemann Solvers and
//! Numerical Methods for Fluid Dynamics, chapter 4.

use parhelion::Result;
use parhelion::prelude::*;
use parhelion::stepping::Scheme;
use parhelion::testing::on_ranks_and_threads;

use crate::euler::{self, GAMMA};

/// Density, velocity and pressure.
type State = [f64; 3];

struct Problem {
    name: &'static str,
    left: State,
    right: State,
    /// The place of the jump at the start.
    jump: f64,
    end: f64,
    /// Pressure and velocity between the waves: Toro's tables 4.3 and 10.1.
    star: Option<[f64; 2]>,
    /// Largest mean error of the density on 200 cells.
    error: f64,
}

const PROBLEMS: [Problem; 7] = [
    Problem {
        name: "Sod",
        left: [1.0, 0.0, 1.0],
        right: [0.125, 0.0, 0.1],
        jump: 0.5,
        end: 0.2,
        star: Some([0.3031301780506469, 0.92745262004895]),
        error: 0.0035,
    },
    Problem {
        name: "Lax",
        left: [0.445, 0.698, 3.528],
        right: [0.5, 0.0, 0.571],
        jump: 0.5,
        end: 0.14,
        star: Some([2.466097919207357, 1.528723026632884]),
        error: 0.015,
    },
    Problem {
        name: "Toro 1",
        left: [1.0, 0.75, 1.0],
        right: [0.125, 0.0, 0.1],
        jump: 0.3,
        end: 0.2,
        star: None,
        error: 0.0045,
    },
    Problem {
        name: "Toro 2",
        left: [1.0, -2.0, 0.4],
        right: [1.0, 2.0, 0.4],
        jump: 0.5,
        end: 0.15,
        star: Some([0.00189, 0.0]),
        error: 0.005,
    },
    Problem {
        name: "Toro 3",
        left: [1.0, 0.0, 1000.0],
        right: [1.0, 0.0, 0.01],
        jump: 0.5,
        end: 0.012,
        star: Some([460.894, 19.5975]),
        error: 0.11,
    },
    Problem {
        name: "Toro 4",
        left: [5.99924, 19.5975, 460.894],
        right: [5.99242, -6.19633, 46.0950],
        jump: 0.4,
        end: 0.035,
        star: Some([1691.64, 8.68975]),
        error: 0.25,
    },
    Problem {
        name: "Toro 5",
        left: [1.0, -19.59745, 1000.0],
        right: [1.0, -19.59745, 0.01],
        jump: 0.8,
        end: 0.012,
        star: Some([460.894, 0.0]),
        error: 0.11,
    },
];

fn sound([rho, _, p]: State) -> f64 {
    (GAMMA * p / rho).sqrt()
}

impl Problem {
    /// The change of velocity across the wave on one side, for a pressure behind it.
    fn change(state: State, p: f64) -> f64 {
        let [rho, _, before] = state;
        if p > before {
            let (a, b) = (2.0 / ((GAMMA + 1.0) * rho), (GAMMA - 1.0) / (GAMMA + 1.0) * before);
            (p - before) * (a / (p + b)).sqrt()
        } else {
            2.0 * sound(state) / (GAMMA - 1.0) * ((p / before).powf((GAMMA - 1.0) / (2.0 * GAMMA)) - 1.0)
        }
    }

    /// Pressure and velocity between the waves, by bisection.
    fn exact_star(&self) -> [f64; 2] {
        let velocity =
            |p| [self.left[1] - Self::change(self.left, p), self.right[1] + Self::change(self.right, p)];
        let (mut low, mut high) = (1e-10_f64, 1e6_f64);
        for _ in 0..200 {
            let p = (low * high).sqrt();
            let [from_left, from_right] = velocity(p);
            if from_left > from_right { low = p } else { high = p }
        }
        let [from_left, from_right] = velocity(low);
        [low, 0.5 * (from_left + from_right)]
    }

    /// The density at `speed` = (x − jump) / t.
    fn exact_density(&self, [p, u]: [f64; 2], speed: f64) -> f64 {
        // Mirrored, so that the wave to be looked at moves to the left.
        let (state, side) = if speed < u { (self.left, 1.0) } else { (self.right, -1.0) };
        let ([rho, v, before], speed, u) = ([state[0], side * state[1], state[2]], side * speed, side * u);
        let ratio = (GAMMA - 1.0) / (GAMMA + 1.0);
        if p > before {
            let shock = v - sound(state) * ((p / before + ratio) / (1.0 + ratio)).sqrt();
            return if speed < shock { rho } else { rho * (p / before + ratio) / (ratio * p / before + 1.0) };
        }
        let behind = rho * (p / before).powf(1.0 / GAMMA);
        if speed < v - sound(state) {
            rho
        } else if speed > u - (GAMMA * p / behind).sqrt() {
            behind
        } else {
            rho * (2.0 / (GAMMA + 1.0) + ratio / sound(state) * (v - speed)).powf(2.0 / (GAMMA - 1.0))
        }
    }

    /// Solves the problem along `axis`.
    fn solve(&self, world: &World, axis: usize, cells: usize) -> Result<(Grid<2>, [Field<f64, 2>; 4])> {
        let (mut shape, mut extent, mut periodic) = ([8; 2], [8.0 / cells as f64; 2], [true; 2]);
        (shape[axis], extent[axis], periodic[axis]) = (cells, 1.0, false);
        let grid = Grid::builder(shape).extent(extent).periodic(periodic).halo(2).build(world)?;
        let mut u = euler::new(&grid, |place| {
            let [rho, v, p] = if place[axis] < self.jump { self.left } else { self.right };
            if axis == 0 { [rho, v, 0.0, p] } else { [rho, 0.0, v, p] }
        });
        euler::run(&grid, &mut u, Scheme::SspRk3, 0.8, self.end)?;
        Ok((grid, u))
    }

    /// The mean error of the density along axis 0.
    fn error(&self, world: &World, cells: usize) -> Result<f64> {
        let (grid, [mut rho, ..]) = self.solve(world, 0, cells)?;
        let (mut exact, star) = (grid.field::<f64>("exact"), self.exact_star());
        exact.fill_with(|[x, _]| self.exact_density(star, (x - self.jump) / self.end));
        rho.zip_mut_with(&exact, |rho, exact| *rho -= exact)?;
        Ok(rho.norm_l1() / (8 * cells) as f64)
    }
}

#[test]
fn the_exact_solver_agrees_with_published_values() {
    let stored: serde_json::Value =
        serde_json::from_str(include_str!("../reference/riemann_exact.json")).expect("valid JSON");
    for (problem, name) in PROBLEMS.iter().zip(["Sod(Toro1 classic)", "Lax"]) {
        for (found, key) in problem.exact_star().into_iter().zip(["p_star", "u_star"]) {
            let stored = stored[name][key].as_f64().expect("a number");
            // Both solvers iterate to rounding.
            assert!((found - stored).abs() < 1e-12 * stored.abs().max(1.0), "{name}: {found}, {stored}");
        }
    }
    for problem in PROBLEMS {
        for (found, published) in problem.exact_star().into_iter().zip(problem.star.into_iter().flatten()) {
            // Toro gives six digits.
            let tolerance = 1e-5 * published.abs().max(1.0);
            assert!((found - published).abs() < tolerance, "{}: {found}, {published}", problem.name);
        }
    }
}

#[test]
fn errors_fall_with_the_size_of_cells() {
    on_ranks_and_threads([(1, 2)], |world| {
        for problem in PROBLEMS {
            let (coarse, fine) = (problem.error(world, 200)?, problem.error(world, 400)?);
            if world.rank() == 0 {
                println!("{}: {coarse:.5} {fine:.5}", problem.name);
            }
            assert!(coarse < problem.error, "{}: error {coarse}", problem.name);
            // Shocks and rarefactions converge with the first order, contacts with the order 2/3: 1.6.
            assert!(coarse / fine > 1.5, "{}: errors {coarse}, {fine}", problem.name);
        }
        Ok(())
    });
}

/// The rule is written once: along both axes it gives the same bits.
#[test]
fn axes_are_alike() {
    on_ranks_and_threads([(1, 1), (2, 2)], |world| {
        let [along_0, along_1] = [0, 1].map(|axis| PROBLEMS[0].solve(world, axis, 60));
        let ((_, u), (_, v)) = (along_0?, along_1?);
        for k in 0..4 {
            let other = [0, 2, 1, 3][k];
            for i in 0..60 {
                let (a, b) = (u[k].probe([i, 3])?, v[other].probe([3, i])?);
                assert!(a == b, "component {k}, cell {i}: {a}, {b}");
            }
        }
        Ok(())
    });
}
