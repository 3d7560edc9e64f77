//! Krylov methods: on exactly known eigenvectors, on operators that need a certain method, and
//! where they must give up.

use std::f64::consts::PI;

use parhelion::prelude::*;
use parhelion::solvers::{
    Elliptic, Identity, Jacobi, Krylov, LinearOperator, Outcome, Polynomial, Status, operator,
};
use parhelion::testing::{on_ranks, on_ranks_and_threads};

/// −Δ + shift on n × n cells of the unit square, 0 at the walls.
fn dirichlet(world: &World, n: usize, shift: f64) -> parhelion::Result<Elliptic<2>> {
    let grid = Grid::builder([n, n]).extent([1.0, 1.0]).build(world)?;
    let builder =
        Face::all::<2>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
    builder.shift(shift).build()
}

/// u = sin(πpy) sin(πqx) is an eigenvector of it with the eigenvalue 4/h² (sin²(πp/2n) +
/// sin²(πq/2n)).
fn eigenvalue(n: usize, [p, q]: [usize; 2]) -> f64 {
    let part = |p: usize| (PI * p as f64 / (2 * n) as f64).sin().powi(2);
    4.0 * (n * n) as f64 * (part(p) + part(q))
}

#[test]
fn the_laplacian_has_its_eigenvalues() {
    on_ranks_and_threads([(1, 1), (4, 2)], |world| {
        let a = dirichlet(world, 64, 0.0)?;
        let (mut u, mut au) = (a.vector("u"), a.vector("Au"));
        for mode in [[1, 1], [2, 5], [64, 63]] {
            u.fill_with(|[y, x]| (PI * mode[0] as f64 * y).sin() * (PI * mode[1] as f64 * x).sin());
            a.apply(&mut u, &mut au)?;
            let lambda = eigenvalue(64, mode);
            au.zip_mut_with(&u, |au, &u| *au -= lambda * u)?;
            assert!(au.norm_max() < 1e-13 * 64.0 * 64.0 * 8.0, "{mode:?}: {}", au.norm_max());
        }
        // The value of VERIFICATION: 64 cells, mode (1, 1).
        assert!((eigenvalue(64, [1, 1]) - 19.73524553445552).abs() < 1e-12);
        Ok(())
    });
}

/// Solves A x = A u from 0 and checks x against u.
fn check<A: LinearOperator<2>, M: parhelion::solvers::Preconditioner<2>>(
    a: &A,
    m: &mut M,
    method: Krylov,
    name: &str,
) -> parhelion::Result<Outcome> {
    let (mut u, mut b, mut x) = (a.vector("u"), a.vector("b"), a.vector("x"));
    u.fill_with(|[y, x]| (3.0 * y + x).sin() + y * x);
    a.apply(&mut u, &mut b)?;
    let outcome = method.tolerance(1e-11).max_iterations(3000).solve(a, m, &b, &mut x)?;
    assert!(outcome.converged(), "{name}: {outcome}");
    // The history holds the residual.
    let mut r = a.vector("r");
    let residual = a.residual(&mut x, &b, &mut r)?.sqrt();
    assert!(residual < 3.0 * outcome.goal, "{name}: true residual {residual:e}, {outcome}");
    x.zip_mut_with(&u, |x, &u| *x -= u)?;
    assert!(x.norm_max() < 1e-7, "{name}: error {}", x.norm_max());
    Ok(outcome)
}

#[test]
fn every_method_solves_a_symmetric_definite_system() {
    on_ranks_and_threads([(1, 1), (3, 1), (2, 2)], |world| {
        let a = dirichlet(world, 20, 0.0)?;
        let (low, high) = (eigenvalue(20, [1, 1]), eigenvalue(20, [20, 20]));
        let cg = check(&a, &mut Identity, Krylov::cg(), "cg")?;
        let bound = 0.5 * (high / low).sqrt() * (2.0e11 * (high / low).sqrt()).ln();
        assert!((cg.iterations() as f64) < bound, "cg takes at most {bound} iterations: {cg}");
        check(&a, &mut Jacobi::new(&a)?, Krylov::cg(), "cg, Jacobi")?;
        check(&a, &mut Identity, Krylov::pipelined_cg(), "pipelined cg")?;
        check(&a, &mut Jacobi::new(&a)?, Krylov::pipelined_cg(), "pipelined cg, Jacobi")?;
        check(&a, &mut Identity, Krylov::bicgstab(), "bicgstab")?;
        check(&a, &mut Jacobi::new(&a)?, Krylov::bicgstab(), "bicgstab, Jacobi")?;
        let full = check(&a, &mut Identity, Krylov::gmres(400), "gmres")?;
        check(&a, &mut Identity, Krylov::gmres(15), "gmres(15)")?;
        check(&a, &mut Jacobi::new(&a)?, Krylov::gmres(30), "gmres(30), Jacobi")?;
        check(&a, &mut Jacobi::new(&a)?, Krylov::fgmres(30), "fgmres(30), Jacobi")?;
        let minres = check(&a, &mut Identity, Krylov::minres(), "minres")?;
        check(&a, &mut Jacobi::new(&a)?, Krylov::minres(), "minres, Jacobi")?;
        check(&a, &mut Identity, Krylov::chebyshev([low, high]), "chebyshev")?;
        // Both minimize the residual over the same space: the same history up to rounding.
        for (gmres, minres) in full.residuals.iter().zip(&minres.residuals).take(20) {
            assert!((gmres - minres).abs() <= 1e-8 * gmres, "{gmres} {minres}");
        }
        let plain = check(&a, &mut Identity, Krylov::cg(), "cg")?;
        let lower = low / eigenvalue(20, [10, 10]);
        let polynomial =
            check(&a, &mut Polynomial::new(&a, 4, [lower, 2.0])?, Krylov::cg(), "cg, polynomial")?;
        assert!(3 * polynomial.iterations() < 2 * plain.iterations(), "{polynomial}, plain {plain}");
        Ok(())
    });
}

#[test]
fn indefinite_and_unsymmetric_systems_have_their_methods() {
    on_ranks([1, 4], |world| {
        // Between two eigenvalues: some are negative.
        let shift = -0.5 * (eigenvalue(20, [1, 2]) + eigenvalue(20, [2, 2]));
        let indefinite = dirichlet(world, 20, shift)?;
        check(&indefinite, &mut Identity, Krylov::minres(), "minres, indefinite")?;
        check(&indefinite, &mut Identity, Krylov::gmres(100), "gmres, indefinite")?;

        let grid = Grid::builder([18, 18]).build(world)?;
        let wind = operator(&grid, |u, out| {
            u.exchange()?;
            let rule = |u: StarPoint<'_, f64, 2, 1>| {
                4.5 * u.center()
                    - 1.6 * u.at::<-1, 0>()
                    - 0.4 * u.at::<1, 0>()
                    - 1.3 * u.at::<0, -1>()
                    - 0.7 * u.at::<0, 1>()
            };
            u.grid().sweep(u.region_local(), out.view_mut(), u.star_reach::<1>()?, rule)
        });
        check(&wind, &mut Identity, Krylov::gmres(40), "gmres, wind")?;
        check(&wind, &mut Identity, Krylov::bicgstab(), "bicgstab, wind")?;
        assert!(Jacobi::new(&wind).is_err(), "nobody knows the diagonal of a closure");
        Ok(())
    });
}

#[test]
fn without_convergence_the_outcome_says_why() {
    on_ranks([1, 2], |world| {
        let a = dirichlet(world, 16, 0.0)?;
        let mut b = a.vector("b");
        b.fill(1.0);
        let run = |a: &dyn Fn(Krylov, &mut Field<f64, 2>) -> parhelion::Result<Outcome>, method: Krylov| {
            let mut x = b.grid().field::<f64>("x");
            a(method, &mut x)
        };
        let laplace = |method: Krylov, x: &mut Field<f64, 2>| method.solve(&a, &mut Identity, &b, x);
        let short = run(&laplace, Krylov::cg().max_iterations(3))?;
        assert_eq!((short.status, short.iterations(), short.residuals.len()), (Status::NotConverged, 3, 4));
        assert!(short.residual() > short.goal);
        // x ← x + (b − A x) with eigenvalues far beyond 2.
        let wild = run(&laplace, Krylov::richardson())?;
        assert_eq!(wild.status, Status::Diverged, "{wild}");
        // No method gets below rounding.
        let greedy = run(&laplace, Krylov::gmres(50).tolerance(1e-30).patience(40).max_iterations(100_000))?;
        assert!(matches!(greedy.status, Status::Stagnated | Status::Breakdown), "{greedy}");
        let negative = dirichlet(world, 16, -1e5)?;
        let mut x = b.grid().field::<f64>("x");
        let foreign = Krylov::cg().solve(&negative, &mut Identity, &b, &mut x);
        assert!(foreign.is_err(), "fields of another grid are an error, not an outcome");
        let (mut b, mut x) = (negative.vector("b"), negative.vector("x"));
        b.fill(1.0);
        let broken = Krylov::cg().solve(&negative, &mut Identity, &b, &mut x)?;
        assert_eq!(broken.status, Status::Breakdown, "{broken}");
        // Nothing to do: a right-hand side of zeros, or the solution as first guess.
        b.fill(0.0);
        x.fill(0.0);
        let nothing = Krylov::cg().solve(&negative, &mut Identity, &b, &mut x)?;
        assert_eq!((nothing.status, nothing.iterations()), (Status::Converged, 0));
        Ok(())
    });
}

#[test]
fn singular_systems_are_solved_up_to_a_constant() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([24, 15]).extent([1.0, 1.0]).periodic([true, false]).build(world)?;
        let a = Elliptic::builder(&grid).build()?;
        assert!(a.is_singular());
        let (mut u, mut b) = (a.vector("u"), a.vector("b"));
        u.fill_with(|[y, x]| (2.0 * PI * y).cos() * x + x * x);
        a.apply(&mut u, &mut b)?;
        // The part of the mean, which no solution can have, is left out.
        b.map_inplace(|b| *b += 7.0);
        let mean = u.mean();
        for (method, name) in [
            (Krylov::cg(), "cg"),
            (Krylov::minres(), "minres"),
            (Krylov::gmres(50), "gmres"),
            (Krylov::bicgstab(), "bicgstab"),
        ] {
            let mut x = a.vector("x");
            x.fill(3.0);
            let outcome = method.tolerance(1e-10).solve(&a, &mut Identity, &b, &mut x)?;
            assert!(outcome.converged(), "{name}: {outcome}");
            assert!(x.mean().abs() < 1e-12, "{name}: mean {}", x.mean());
            x.zip_mut_with(&u, |x, &u| *x -= u - mean)?;
            assert!(x.norm_max() < 1e-7, "{name}: {}", x.norm_max());
        }
        Ok(())
    });
}

/// The residual of conjugate gradients on a line of n cells grows for n/2 iterations, and is then
/// 0.
#[test]
fn plateaus_are_waited_for_unless_told_otherwise() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([300]).extent([1.0]).build(world)?;
        let a =
            Face::all::<1>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
        let a = a.build()?;
        let (mut b, mut x) = (a.vector("b"), a.vector("x"));
        b.fill(1.0);
        for method in [Krylov::cg(), Krylov::pipelined_cg()] {
            x.fill(0.0);
            let patient = method.solve(&a, &mut Identity, &b, &mut x)?;
            assert!(patient.converged() && patient.iterations() > 140, "{patient}");
            x.fill(0.0);
            let hasty = method.patience(100).solve(&a, &mut Identity, &b, &mut x)?;
            assert_eq!((hasty.status, hasty.iterations()), (Status::Stagnated, 100), "{hasty}");
        }
        Ok(())
    });
}

/// The diagonal varies by 10⁴, so that the norms of residual and preconditioned residual have
/// little to do with each other.
#[test]
fn every_method_reports_the_euclidean_norm_of_its_residual() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([15, 14]).extent([1.0, 1.0]).build(world)?;
        let mut alpha = grid.field::<f64>("alpha");
        alpha.fill_with(|[y, x]| 10_f64.powf(7.0 * y * x));
        let a = Elliptic::builder(&grid).shift_of(&alpha).build()?;
        let (mut b, mut r) = (a.vector("b"), a.vector("r"));
        b.fill_with(|[y, x]| (9.0 * x).sin() + y);
        let mut jacobi = Jacobi::new(&a)?;
        for (method, name) in [
            (Krylov::cg(), "cg"),
            (Krylov::flexible_cg(), "flexible cg"),
            (Krylov::pipelined_cg(), "pipelined cg"),
            (Krylov::minres(), "minres"),
            (Krylov::bicgstab(), "bicgstab"),
            (Krylov::gmres(20), "gmres"),
            (Krylov::fgmres(20), "fgmres"),
        ] {
            for iterations in [1, 2, 5, 12] {
                let mut x = a.vector("x");
                let outcome =
                    method.tolerance(0.0).max_iterations(iterations).solve(&a, &mut jacobi, &b, &mut x)?;
                let (said, norm) = (outcome.residual(), a.residual(&mut x, &b, &mut r)?.sqrt());
                assert_eq!(outcome.iterations(), iterations, "{name}: {outcome}");
                assert!((said / norm - 1.0).abs() < 1e-6, "{name}, {iterations}: says {said:e}, is {norm:e}");
            }
        }
        Ok(())
    });
}

#[test]
fn flexible_and_fixed_methods_agree_on_a_fixed_preconditioner() {
    on_ranks([1, 2], |world| {
        let a = dirichlet(world, 20, 3.0)?;
        let mut polynomial = Polynomial::new(&a, 3, [0.05, 2.0])?;
        let mut run = |method, name| check(&a, &mut polynomial, method, name);
        for [fixed, flexible] in [
            [run(Krylov::cg(), "cg")?, run(Krylov::flexible_cg(), "flexible cg")?],
            [run(Krylov::gmres(12), "gmres")?, run(Krylov::fgmres(12), "fgmres")?],
        ] {
            assert!(fixed.iterations().abs_diff(flexible.iterations()) <= 1, "{fixed}; {flexible}");
            for (p, q) in fixed.residuals.iter().zip(&flexible.residuals).take(12) {
                assert!((p - q).abs() <= 1e-9 * p, "{p:e} {q:e}");
            }
        }
        Ok(())
    });
}

#[test]
fn an_outcome_shows_its_factor() {
    on_ranks([1], |world| {
        let a = dirichlet(world, 16, 0.0)?;
        let (mut b, mut x) = (a.vector("b"), a.vector("x"));
        b.fill(1.0);
        let outcome = Krylov::cg().solve(&a, &mut Identity, &b, &mut x)?;
        let last = outcome.residuals.len() - 1;
        let factor = (outcome.residuals[last] / outcome.residuals[last - 5]).powf(0.2);
        assert!(outcome.to_string().ends_with(&format!(", factor {factor:.3}")), "{outcome}");
        let again = Krylov::cg().solve(&a, &mut Identity, &b, &mut x)?;
        assert!(again.iterations() == 0 && !again.to_string().contains("factor"), "{again}");
        Ok(())
    });
}

#[test]
fn a_constant_has_no_part_that_a_singular_system_can_meet() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([18, 22]).build(world)?;
        let a = Elliptic::builder(&grid).build()?;
        let (mut b, mut x) = (a.vector("b"), a.vector("x"));
        b.fill(0.1);
        let outcome = Krylov::cg().solve(&a, &mut Identity, &b, &mut x)?;
        assert!(outcome.converged() && x.norm_max() == 0.0, "{outcome}");
        Ok(())
    });
}
