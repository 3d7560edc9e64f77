//! Blocks against a slow, obvious division of the cells.

use super::*;
use proptest::prelude::*;

fn check_cut<const N: usize>(cut: &Decomposition<N>) -> Result<(), TestCaseError> {
    let mut cells = 0;
    let mut widths = [[usize::MAX, 0]; N];
    for rank in 0..cut.ranks() {
        let coordinates = cut.coordinates(rank);
        prop_assert_eq!(cut.rank(coordinates), rank);
        let block = cut.block(coordinates);
        for index in block.indices() {
            prop_assert_eq!(cut.owner(index.map(|i| i as usize)), coordinates);
        }
        cells += block.len();
        for a in 0..N {
            widths[a] = [widths[a][0].min(block.shape()[a]), widths[a][1].max(block.shape()[a])];
        }
    }
    prop_assert_eq!(cells, cut.shape().iter().product::<usize>());
    prop_assert!(widths.iter().all(|[least, most]| most - least <= 1), "{:?}", widths);
    Ok(())
}

proptest! {
    #[test]
    fn blocks_tile_the_domain_and_owners_own(
        shape in prop::array::uniform3(1_usize..14),
        procs in prop::array::uniform3(1_usize..5),
    ) {
        match Decomposition::new(shape, procs) {
            Ok(cut) => check_cut(&cut)?,
            Err(error) => prop_assert!((0..3).any(|a| procs[a] > shape[a]), "{}", error),
        }
    }

    #[test]
    fn the_chosen_process_grid_is_valid_and_none_is_cheaper(
        shape in prop::array::uniform3(1_usize..40),
        ranks in 1_usize..25,
        halo in prop::array::uniform3(prop::array::uniform2(0_usize..3)),
        periodic in prop::array::uniform3(prop::bool::ANY),
    ) {
        let chosen = Decomposition::for_ranks(shape, ranks, halo, periodic);
        let mut least = usize::MAX;
        for x in 1..=ranks { for y in 1..=ranks { for z in 1..=ranks {
            let procs = [x, y, z];
            let fits = (0..3).all(|a| shape[a] / procs[a] >= halo[a][0].max(halo[a][1]).max(1));
            if x * y * z == ranks && fits {
                least = least.min(cost(shape, procs, halo, periodic));
            }
        }}}
        match chosen {
            Ok(cut) => {
                prop_assert_eq!(cut.ranks(), ranks);
                prop_assert!(cut.check_halo(halo).is_ok());
                prop_assert_eq!(cost(shape, cut.procs(), halo, periodic), least);
            }
            Err(error) => prop_assert_eq!(least, usize::MAX, "{}", error),
        }
    }
}

#[test]
fn one_two_and_four_axes_tile_too() {
    check_cut(&Decomposition::new([17], [5]).unwrap()).unwrap();
    check_cut(&Decomposition::new([7, 9], [3, 4]).unwrap()).unwrap();
    check_cut(&Decomposition::new([3, 4, 5, 6], [2, 1, 3, 4]).unwrap()).unwrap();
}

#[test]
fn cubes_are_cut_into_cubes_and_ties_cut_the_slowest_axis() {
    let procs = |ranks| Decomposition::for_ranks([64; 3], ranks, [[1, 1]; 3], [false; 3]).unwrap().procs();
    assert_eq!(procs(8), [2, 2, 2]);
    assert_eq!(procs(2), [2, 1, 1]);
}

#[test]
fn impossible_cuts_name_their_numbers_and_what_would_work() {
    let error = Decomposition::new([5, 5], [2, 6]).unwrap_err();
    assert!(error.is_geometry());
    assert!(
        error.to_string().contains("axis 1 of 5 cells") && error.to_string().contains("1 to 5"),
        "{error}"
    );
    let error = Decomposition::for_ranks([5], 8, [[2, 2]], [true]).unwrap_err();
    assert!(error.to_string().contains("use at most 2 rank(s)"), "{error}");
    let error = Decomposition::new([5], [4]).unwrap().check_halo([[2, 0]]).unwrap_err();
    assert!(error.to_string().contains("needs ≥ 2 cells per block"), "{error}");
}
