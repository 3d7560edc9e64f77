//! Multigrid: convergence does not depend on the size, the shape of the cells, or the cuts between
//! ranks.

use parhelion::prelude::*;
use parhelion::solvers::{Cycle, Elliptic, Krylov, Mean, Multigrid, Preconditioner, Smoother};
use parhelion::testing::{on_ranks, on_ranks_and_threads, same_on};

use crate::support::{builder, converges, dirichlet, noise};

#[test]
fn a_v_cycle_reduces_the_residual_tenfold_whatever_the_size() {
    on_ranks_and_threads([(1, 2)], |world| {
        for n in [16, 32, 64, 128] {
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
            converges(&dirichlet(&grid).build()?, builder(), 0.1, format_args!("{n}³"))?;
        }
        for n in [64, 256] {
            let grid = Grid::builder([n; 2]).extent([1.0; 2]).build(world)?;
            converges(&dirichlet(&grid).build()?, builder(), 0.1, format_args!("{n}²"))?;
        }
        Ok(())
    });
}

#[test]
fn every_cycle_and_smoother_converges() {
    on_ranks([2], |world| {
        let grid = Grid::builder([32; 3]).extent([1.0; 3]).build(world)?;
        let operator = dirichlet(&grid).build()?;
        let kinds = [
            (builder().cycle(Cycle::W), 0.1),
            (builder().cycle(Cycle::F), 0.1),
            (builder().cycle(Cycle::Full), 0.1),
            (builder().smoother(Smoother::Chebyshev).sweeps(3, 3), 0.15),
            (builder().smoother(Smoother::Jacobi), 0.35),
            (builder().sweeps(0, 2), 0.3),
            (builder().sweeps(2, 0), 0.3),
            (builder().sweeps(1, 1), 0.3),
        ];
        for (kind, factor) in kinds {
            converges(&operator, kind, factor, format_args!("{kind:?}"))?;
        }
        Ok(())
    });
}

#[test]
fn uneven_sizes_flat_cells_and_all_walls_converge() {
    on_ranks([1, 3], |world| {
        let check = |operator: &Elliptic<3>, name: &str| -> parhelion::Result<()> {
            // Levels stay on the ranks as long as possible.
            converges(operator, builder().cells_per_rank(25), 0.3, name)?;
            Ok(())
        };
        let uneven = Grid::builder([37, 23, 50]).extent([37.0, 23.0, 50.0]).build(world)?;
        check(&dirichlet(&uneven).build()?, "uneven")?;
        check(&Elliptic::builder(&uneven).build()?, "uneven, closed")?;
        check(
            &Elliptic::builder(&uneven)
                .wall(Face::high(1), Boundary::Neumann(0.0))
                .wall(Face::low(2), Boundary::Dirichlet(0.0))
                .build()?,
            "uneven, mixed",
        )?;
        let flat = Grid::builder([24, 24, 40]).extent([24.0, 2.4, 400.0]).build(world)?;
        check(&dirichlet(&flat).build()?, "flat cells")?;
        let ring = Grid::builder([32, 24, 16]).periodic([true; 3]).build(world)?;
        check(&Elliptic::builder(&ring).build()?, "periodic")?;
        check(&Elliptic::builder(&ring).shift(0.5).build()?, "periodic, shifted")?;
        Ok(())
    });
}

/// Blocks of 1 and 10⁶ in a checkered pattern that does not follow the coarse cells.
#[test]
fn jumps_of_a_million_converge() {
    on_ranks([1, 2], |world| {
        for n in [24, 48] {
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
            let mut beta = grid.field::<f64>("beta");
            beta.fill_with(|x| {
                if x.map(|x| (5.0 * x) as usize).iter().sum::<usize>().is_multiple_of(2) { 1.0 } else { 1e6 }
            });
            let operator = dirichlet(&grid).coefficient_of(&beta, Mean::Harmonic).build()?;
            let (mut b, mut u) = (grid.field::<f64>("b"), grid.field::<f64>("u"));
            b.fill(1.0);
            for single in [false, true] {
                u.fill(0.0);
                let method = Krylov::cg().tolerance(1e-8);
                let outcome = if single {
                    method.solve(&operator, &mut builder().build::<f32, 3>(&operator)?, &b, &mut u)?
                } else {
                    method.solve(&operator, &mut builder().build::<f64, 3>(&operator)?, &b, &mut u)?
                };
                println!("{n}³ single {single}: {outcome}");
                assert!(
                    outcome.converged() && outcome.iterations() <= if single { 60 } else { 40 },
                    "{n}³, single {single}: {outcome}"
                );
            }
        }
        Ok(())
    });
}

#[test]
fn single_precision_does_for_any_scale_of_the_right_hand_side() {
    on_ranks([2], |world| {
        let grid = Grid::builder([20, 20]).extent([1.0, 1.0]).build(world)?;
        let operator = dirichlet(&grid).build()?;
        let mut multigrid = Multigrid::<f32, 2>::new(&operator)?;
        let mut iterations = Vec::new();
        for scale in [1.0, 1e-60, 1e60] {
            let (mut b, mut u) = (grid.field::<f64>("b"), grid.field::<f64>("u"));
            b.fill_indexed(|i| scale * noise(i));
            let outcome = Krylov::cg().tolerance(1e-10).solve(&operator, &mut multigrid, &b, &mut u)?;
            assert!(outcome.converged(), "{scale:e}: {outcome}");
            iterations.push(outcome.iterations());
        }
        assert!(iterations.iter().all(|&count| count <= iterations[0] + 1), "{iterations:?}");
        Ok(())
    });
}

#[test]
fn the_levels_are_told() {
    on_ranks([2], |world| {
        let grid = Grid::builder([64, 64, 64]).build(world)?;
        let operator = dirichlet(&grid).build()?;
        let text = builder().build::<f32, 3>(&operator)?.to_string();
        if world.rank() > 0 {
            return Ok(()); // it has no part of the last levels
        }
        for part in [
            "f32",
            "V(2,2)",
            "[64, 64, 64] cells in [2, 1, 1] blocks",
            "gathered on fewer",
            "solved directly",
        ] {
            assert!(text.contains(part), "no '{part}' in\n{text}");
        }
        Ok(())
    });
}

/// The finest level on all ranks, then fewer and fewer; the same factors on any.
#[test]
fn each_level_is_measured() {
    same_on([(1, 1), (2, 1), (3, 1), (6, 1), (8, 1)], |world| {
        let grid = Grid::builder([32, 30, 34]).extent([1.0; 3]).build(world)?;
        let mut text = String::new();
        for (beta, cycle) in [(None, Cycle::V), (Some(()), Cycle::F), (None, Cycle::Full)] {
            let mut operator = dirichlet(&grid);
            if beta.is_some() {
                operator = operator.coefficient_at(|[z, y, x]| 1.0 + z + y * x);
            }
            let mut multigrid =
                builder().cycle(cycle).cells_per_rank(200).build::<f64, 3>(&operator.build()?)?;
            let report = multigrid.report()?;
            let levels = &report.levels;
            assert_eq!((levels[0].shape, levels[0].ranks), ([32, 30, 34], world.size()));
            // Cells are not cubes: a little more than the 0.1 of cubes.
            let last = levels[levels.len() - 1];
            assert!(last.ranks == 1 && last.factor < 1e-12, "{report}");
            for (level, next) in levels.iter().zip(&levels[1..]) {
                assert!(level.factor < 0.12 && level.ranks >= next.ranks && level.seconds > 0.0, "{report}");
            }
            // Iterate, right-hand side and one more array, and 4 of couplings; an eighth as much on
            // each further level.
            let arrays = if beta.is_some() { 7.0 } else { 3.0 };
            let bytes = report.bytes_per_cell() / 8.0 / arrays;
            assert!((1.1..1.2).contains(&bytes), "{bytes} in\n{report}");
            for level in levels {
                text += &format!("{:?} {:016x} ", level.shape, level.factor.to_bits());
            }
        }
        Ok(text)
    });
}

/// More ranks than the finest grid has pairs of cells: no level but the first can lie on all of
/// them.
#[test]
fn more_ranks_than_can_be_coarsened() {
    on_ranks([7, 8], |world| {
        let grid = Grid::builder([12, 8]).extent([1.5, 1.0]).build(world)?;
        let mut b = grid.field::<f64>("b");
        b.fill_indexed(noise);
        let constant = dirichlet(&grid).build()?;
        let variable = dirichlet(&grid).coefficient_at(|[y, x]| 1.0 + y * x).build()?;
        for operator in [constant, variable] {
            let mut u = grid.field::<f64>("u");
            let mut multigrid = builder().cells_per_rank(1).build::<f64, 2>(&operator)?;
            let outcome = multigrid.solve(&b, &mut u, 1e-9)?;
            assert!(outcome.converged() && outcome.factor() < 0.1, "{outcome}\n{multigrid}");
        }
        Ok(())
    });
}

/// One full cycle from zero, against the exact solutions of the discrete and the continuous
/// problem.
#[test]
fn a_full_cycle_is_about_as_exact_as_the_discretization() {
    on_ranks_and_threads([(1, 2), (3, 1)], |world| {
        for n in [32, 64] {
            let grid = Grid::builder([n; 3]).extent([1.0; 3]).build(world)?;
            let exact =
                |place: [f64; 3]| place.map(|x| (std::f64::consts::PI * x).sin()).iter().product::<f64>();
            let [mut f, mut cycled, mut solved, mut u] =
                ["f", "cycled", "solved", "u"].map(|name| grid.field::<f64>(name));
            u.fill_with(exact);
            f.fill_with(|place| 3.0 * std::f64::consts::PI.powi(2) * exact(place));
            let operator = dirichlet(&grid).build()?;
            let mut multigrid = builder().cycle(Cycle::Full).build::<f64, 3>(&operator)?;
            multigrid.precondition(&mut f, &mut cycled)?;
            let outcome = multigrid.solve(&f, &mut solved, 1e-12)?;
            assert!(outcome.converged(), "{outcome}");
            let largest = |a: &Field<f64, 3>, b: &Field<f64, 3>| -> parhelion::Result<f64> {
                let mut difference = grid.field::<f64>("difference");
                difference.copy_from(a)?;
                difference.zip_mut_with(b, |a, &b| *a -= b)?;
                Ok(difference.norm_max())
            };
            let (algebraic, discretization) = (largest(&cycled, &solved)?, largest(&solved, &u)?);
            println!("{n}: {:.3}", algebraic / discretization);
            assert!(algebraic < 0.5 * discretization, "{n}³: {algebraic:e} of {discretization:e}");
        }
        Ok(())
    });
}
