//! Pipelined conjugate gradients against ordinary ones: as many iterations and the same accuracy,
//! with any preconditioner.

use parhelion::prelude::*;
use parhelion::solvers::{
    Elliptic, Identity, Jacobi, Krylov, LinearOperator, Mean, Multigrid, Outcome, Polynomial, Preconditioner,
};
use parhelion::testing::on_ranks_and_threads;

/// −∇·(β∇) on 60 × 60 cells, 0 at the walls, with β = 1 or jumping between 1 and 10⁶ from block to
/// block.
fn operator(world: &World, jumps: bool) -> parhelion::Result<Elliptic<2>> {
    let grid = Grid::builder([60, 60]).extent([1.0, 1.0]).build(world)?;
    let mut beta = grid.field::<f64>("beta");
    beta.fill_with(|x| {
        let even = x.map(|x| (5.0 * x) as usize).iter().sum::<usize>().is_multiple_of(2);
        if even || !jumps { 1.0 } else { 1e6 }
    });
    let builder =
        Face::all::<2>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
    builder.coefficient_of(&beta, Mean::Harmonic).build()
}

/// The outcome for a right-hand side of ones, and the residual of the solution computed again,
/// relative to it.
fn solve<M: Preconditioner<2>>(
    a: &Elliptic<2>,
    m: &mut M,
    method: Krylov,
) -> parhelion::Result<(Outcome, f64)> {
    let (mut b, mut x, mut r) = (a.vector("b"), a.vector("x"), a.vector("r"));
    b.fill(1.0);
    let outcome = method.max_iterations(5000).solve(a, m, &b, &mut x)?;
    let residual = a.residual(&mut x, &b, &mut r)?.sqrt();
    Ok((outcome, residual / b.norm_l2()))
}

fn compare<M: Preconditioner<2>>(a: &Elliptic<2>, m: &mut M, name: &str) -> parhelion::Result<()> {
    let [(plain, _), (pipelined, _)] = [solve(a, m, Krylov::cg())?, solve(a, m, Krylov::pipelined_cg())?];
    assert!(plain.converged() && pipelined.converged(), "{name}: {plain}; {pipelined}");
    // Without rounding they are the same method. By the end of a solve of some hundred iterations
    // rounding moves the one or two that reach the goal.
    let (few, many) = (plain.iterations(), pipelined.iterations());
    assert!(few.abs_diff(many) <= 2 + few / 50, "{name}: {plain}; {pipelined}");
    for (k, (p, q)) in plain.residuals.iter().zip(&pipelined.residuals).take(20).enumerate() {
        assert!((p - q).abs() <= 1e-6 * p, "{name}: residual {k} is {p:e} or {q:e}");
    }
    // The limit of accuracy: the updated residual becomes as small as requested, the true one does
    // not.
    let [(_, plain), (greedy, pipelined)] =
        [solve(a, m, Krylov::cg().tolerance(1e-18))?, solve(a, m, Krylov::pipelined_cg().tolerance(1e-18))?];
    // Rounding in other places was seen to double it.
    assert!(
        pipelined < 2.5 * plain,
        "{name}: attains {pipelined:e}, conjugate gradients {plain:e}; {greedy}"
    );
    Ok(())
}

#[test]
fn it_converges_as_far_and_as_fast_as_conjugate_gradients() {
    on_ranks_and_threads([(1, 2), (3, 1)], |world| {
        for jumps in [false, true] {
            let a = operator(world, jumps)?;
            let name = |what: &str| format!("{what}, {}", if jumps { "jumps" } else { "constant" });
            if !jumps {
                compare(&a, &mut Identity, &name("identity"))?;
            }
            compare(&a, &mut Jacobi::new(&a)?, &name("Jacobi"))?;
            compare(&a, &mut Polynomial::new(&a, 3, [0.05, 2.0])?, &name("polynomial"))?;
        }
        Ok(())
    });
}

/// Variable coefficients make multigrid in double precision symmetric, which it does not promise.
#[test]
fn it_takes_any_symmetric_preconditioner_and_singular_systems() {
    on_ranks_and_threads([(1, 1), (4, 1)], |world| {
        let grid = Grid::builder([40, 30]).extent([1.0, 0.75]).periodic([false, true]).build(world)?;
        let a = Elliptic::builder(&grid).coefficient_at(|[y, x]| 1.0 + 0.5 * (6.0 * y).sin() * x).build()?;
        assert!(a.is_singular());
        let mut b = a.vector("b");
        b.fill_with(|[y, x]| (5.0 * y).cos() + x);
        let run =
            |method: Krylov, m: &mut dyn FnMut(Krylov, &mut Field<f64, 2>) -> parhelion::Result<Outcome>| {
                let mut x = a.vector("x");
                let outcome = m(method.tolerance(1e-10), &mut x)?;
                assert!(outcome.converged() && x.mean().abs() < 1e-12, "{outcome}, mean {}", x.mean());
                Ok::<_, parhelion::Error>((x, outcome.iterations()))
            };
        let mut multigrid = Multigrid::<f64, 2>::new(&a)?;
        let mut jacobi = Jacobi::new(&a)?;
        let (want, _) = run(Krylov::minres(), &mut |k, x| k.solve(&a, &mut Identity, &b, x))?;
        let (plain, few) = run(Krylov::pipelined_cg(), &mut |k, x| k.solve(&a, &mut multigrid, &b, x))?;
        assert!(few <= 12, "{few} iterations with multigrid");
        let (factors, _) = run(Krylov::pipelined_cg(), &mut |k, x| k.solve(&a, &mut jacobi, &b, x))?;
        for mut x in [plain, factors] {
            x.zip_mut_with(&want, |x, &want| *x -= want)?;
            // The goal relative to the smallest eigenvalue, π², leaves 1e-11 of a solution of size
            // 0.1.
            assert!(x.norm_max() < 1e-9, "differs by {}", x.norm_max());
        }
        Ok(())
    });
}
