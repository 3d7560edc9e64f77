//! SciPy's direct solver on matrices assembled in Python, as an oracle.

use ndarray::ArrayD;
use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Mean};
use parhelion::testing::RankTest;

use crate::python;

/// The problem that the scripts in `tests/python` assemble again from this description.
const SHAPE: [usize; 3] = [7, 9, 6];
const LENGTHS: [f64; 3] = [1.0, 2.0, 0.5];

fn beta([z, y, x]: [usize; 3]) -> f64 {
    1.0 + ((3 * z + 5 * y + 7 * x) % 11) as f64 * if (z + y) % 3 == 0 { 100.0 } else { 1.0 }
}

fn alpha([z, _, x]: [usize; 3]) -> f64 {
    0.25 * (z + 2 * x) as f64
}

fn right([z, y, x]: [usize; 3]) -> f64 {
    ((z * 31 + y * 17 + x * 7) % 23) as f64 - 11.0
}

#[test]
fn solutions_agree_with_scipy() {
    compare(Centering::Cell, "elliptic_solution.txt", "elliptic_scipy.py");
}

#[test]
fn solutions_at_nodes_agree_with_scipy() {
    compare(Centering::Node, "elliptic_nodes_solution.txt", "elliptic_nodes_scipy.py");
}

fn compare(at: Centering, file: &str, script: &str) {
    let inside = std::env::var_os("PARHELION_TEST_BODY").is_some();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let python = if inside { None } else { python::with(&["scipy", "numpy"]) };
    if !inside && python.is_none() {
        return;
    }
    RankTest::new(1).on([(3, 1)], |world| {
        let grid = Grid::builder(SHAPE).extent(LENGTHS).periodic([false, false, true]).build(world)?;
        let field = |name: &str| grid.field_builder::<f64>(name).centering(at).build();
        let (mut b, mut a, mut f) = (field("b")?, field("a")?, field("f")?);
        b.fill_indexed(beta);
        a.fill_indexed(alpha);
        f.fill_indexed(right);
        let (u, outcome) = Elliptic::builder(&grid)
            .centering(at)
            .coefficient_of(&b, Mean::Harmonic)
            .shift_of(&a)
            .wall(Face::low(0), Boundary::Dirichlet(2.0))
            .wall(Face::high(0), Boundary::Neumann(-1.5))
            .wall(Face::low(1), Boundary::dirichlet_at(|[z, _, x]| z + 3.0 * x))
            .solve(&f, 1e-13)?;
        assert!(outcome.converged(), "{outcome}");
        if let Some(values) = u.gather(0)? {
            let values: ArrayD<f64> = values.into_dyn();
            let text: Vec<String> = values.iter().map(|value| format!("{value:e}")).collect();
            std::fs::write(&file, text.join("\n"))?;
        }
        Ok(())
    });
    if let Some(python) = python {
        let text = python.run(script, [&file]);
        let difference: f64 = text.trim().parse().expect("the script prints a number");
        // A residual of 1e-13 and a condition of some 1e4.
        assert!(difference < 1e-9, "the solutions differ by {difference:e}, relative to the largest value");
    }
}
