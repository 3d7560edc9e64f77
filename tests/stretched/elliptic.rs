//! Elliptic problems on cells that differ in width: order 2 on smooth mappings, a dense solve of
//! the equations written down again for random widths, and the same bits on any ranks × threads.

use std::f64::consts::PI;

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Krylov, LinearOperator, Mean, Multigrid, MultigridBuilder, Smoother};
use parhelion::testing::{on_ranks, same_on};

use crate::{noise, smooth};

/// Faces of cells whose widths differ by up to a factor of `ratio`, without a pattern.
fn random(cells: usize, seed: usize, ratio: f64) -> Vec<f64> {
    let width = |i: usize| ratio.powf(0.5 + noise([i, seed]));
    (0..=cells).map(|n| 0.3 + (0..n).map(width).sum::<f64>() / cells as f64).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Beta {
    Constant,
    At,
    Cells(Mean),
    Nodes(Mean),
}

/// With a coefficient that varies if it is not constant, and walls that give values and slopes
/// which are not 0; the last axis is periodic.
fn error(
    world: &World,
    n: usize,
    (at, beta): (Centering, Beta),
    fixed: [bool; 2],
    alpha: f64,
) -> parhelion::Result<f64> {
    let grid = Grid::builder([n, n]).mapping(0, smooth).mapping(1, |s| 2.0 * smooth(s));
    let grid = grid.periodic([false, true]).build(world)?;
    let exact = |[y, x]: [f64; 2]| (1.3 * y + 0.2).sin() * (2.0 + (PI * x).sin());
    let slope = |[y, x]: [f64; 2]| 1.3 * (1.3 * y + 0.2).cos() * (2.0 + (PI * x).sin());
    let coefficient =
        move |[y, x]: [f64; 2]| if beta == Beta::Constant { 1.0 } else { 1.5 + 0.5 * y * (PI * x).cos() };
    let right = |[y, x]: [f64; 2]| {
        let (sy, cy) = (1.3 * y + 0.2).sin_cos();
        let (sx, cx) = (PI * x).sin_cos();
        let laplacian = -1.69 * sy * (2.0 + sx) - PI * PI * sy * sx;
        let [by, bx] = if beta == Beta::Constant { [0.0; 2] } else { [0.5 * cx, -0.5 * PI * y * sx] };
        let flux = by * 1.3 * cy * (2.0 + sx) + bx * PI * sy * cx;
        alpha * sy * (2.0 + sx) - coefficient([y, x]) * laplacian - flux
    };
    let where_beta = if let Beta::Nodes(_) = beta { Centering::Node } else { Centering::Cell };
    let mut field = grid.field_builder::<f64>("beta").centering(where_beta).build()?;
    field.fill_with(coefficient);
    let mut problem = Elliptic::builder(&grid).centering(at).shift(alpha);
    problem = match beta {
        Beta::Constant => problem,
        Beta::At => problem.coefficient_at(coefficient),
        Beta::Cells(mean) | Beta::Nodes(mean) => problem.coefficient_of(&field, mean),
    };
    for (face, fixed) in [Face::low(0), Face::high(0)].into_iter().zip(fixed) {
        let outward = if face.high { 1.0 } else { -1.0 };
        problem = problem.wall(
            face,
            if fixed {
                Boundary::dirichlet_at(exact)
            } else {
                Boundary::neumann_at(move |x| outward * slope(x))
            },
        );
    }
    let point = |name: &str| grid.field_builder::<f64>(name).centering(at).build();
    let (mut f, mut error) = (point("f")?, point("error")?);
    f.fill_with(right);
    let (u, outcome) = problem.solve(&f, 1e-11)?;
    assert!(outcome.converged() && outcome.iterations() < 40, "{outcome}");
    error.fill_with(exact);
    error.zip_mut_with(&u, |exact, u| *exact = u - *exact)?;
    if alpha == 0.0 && fixed == [false; 2] {
        assert!(u.mean_by_volume().abs() < 1e-12, "{}", u.mean_by_volume());
        let mean = error.mean_by_volume();
        error.map_inplace(|e| *e -= mean);
    }
    Ok(error.norm_max())
}

#[test]
fn order_two_on_a_smooth_mapping() {
    on_ranks([1, 4], |world| {
        use Mean::{Arithmetic, Harmonic};
        let at_cells = [Beta::Constant, Beta::At, Beta::Cells(Harmonic), Beta::Cells(Arithmetic)];
        let at_nodes = [Beta::Constant, Beta::At, Beta::Cells(Arithmetic), Beta::Nodes(Harmonic)];
        let kinds = at_cells.map(|beta| (Centering::Cell, beta)).into_iter();
        for kind in kinds.chain(at_nodes.map(|beta| (Centering::Node, beta))) {
            for (fixed, alpha) in
                [([true, true], 0.0), ([true, false], 0.0), ([false, true], 1.5), ([false, false], 0.0)]
            {
                let (coarse, fine) =
                    (error(world, 32, kind, fixed, alpha)?, error(world, 64, kind, fixed, alpha)?);
                let order = (coarse / fine).log2();
                assert!(order > 1.8, "{kind:?} {fixed:?} {alpha}: errors {coarse}, {fine}, order {order}");
            }
        }
        Ok(())
    });
}

/// Gaussian elimination with pivots.
fn solve_dense(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| matrix[i][k].abs().total_cmp(&matrix[j][k].abs())).unwrap();
        matrix.swap(k, pivot);
        right.swap(k, pivot);
        for i in k + 1..n {
            let factor = matrix[i][k] / matrix[k][k];
            if factor != 0.0 {
                for j in k..n {
                    matrix[i][j] -= factor * matrix[k][j];
                }
                right[i] -= factor * right[k];
            }
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| matrix[k][j] * right[j]).sum();
        right[k] = (right[k] - known) / matrix[k][k];
    }
    right
}

const SHAPE: [usize; 3] = [5, 7, 6];

fn beta_of([k, j, i]: [usize; 3]) -> f64 {
    1.0 + ((3 * k + 5 * j + 7 * i) % 11) as f64 * if (k + j) % 3 == 0 { 40.0 } else { 1.0 }
}

fn alpha_of([k, _, i]: [usize; 3]) -> f64 {
    0.25 * (k + 2 * i) as f64
}

fn right_of([k, j, i]: [usize; 3]) -> f64 {
    ((k * 31 + j * 17 + i * 7) % 23) as f64 - 11.0
}

/// The balance of each cell of its own volume: fluxes through faces, a shift, what walls give.
fn balances(faces: &[Vec<f64>; 3]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let width = |a: usize, i: usize| faces[a][i + 1] - faces[a][i];
    let center = |a: usize, i: usize| 0.5 * (faces[a][i] + faces[a][i + 1]);
    let number = |[k, j, i]: [usize; 3]| (k * SHAPE[1] + j) * SHAPE[2] + i;
    let cells: Vec<[usize; 3]> = (0..SHAPE.iter().product())
        .map(|n| [n / (SHAPE[1] * SHAPE[2]), n / SHAPE[2] % SHAPE[1], n % SHAPE[2]])
        .collect();
    let mut matrix = vec![vec![0.0; cells.len()]; cells.len()];
    let mut right = vec![0.0; cells.len()];
    for &here in &cells {
        let row = number(here);
        let volume: f64 = (0..3).map(|a| width(a, here[a])).product();
        matrix[row][row] += alpha_of(here) * volume;
        right[row] += right_of(here) * volume;
        for a in 0..3 {
            let (own, area) = (width(a, here[a]), volume / width(a, here[a]));
            for high in [false, true] {
                let periodic = a == 2;
                let at_wall = here[a] == if high { SHAPE[a] - 1 } else { 0 };
                if !at_wall || periodic {
                    let mut there = here;
                    there[a] = (here[a] + if high { 1 } else { SHAPE[a] - 1 }) % SHAPE[a];
                    // Two layers, each half a cell thick, in series.
                    let resistance = 0.5 * own / beta_of(here) + 0.5 * width(a, there[a]) / beta_of(there);
                    matrix[row][row] += area / resistance;
                    matrix[row][number(there)] -= area / resistance;
                } else if a == 0 && !high {
                    // The value 2.
                    let conductance = area * beta_of(here) / (0.5 * own);
                    matrix[row][row] += conductance;
                    right[row] += conductance * 2.0;
                } else if a == 0 {
                    // The slope −1.5; the coefficient extrapolated to the wall, where it does not
                    // jump.
                    let mut inner = here;
                    inner[0] -= 1;
                    let (near, far) = (beta_of(here), beta_of(inner));
                    let slope = (near - far) / (center(0, here[0]) - center(0, inner[0]));
                    let smooth = far < 2.0 * near && near < 2.0 * far;
                    let at_wall = if smooth { near + slope * 0.5 * own } else { near };
                    right[row] += area * at_wall * -1.5;
                } else if !high {
                    // The value z + 3 x.
                    let conductance = area * beta_of(here) / (0.5 * own);
                    matrix[row][row] += conductance;
                    right[row] += conductance * (center(0, here[0]) + 3.0 * center(2, here[2]));
                }
            }
        }
    }
    (matrix, right)
}

#[test]
fn random_widths_agree_with_a_dense_solve() {
    on_ranks([1, 2, 4], |world| {
        let faces: [Vec<f64>; 3] = std::array::from_fn(|a| random(SHAPE[a], a, 8.0));
        let builder = (0..3).fold(Grid::builder(SHAPE), |builder, a| builder.faces(a, &faces[a]));
        let grid = builder.periodic([false, false, true]).build(world)?;
        let field = |name: &str| grid.field::<f64>(name);
        let (mut b, mut a, mut f) = (field("b"), field("a"), field("f"));
        b.fill_indexed(beta_of);
        a.fill_indexed(alpha_of);
        f.fill_indexed(right_of);
        let (u, outcome) = Elliptic::builder(&grid)
            .coefficient_of(&b, Mean::Harmonic)
            .shift_of(&a)
            .wall(Face::low(0), Boundary::Dirichlet(2.0))
            .wall(Face::high(0), Boundary::Neumann(-1.5))
            .wall(Face::low(1), Boundary::dirichlet_at(|[z, _, x]| z + 3.0 * x))
            .solve(&f, 1e-13)?;
        assert!(outcome.converged(), "{outcome}");
        let (matrix, right) = balances(&faces);
        let exact = solve_dense(matrix, right);
        let largest = exact.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        if let Some(found) = u.gather(0)? {
            for (found, exact) in found.iter().zip(&exact) {
                assert!((found - exact).abs() < 1e-10 * largest, "{found} {exact}");
            }
        }
        Ok(())
    });
}

#[test]
fn the_matrix_is_symmetric_and_has_the_same_bits_on_any_ranks() {
    same_on([(1, 1), (2, 2), (3, 1), (4, 1)], |world| {
        let grid = Grid::builder([14, 18]).faces(0, &random(14, 1, 20.0)).faces(1, &random(18, 2, 5.0));
        let grid = grid.periodic([false, true]).build(world)?;
        let a = Elliptic::builder(&grid).wall(Face::low(0), Boundary::Dirichlet(0.0)).build()?;
        let [mut u, mut v, mut au, mut av] = ["u", "v", "au", "av"].map(|name| a.vector(name));
        u.fill_indexed(noise);
        v.fill_indexed(|[j, i]| noise([i, j + 100]));
        a.apply(&mut u, &mut au)?;
        a.apply(&mut v, &mut av)?;
        let (there, back) = (v.dot(&au)?, u.dot(&av)?);
        assert!((there - back).abs() < 1e-12 * there.abs().max(1.0), "{there} {back}");
        let (mut b, mut x) = (a.vector("b"), a.vector("x"));
        b.fill(1.0);
        a.add_walls(&mut b)?;
        // The right-hand side is by volume, relative to the mean.
        assert!((b.mean() - 1.0).abs() < 1e-14);
        let outcome =
            Krylov::cg().tolerance(1e-10).solve(&a, &mut Multigrid::<f64, 2>::new(&a)?, &b, &mut x)?;
        assert!(outcome.converged(), "{outcome}");
        Ok(format!("{:x} {} {:x}", x.fingerprint(), outcome.iterations(), outcome.residual().to_bits()))
    });
}

/// Boundary layers: cells at the wall are 200 times as thin as in the middle, and far thinner than
/// along the other axis. Lines through the layer are solved as fast as uniform cells.
#[test]
fn lines_through_a_layer_converge_fast() {
    on_ranks([1, 2], |world| {
        let layer = |s: f64| (3.4 * (2.0 * s - 1.0)).tanh() / 3.4_f64.tanh();
        let grid = Grid::builder([64, 48]).extent([1.0, 3.0]).mapping(0, layer).build(world)?;
        let a = Elliptic::builder(&grid).wall(Face::low(0), Boundary::Dirichlet(0.0)).build()?;
        let (mut b, mut u) = (a.vector("b"), a.vector("u"));
        b.fill_indexed(noise);
        let mut lines = MultigridBuilder::new().smoother(Smoother::LineAlong(0)).build::<f64, 2>(&a)?;
        let outcome = Krylov::cg().tolerance(1e-9).solve(&a, &mut lines, &b, &mut u)?;
        assert!(outcome.converged() && outcome.iterations() <= 25, "{outcome}");
        Ok(())
    });
}

/// Nodes: a linear function between walls of given value and slope is met to rounding, whatever the
/// widths; and the matrix is symmetric.
#[test]
fn nodes_of_random_widths_meet_linear_functions() {
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([9, 8]).faces(0, &random(9, 3, 10.0)).faces(1, &random(8, 4, 10.0));
        let grid = grid.build(world)?;
        let linear = |[y, x]: [f64; 2]| 1.0 + 2.0 * y - 0.5 * x;
        let a = Elliptic::builder(&grid)
            .centering(Centering::Node)
            .coefficient(3.0)
            .shift(0.7)
            .wall(Face::low(0), Boundary::dirichlet_at(linear))
            .wall(Face::high(0), Boundary::Neumann(2.0))
            .wall(Face::low(1), Boundary::Neumann(0.5))
            .wall(Face::high(1), Boundary::dirichlet_at(linear));
        let (mut f, operator) = (a.clone().build()?.vector("f"), a.clone().build()?);
        f.fill_with(|place| 0.7 * linear(place));
        let (u, outcome) = a.solve(&f, 1e-14)?;
        assert!(outcome.converged(), "{outcome}");
        let mut error = operator.vector("error");
        error.fill_with(linear);
        error.zip_mut_with(&u, |exact, u| *exact -= u)?;
        assert!(error.norm_max() < 1e-11, "{}", error.norm_max());
        let [mut u, mut v, mut au, mut av] = ["u", "v", "au", "av"].map(|name| operator.vector(name));
        u.fill_indexed(noise);
        v.fill_indexed(|[j, i]| noise([i, j + 100]));
        operator.apply(&mut u, &mut au)?;
        operator.apply(&mut v, &mut av)?;
        let (there, back) = (v.dot(&au)?, u.dot(&av)?);
        assert!((there - back).abs() < 1e-12 * there.abs().max(1.0), "{there} {back}");
        Ok(())
    });
}

/// Between insulated walls a constant source has no solution but after its mean by volume is taken off,
/// which leaves nothing, at nodes as at cells.
#[test]
fn a_constant_source_between_insulated_walls_gives_nothing() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([4]).faces(0, &[0.0, 0.5, 1.0, 3.0, 4.0]).build(world)?;
        for centering in [Centering::Cell, Centering::Node] {
            let builder = Elliptic::builder(&grid).centering(centering);
            let mut f = builder.clone().build()?.vector("f");
            f.fill(1.0);
            let (u, _) = builder.solve(&f, 1e-10)?;
            assert!(u.norm_max() < 1e-12, "{centering:?}: {}", u.norm_max());
        }
        Ok(())
    });
}
