//! Problems that cannot be solved are refused with the reason, the same on every rank.

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Identity, Krylov, Mean, Multigrid, MultigridBuilder, Polynomial};
use parhelion::testing::on_ranks;

#[test]
fn senseless_problems_are_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8, 8]).periodic([true, false]).build(world)?;
        let refused = |result: parhelion::Result<Elliptic<2>>, part: &str| match result {
            Ok(_) => panic!("not refused: {part}"),
            Err(error) => assert!(error.is_argument() && error.to_string().contains(part), "{error}"),
        };
        refused(Elliptic::builder(&grid).coefficient(-1.0).build(), "coefficient is -1");
        refused(Elliptic::builder(&grid).shift(f64::NAN).build(), "shift is NaN");
        refused(Elliptic::builder(&grid).wall(Face::low(0), Boundary::Dirichlet(0.0)).build(), "periodic");
        refused(Elliptic::builder(&grid).coefficient_at(|[_, x]| x - 4.0).build(), "negative or not finite");
        let mut beta = grid.field::<f64>("beta");
        beta.fill_indexed(|[j, _]| if j == 7 { -2.0 } else { 1.0 });
        refused(Elliptic::builder(&grid).coefficient_of(&beta, Mean::Harmonic).build(), "8 value(s)");
        let other = Grid::builder([8, 8]).build(world)?;
        let foreign = other.field::<f64>("foreign");
        refused(Elliptic::builder(&grid).shift_of(&foreign).build(), "'foreign'");
        let bare = Grid::builder([8, 8]).halo(0).build(world)?;
        refused(Elliptic::builder(&bare).build(), "halo of 1");

        // β = 0 all around a cell: without a shift its equation is 0 = f.
        beta.fill_indexed(|[j, i]| if [j, i] == [3, 5] { 0.0 } else { 1.0 });
        let isolated = Elliptic::builder(&grid).coefficient_of(&beta, Mean::Harmonic);
        refused(isolated.clone().build(), "1 of 64 point(s) have a zero on the diagonal");
        assert!(isolated.shift(0.5).build().is_ok());
        refused(Elliptic::builder(&grid).shift(-4.0).build(), "48 of 64 point(s) have a zero");
        refused(
            Elliptic::builder(&grid).wall(Face::high(1), Boundary::Dirichlet(f64::NAN)).build(),
            "must be finite",
        );
        let by_time = Boundary::function(|[_, x], time| x + time);
        refused(Elliptic::builder(&grid).wall(Face::high(1), by_time).build(), "Boundary::dirichlet_at");
        let custom = Boundary::custom(2, |p| p.inside(1));
        for (wall, name) in [
            (Boundary::HaloValue(1.0), "HaloValue(1.0)"),
            (Boundary::Extrapolated(1), "Extrapolated(1)"),
            (custom, "Custom { reach: 2, .. }"),
        ] {
            let why = format!("is {name}, which prescribes halo points");
            refused(Elliptic::builder(&grid).wall(Face::low(1), wall).build(), &why);
        }
        // On one rank of two, but refused on both.
        let wall = Boundary::neumann_at(|[y, _]| if y > 7.0 { f64::INFINITY } else { 0.0 });
        refused(Elliptic::builder(&grid).wall(Face::high(1), wall).build(), "not finite at 1 of");
        let beta_at = |[_, x]: [f64; 2]| if x < 8.0 { 1.0 } else { -1.0 };
        let fixed = Elliptic::builder(&grid).wall(Face::high(1), Boundary::Dirichlet(0.0));
        refused(fixed.coefficient_at(beta_at).build(), "negative or not finite at");

        let operator = Elliptic::builder(&grid).shift(1.0).build()?;
        let (b, mut foreign_field) = (grid.field::<f64>("b"), other.field::<f64>("u"));
        assert!(Krylov::cg().solve(&operator, &mut Identity, &b, &mut foreign_field).is_err());
        let mut u = grid.field::<f64>("u");
        assert!(Krylov::cg().tolerance(-1.0).solve(&operator, &mut Identity, &b, &mut u).is_err());
        assert!(Krylov::chebyshev([2.0, 1.0]).solve(&operator, &mut Identity, &b, &mut u).is_err());
        assert!(Polynomial::new(&operator, 0, [0.1, 2.0]).is_err());
        let mut multigrid = Multigrid::<f64, 2>::new(&operator)?;
        assert!(multigrid.solve(&b, &mut u, f64::NAN).is_err());
        assert!(multigrid.solve(&b, &mut foreign_field, 1e-3).is_err());
        assert!(MultigridBuilder::new().sweeps(0, 0).build::<f64, 2>(&operator).is_err());
        Ok(())
    });
}

#[test]
fn granules_cut_blocks_at_their_multiples_or_say_why_not() {
    on_ranks([3], |world| {
        let grid = Grid::builder([50, 7]).granule([8, 1]).procs([3, 1]).build(world)?;
        let starts: Vec<isize> = (0..3).map(|c| grid.decomposition().block([c, 0]).start[0]).collect();
        assert_eq!(starts, [0, 24, 40]);
        for index in 0..50 {
            let owner = grid.decomposition().owner([index, 0]);
            assert!(grid.decomposition().block(owner).contains([index as isize, 0]));
        }
        let mut u = grid.field::<f64>("u");
        u.fill_indexed(|[j, i]| (10 * j + i) as f64);
        u.exchange()?;
        assert_eq!(u.sum(), (0..50).flat_map(|j| (0..7).map(move |i| f64::from(10 * j + i))).sum::<f64>());
        let error = Grid::builder([50, 7]).granule([32, 1]).procs([3, 1]).build(world).unwrap_err();
        assert!(error.to_string().contains("granules of 32 cells"), "{error}");
        assert!(Grid::builder([50, 7]).granule([0, 1]).procs([3, 1]).build(world).is_err());
        let thin = Grid::builder([17, 9]).granule([8, 1]).procs([3, 1]).halo(2).build(world).unwrap_err();
        assert!(thin.to_string().contains("block of 1 cells"), "{thin}");
        Ok(())
    });
}
