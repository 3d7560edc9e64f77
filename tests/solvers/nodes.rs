//! Unknowns at nodes: multigrid, Krylov methods, bits, refusals.

use parhelion::prelude::*;
use parhelion::solvers::{
    Cycle, Elliptic, EllipticBuilder, Identity, Jacobi, Krylov, LinearOperator, Mean, Multigrid, Outcome,
    Polynomial, Smoother,
};
use parhelion::testing::{on_ranks, on_ranks_and_threads, same_on};

use crate::support::{self, builder, converges, noise};

fn nodes<'a, const N: usize>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
    Elliptic::builder(grid).centering(Centering::Node)
}

fn dirichlet<'a, const N: usize>(grid: &Grid<N>) -> EllipticBuilder<'a, N> {
    support::dirichlet(grid).centering(Centering::Node)
}

#[test]
fn a_v_cycle_on_nodes_reduces_the_residual_tenfold_whatever_the_size() {
    on_ranks_and_threads([(1, 2)], |world| {
        for n in [32, 33, 64, 128] {
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
            converges(&dirichlet(&grid).build()?, builder(), 0.1, format_args!("{n}³"))?;
        }
        for n in [64, 99, 256] {
            let grid = Grid::builder([n; 2]).extent([1.0; 2]).build(world)?;
            converges(&dirichlet(&grid).build()?, builder(), 0.1, format_args!("{n}²"))?;
        }
        Ok(())
    });
}

#[test]
fn uneven_numbers_of_nodes_flat_cells_and_all_walls_converge() {
    on_ranks([1, 3], |world| {
        let check = |operator: &Elliptic<3>, name: &str| -> parhelion::Result<()> {
            converges(operator, builder().cells_per_rank(25), 0.3, name)?;
            Ok(())
        };
        for shape in [[37, 23, 50], [33, 41, 65]] {
            let uneven = Grid::builder(shape).build(world)?;
            check(&dirichlet(&uneven).build()?, "uneven")?;
            check(&nodes(&uneven).build()?, "uneven, closed")?;
            check(&nodes(&uneven).wall(Face::low(2), Boundary::Dirichlet(0.0)).build()?, "uneven, mixed")?;
            check(
                &nodes(&uneven).wall(Face::high(0), Boundary::Dirichlet(0.0)).shift(0.1).build()?,
                "shifted",
            )?;
        }
        let flat = Grid::builder([24, 24, 40]).extent([24.0, 2.4, 400.0]).build(world)?;
        check(&dirichlet(&flat).build()?, "flat cells")?;
        let ring = Grid::builder([32, 25, 18]).periodic([true, false, true]).build(world)?;
        check(&Elliptic::builder(&ring).build()?, "periodic, at cells")?;
        check(&nodes(&ring).build()?, "periodic")?;
        check(&nodes(&ring).wall(Face::high(1), Boundary::Dirichlet(0.0)).build()?, "periodic, fixed")?;
        Ok(())
    });
}

#[test]
fn every_cycle_and_smoother_converges_on_nodes() {
    on_ranks([2], |world| {
        let grid = Grid::builder([32; 3]).extent([1.0; 3]).build(world)?;
        let operator = dirichlet(&grid).build()?;
        for (kind, factor) in [
            (builder().cycle(Cycle::W), 0.1),
            (builder().cycle(Cycle::F), 0.1),
            (builder().cycle(Cycle::Full), 0.1),
            (builder().smoother(Smoother::Chebyshev).sweeps(3, 3), 0.15),
            (builder().smoother(Smoother::Jacobi), 0.35),
            (builder().sweeps(1, 1), 0.1),
        ] {
            converges(&operator, kind, factor, format_args!("{kind:?}"))?;
        }
        Ok(())
    });
}

/// Blocks of 1 and 10⁶ in a checkered pattern that does not follow the coarse nodes; the nodes of a
/// wall belong to the blocks beside it.
#[test]
fn jumps_of_a_million_converge_on_nodes() {
    on_ranks([1, 2], |world| {
        for n in [24, 48] {
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
            let chequered = |x: [f64; 3]| {
                if x.map(|x| ((5.0 * x) as usize).min(4)).iter().sum::<usize>().is_multiple_of(2) {
                    1.0
                } else {
                    1e6
                }
            };
            for at in [Centering::Cell, Centering::Node] {
                let mut beta = grid.field_builder::<f64>("beta").centering(at).build()?;
                beta.fill_with(chequered);
                // With the harmonic mean of nodes, blocks of 10⁶ touch nothing but each other's
                // corners, where pairs glue them together: each of those costs an iteration.
                let (mean, most) =
                    if at == Centering::Cell { (Mean::Arithmetic, 25) } else { (Mean::Harmonic, 80) };
                let operator = dirichlet(&grid).coefficient_of(&beta, mean).build()?;
                let (mut b, mut u) = (operator.vector("b"), operator.vector("u"));
                b.fill(1.0);
                operator.add_walls(&mut b)?;
                let mut multigrid = Multigrid::<f64, 3>::new(&operator)?;
                let outcome = Krylov::cg().tolerance(1e-8).solve(&operator, &mut multigrid, &b, &mut u)?;
                println!("{n}³ {at:?}: {outcome}");
                assert!(outcome.converged() && outcome.iterations() <= most, "{n}³ {at:?}: {outcome}");
            }
        }
        Ok(())
    });
}

/// The operator is symmetric with the diagonal that it reports, so Krylov methods and
/// preconditioners work unchanged.
#[test]
fn krylov_methods_work_on_nodes() {
    on_ranks([1, 4], |world| {
        let grid = Grid::builder([9, 12]).extent([1.0, 2.0]).periodic([false, true]).build(world)?;
        let mut beta = grid.field_builder::<f64>("beta").centering(Centering::Node).build()?;
        beta.fill_with(|[y, x]| 1.0 + y + (3.0 * x).sin().powi(2));
        for varying in [false, true] {
            let walls = nodes(&grid).shift(0.3).wall(Face::low(0), Boundary::dirichlet_at(|[_, x]| x.cos()));
            let operator = if varying {
                walls.coefficient_of(&beta, Mean::Arithmetic).build()?
            } else {
                walls.build()?
            };
            let vector = |name: &str| operator.vector(name);
            let (mut x, mut y, mut ax, mut ay) = (vector("x"), vector("y"), vector("ax"), vector("ay"));
            x.fill_indexed(noise);
            y.fill_indexed(|[j, i]| noise([i, j + 7]));
            operator.apply(&mut x, &mut ax)?;
            operator.apply(&mut y, &mut ay)?;
            let (there, back) = (y.dot(&ax)?, x.dot(&ay)?);
            assert!((there - back).abs() < 1e-12 * ax.norm_l2() * y.norm_l2(), "{there} {back}");
            // The diagonal, against unit vectors.
            let mut diagonal = vector("diagonal");
            operator.diagonal(&mut diagonal)?;
            for index in [[0, 0], [0, 5], [1, 3], [4, 11], [9, 0], [9, 7]] {
                x.fill(0.0);
                x.set_global(index, 1.0);
                let d = operator.apply_dot(&mut x, &mut ax)?;
                assert!((d - diagonal.probe(index)?).abs() < 1e-12 * d, "{index:?}");
            }
            let mut b = vector("b");
            b.fill_with(|[y, x]| y - x);
            operator.add_walls(&mut b)?;
            let mut exact = vector("exact");
            let direct = Krylov::cg().tolerance(1e-13).solve(&operator, &mut Identity, &b, &mut exact)?;
            assert!(direct.converged(), "{direct}");
            let check = |outcome: Outcome, u: &mut Field<f64, 2>| -> parhelion::Result<()> {
                u.zip_mut_with(&exact, |u, &exact| *u -= exact)?;
                assert!(outcome.converged() && u.norm_max() < 1e-8, "{outcome} {}", u.norm_max());
                Ok(())
            };
            for method in [Krylov::bicgstab(), Krylov::gmres(30), Krylov::minres(), Krylov::cg()] {
                let mut u = vector("u");
                let method = method.tolerance(1e-11);
                check(method.solve(&operator, &mut Jacobi::new(&operator)?, &b, &mut u)?, &mut u)?;
            }
            let mut u = vector("u");
            let mut polynomial = Polynomial::new(&operator, 4, [0.05, 2.0])?;
            check(Krylov::cg().tolerance(1e-11).solve(&operator, &mut polynomial, &b, &mut u)?, &mut u)?;
        }
        Ok(())
    });
}

#[test]
fn nodes_have_the_same_bits() {
    same_on([(1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (6, 1), (8, 1), (2, 2)], |world| {
        let grid = Grid::builder([21, 18, 35])
            .extent([1.0, 0.9, 1.7])
            .periodic([false, true, false])
            .build(world)?;
        let mut beta = grid.field::<f64>("beta");
        beta.fill_with(
            |[z, y, x]| if ((4.0 * (z + y + x)) as usize).is_multiple_of(2) { 1.0 } else { 100.0 },
        );
        let mut text = String::new();
        for constant in [true, false] {
            let walls = nodes(&grid)
                .wall(Face::high(2), Boundary::Dirichlet(0.5))
                .wall(Face::low(0), Boundary::Neumann(1.0));
            let operator = if constant {
                walls.build()?
            } else {
                walls.coefficient_of(&beta, Mean::Arithmetic).build()?
            };
            let mut f = operator.vector("f");
            f.fill_with(|[z, y, x]| (3.0 * z).sin() - y * x);
            operator.add_walls(&mut f)?;
            for kind in [
                builder().cells_per_rank(50),
                builder().cycle(Cycle::Full).smoother(Smoother::Chebyshev).cells_per_rank(25),
            ] {
                let mut multigrid = kind.build::<f64, 3>(&operator)?;
                let mut u = operator.vector("u");
                let outcome = Krylov::cg().max_iterations(4).solve(&operator, &mut multigrid, &f, &mut u)?;
                text += &format!("{:?} {:016x} ", outcome.residuals, u.fingerprint());
            }
            let mut multigrid = builder().cells_per_rank(100).build::<f32, 3>(&operator)?;
            let mut u = operator.vector("u");
            let outcome = multigrid.solve(&f, &mut u, 1e-6)?;
            text += &format!("{:?} {:016x} ", outcome.residuals, u.fingerprint());
        }
        Ok(text)
    });
}

#[test]
fn the_short_way_works_on_nodes() {
    on_ranks([1, 2], |world| {
        // u = 1 + y² + 2x is exact up to rounding: so are its second differences and its slopes at
        // walls.
        let exact = |[y, x]: [f64; 2]| 1.0 + y * y + 2.0 * x;
        let grid = Grid::builder([24, 17]).extent([1.0, 0.7]).build(world)?;
        let mut f = grid.field_builder::<f64>("f").centering(Centering::Node).build()?;
        f.fill(-2.0);
        let poisson = Elliptic::builder(&grid)
            .centering(Centering::Node)
            .wall(Face::low(0), Boundary::dirichlet_at(exact));
        let poisson =
            poisson.wall(Face::high(0), Boundary::Neumann(2.0)).wall(Face::low(1), Boundary::Neumann(-2.0));
        let (mut u, outcome) = poisson.wall(Face::high(1), Boundary::dirichlet_at(exact)).solve(&f, 1e-12)?;
        f.fill_with(exact);
        u.zip_mut_with(&f, |u, &exact| *u -= exact)?;
        assert!(outcome.converged() && u.norm_max() < 1e-9, "{outcome} {}", u.norm_max());
        Ok(())
    });
}

#[test]
fn senseless_problems_on_nodes_are_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8, 1]).build(world)?;
        let refused = |result: parhelion::Result<Elliptic<2>>, part: &str| match result {
            Ok(_) => panic!("not refused: {part}"),
            Err(error) => assert!(error.is_argument() && error.to_string().contains(part), "{error}"),
        };
        refused(dirichlet(&grid).build(), "no node is left");
        refused(Elliptic::builder(&grid).centering(Centering::Face(0)).build(), "Cell or Node");
        refused(nodes(&grid).shift_of(&grid.field("alpha")).build(), "must be centered at Node");
        let mut beta = grid.field_builder::<f64>("beta").centering(Centering::Node).build()?;
        refused(
            Elliptic::builder(&grid).coefficient_of(&beta, Mean::Harmonic).build(),
            "must be centered at Cell",
        );
        refused(nodes(&grid).coefficient_of(&beta, Mean::Harmonic).build(), "18 of 18 point(s) have a zero");
        let wall = Boundary::dirichlet_at(|[y, _]| if y > 7.0 { f64::NAN } else { 0.0 });
        refused(nodes(&grid).wall(Face::high(1), wall).build(), "not finite at 1 of");
        beta.fill(1.0);
        let operator = nodes(&grid).coefficient_of(&beta, Mean::Harmonic).shift(1.0).build()?;
        let (mut r, mut z) = (grid.field::<f64>("r"), grid.field::<f64>("z"));
        let mut multigrid = Multigrid::<f64, 2>::new(&operator)?;
        use parhelion::solvers::Preconditioner;
        let error = multigrid.precondition(&mut r, &mut z).unwrap_err();
        assert!(error.to_string().contains("centered at Node"), "{error}");
        assert!(operator.apply(&mut r, &mut z).is_err());
        Ok(())
    });
}
