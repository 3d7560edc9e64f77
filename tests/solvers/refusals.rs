//! What cannot be solved is refused with the reason, the same on every rank.

use parhelion::prelude::*;
use parhelion::solvers::{Elliptic, Identity, Krylov, Mean, Multigrid, Polynomial, Wall};
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
        refused(Elliptic::builder(&grid).wall(Face::low(0), Wall::Dirichlet(0.0)).build(), "periodic");
        refused(Elliptic::builder(&grid).coefficient_at(|[_, x]| x - 4.0).build(), "negative or not finite");
        let mut beta = grid.field::<f64>("beta");
        beta.fill_indexed(|[j, _]| if j == 7 { -2.0 } else { 1.0 });
        refused(Elliptic::builder(&grid).coefficient_of(&beta, Mean::Harmonic).build(), "8 value(s)");
        let other = Grid::builder([8, 8]).build(world)?;
        let foreign = other.field::<f64>("foreign");
        refused(Elliptic::builder(&grid).shift_of(&foreign).build(), "'foreign'");
        let bare = Grid::builder([8, 8]).halo(0).build(world)?;
        refused(Elliptic::builder(&bare).build(), "halo of 1");

        let operator = Elliptic::builder(&grid).shift(1.0).build()?;
        let (b, mut foreign_field) = (grid.field::<f64>("b"), other.field::<f64>("u"));
        assert!(Krylov::cg().solve(&operator, &mut Identity, &b, &mut foreign_field).is_err());
        let mut u = grid.field::<f64>("u");
        assert!(Krylov::cg().tolerance(-1.0).solve(&operator, &mut Identity, &b, &mut u).is_err());
        assert!(Krylov::chebyshev([2.0, 1.0]).solve(&operator, &mut Identity, &b, &mut u).is_err());
        assert!(Polynomial::new(&operator, 0, [0.1, 2.0]).is_err());
        let mut multigrid = Multigrid::<f64, 2>::new(&operator)?;
        assert!(multigrid.solve(&operator, &b, &mut u, f64::NAN).is_err());
        assert!(multigrid.solve(&operator, &b, &mut foreign_field, 1e-3).is_err());
        assert!(Multigrid::<f64, 2>::builder().sweeps(0, 0).build::<f64, 2>(&operator).is_err());
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
