//! Failing ranks and extreme values: errors of one rank, norms whose squares overflow or underflow,
//! NaN.

use std::cell::Cell;

use parhelion::prelude::*;
use parhelion::solvers::{
    Elliptic, Identity, Jacobi, Krylov, LinearOperator, Multigrid, OperatorFn, Polynomial, Preconditioner,
    Status, operator,
};
use parhelion::testing::{on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

const METHODS: [fn() -> Krylov; 9] = [
    Krylov::cg,
    Krylov::flexible_cg,
    Krylov::pipelined_cg,
    Krylov::bicgstab,
    || Krylov::gmres(10),
    || Krylov::fgmres(10),
    Krylov::minres,
    || Krylov::chebyshev([0.1, 4.0]),
    Krylov::richardson,
];

fn dirichlet(world: &World, n: usize) -> Result<Elliptic<2>> {
    let grid = Grid::builder([n, n]).extent([1.0, 1.0]).build(world)?;
    let builder =
        Face::all::<2>().fold(Elliptic::builder(&grid), |b, face| b.wall(face, Boundary::Dirichlet(0.0)));
    builder.build()
}

/// `u → 2u − …` of a periodic line, which fails on the last rank after a number of applications.
fn failing(
    grid: &Grid<1>,
    after: usize,
) -> OperatorFn<impl Fn(&mut Field<f64, 1>, &mut Field<f64, 1>) -> Result<()>, 1> {
    let calls = Cell::new(0);
    operator(grid, move |u: &mut Field<f64, 1>, out: &mut Field<f64, 1>| {
        u.exchange()?;
        calls.set(calls.get() + 1);
        if calls.get() > after && u.grid().world().rank() + 1 == u.grid().world().size() {
            return Err(Error::other("the material table ends at 900 K"));
        }
        let rule = |u: StarPoint<'_, f64, 1, 1>| 2.5 * u.center() - u.at::<-1>() - u.at::<1>();
        u.grid().sweep(u.region_local(), out.view_mut(), u.star_reach::<1>()?, rule)
    })
}

/// Halves, and fails on the last rank after a number of applications.
struct Failing {
    after: usize,
    calls: usize,
}

impl Preconditioner<1> for Failing {
    fn precondition(&mut self, r: &mut Field<f64, 1>, z: &mut Field<f64, 1>) -> Result<()> {
        self.calls += 1;
        if self.calls > self.after && r.grid().world().rank() + 1 == r.grid().world().size() {
            return Err(Error::other("the factors are lost"));
        }
        z.copy_from(r)?;
        z.map_inplace(|z| *z *= 0.4);
        Ok(())
    }
}

#[test]
fn an_error_of_one_rank_becomes_one_of_all() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([40]).periodic([true]).build(world)?;
        let mut b = grid.field::<f64>("b");
        b.fill_with(|[x]| (0.3 * x).sin());
        let told = |result: Result<parhelion::solvers::Outcome>, what: &str| {
            let error = result.expect_err("something failed on the last rank");
            assert!(error.to_string().contains(what), "{error}");
            assert!(world.size() == 1 || error.to_string().contains("(on rank 2)"), "{error}");
        };
        for method in METHODS {
            for after in [0, 1, 2, 5] {
                let mut x = grid.field::<f64>("x");
                let method = method().tolerance(1e-14);
                told(method.solve(&failing(&grid, after), &mut Identity, &b, &mut x), "material table");
                x.fill(0.0);
                let fine = failing(&grid, usize::MAX);
                told(method.solve(&fine, &mut Failing { after, calls: 0 }, &b, &mut x), "factors are lost");
            }
        }
        Ok(())
    });
}

#[test]
fn numbers_that_are_none_are_refused() {
    on_ranks([1, 2], |world| {
        let a = dirichlet(world, 8)?;
        let (mut b, mut x) = (a.vector("b"), a.vector("x"));
        let refused = |result: Result<parhelion::solvers::Outcome>, what: &str| {
            let error = result.expect_err("not a number");
            assert!(error.is_argument() && error.to_string().contains(what), "{error}");
        };
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            b.fill_indexed(|[j, i]| if [j, i] == [7, 3] { value } else { 1.0 });
            x.fill(0.0);
            for method in METHODS {
                refused(method().solve(&a, &mut Identity, &b, &mut x), "right-hand side 'b' has 1 value(s)");
            }
            let mut multigrid = Multigrid::<f32, 2>::new(&a)?;
            refused(multigrid.solve(&b, &mut x, 1e-6), "right-hand side 'b' has 1 value(s)");
            b.fill(1.0);
            x.fill(value);
            refused(Krylov::cg().solve(&a, &mut Identity, &b, &mut x), "first guess 'x' has 64 value(s)");
        }
        Ok(())
    });
}

/// The square of 2^-600 is 0 in double precision, that of 2^600 infinite. Powers of 2 change no
/// digits.
#[test]
fn norms_beyond_the_range_of_squares_change_nothing() {
    on_ranks_and_threads([(1, 1), (3, 1)], |world| {
        let a = dirichlet(world, 12)?;
        let scaled = |power: i32, solve: &mut dyn FnMut(&Field<f64, 2>, &mut Field<f64, 2>) -> Result<_>| {
            let (mut b, mut x) = (a.vector("b"), a.vector("x"));
            b.fill_with(|[y, x]| 2_f64.powi(power) * (1.0 + y * x));
            x.fill_with(|[y, x]| 2_f64.powi(power) * (y - x));
            let outcome: parhelion::solvers::Outcome = solve(&b, &mut x)?;
            x.map_inplace(|x| *x *= 2_f64.powi(-power));
            Ok::<_, Error>((outcome, x.fingerprint()))
        };
        let check = |name: &str, solve: &mut dyn FnMut(&Field<f64, 2>, &mut Field<f64, 2>) -> Result<_>| {
            let (plain, bits) = scaled(0, solve)?;
            for power in [-600, -900, 600, 900] {
                let (outcome, these) = scaled(power, solve)?;
                assert_eq!(outcome.status, plain.status, "{name}, 2^{power}: {outcome}, {plain}");
                let history: Vec<f64> = outcome.residuals.iter().map(|r| r * 2_f64.powi(-power)).collect();
                assert!(history == plain.residuals && these == bits, "{name}, 2^{power}: {outcome}, {plain}");
            }
            Ok::<_, Error>(plain)
        };
        for method in METHODS {
            let method = method().max_iterations(15);
            check(&format!("{method:?}"), &mut |b, x| method.solve(&a, &mut Identity, b, x))?;
        }
        let mut jacobi = Jacobi::new(&a)?;
        check("Jacobi", &mut |b, x| Krylov::cg().solve(&a, &mut jacobi, b, x))?;
        let mut multigrid = Multigrid::<f64, 2>::new(&a)?;
        let plain = check("multigrid", &mut |b, x| multigrid.solve(b, x, 1e-10))?;
        assert!(plain.converged(), "{plain}");
        Ok(())
    });
}

/// Wraps an operator and counts its sums over the ranks.
struct Counting<'a> {
    inner: &'a Elliptic<2>,
    sums: Cell<usize>,
}

impl LinearOperator<2> for Counting<'_> {
    fn grid(&self) -> &Grid<2> {
        self.inner.grid()
    }

    fn apply(&self, input: &mut Field<f64, 2>, output: &mut Field<f64, 2>) -> Result<()> {
        self.inner.apply(input, output)
    }

    fn apply_dot(&self, input: &mut Field<f64, 2>, output: &mut Field<f64, 2>) -> Result<f64> {
        self.sums.set(self.sums.get() + 1);
        self.inner.apply_dot(input, output)
    }

    fn residual(&self, x: &mut Field<f64, 2>, b: &Field<f64, 2>, r: &mut Field<f64, 2>) -> Result<f64> {
        self.sums.set(self.sums.get() + 1);
        self.inner.residual(x, b, r)
    }

    fn diagonal(&self, output: &mut Field<f64, 2>) -> Result<()> {
        self.inner.diagonal(output)
    }
}

#[test]
fn a_polynomial_adds_nothing_up_and_is_what_it_says() {
    on_ranks([1, 2], |world| {
        let a = dirichlet(world, 12)?;
        let counting = Counting { inner: &a, sums: Cell::new(0) };
        let mut polynomial = Polynomial::new(&counting, 5, [0.1, 2.0])?;
        let (mut r, mut z) = (a.vector("r"), a.vector("z"));
        r.fill_with(|[y, x]| (7.0 * y).sin() + x);
        polynomial.precondition(&mut r, &mut z)?;
        assert_eq!(counting.sums.get(), 0);
        // The same as that many iterations of Chebyshev's method with Jacobi from 0.
        let mut x = a.vector("x");
        let chebyshev = Krylov::chebyshev([0.1, 2.0]).max_iterations(5).tolerance(0.0);
        let outcome = chebyshev.solve(&a, &mut Jacobi::new(&a)?, &r, &mut x)?;
        assert_eq!(outcome.status, Status::NotConverged);
        let size = x.norm_max();
        x.zip_mut_with(&z, |x, &z| *x -= z)?;
        assert!(x.norm_max() < 1e-13 * size, "differs by {} of {size}", x.norm_max());
        Ok(())
    });
}
