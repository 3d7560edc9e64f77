//! Fields as distributed arrays: gathering and scattering, single points, filling, combining.

use std::fmt::Debug;

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex;
use parhelion::prelude::*;
use parhelion::testing::{on_ranks, on_ranks_and_threads};
use parhelion::{Error, Result};

const RANKS: [usize; 6] = [1, 2, 3, 4, 6, 8];

const CENTRINGS: [Centering; 5] =
    [Centering::Cell, Centering::Node, Centering::Face(0), Centering::Face(2), Centering::Edge(1)];

#[track_caller]
fn assert_refused<T: Debug>(result: Result<T>, texts: &[&str]) -> Error {
    let error = result.unwrap_err();
    assert!(error.is_argument(), "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "'{text}' is not in: {error}");
    }
    error
}

/// The value of a point: its linear index in an array of this shape, made different by component.
fn tag(shape: [usize; 3], [k, j, i]: [usize; 3], component: usize) -> i64 {
    (((k * shape[1] + j) * shape[2] + i) * 10 + component) as i64
}

#[test]
fn what_is_gathered_is_in_place_and_scatters_back() {
    on_ranks_and_threads([(1, 1), (2, 2), (3, 1), (4, 1), (6, 1), (8, 1)], |world| {
        let grid =
            Grid::builder([7, 6, 9]).periodic([false, true, false]).halo_widths([[1, 2], [0, 1], [2, 0]]);
        let grid = grid.build(world)?;
        for (number, centering) in CENTRINGS.into_iter().enumerate() {
            let root = number % world.size();
            let builder = || grid.field_builder::<i64>("tags").centering(centering).components(3);
            let (mut u, mut v) = (builder().build()?, builder().build()?);
            let shape = u.shape_global();
            for component in 0..3 {
                u.component_mut(component).fill_indexed(|index| tag(shape, index, component));
            }
            for component in 0..3 {
                let whole =
                    u.component(component).gather_region(Region::from_shape(u.shape_global()), root)?;
                assert_eq!(whole.is_some(), world.rank() == root);
                let mut sent = None;
                if let Some(whole) = whole {
                    let wanted = Array3::from_shape_fn(shape, |(k, j, i)| tag(shape, [k, j, i], component));
                    assert_eq!(whole, wanted, "{centering:?}, component {component}, root {root}");
                    // Not in standard layout: the same values through a view with swapped axes.
                    sent = Some(wanted.permuted_axes([2, 0, 1]).as_standard_layout().into_owned());
                }
                let view = sent.as_ref().map(|array| array.view().permuted_axes([1, 2, 0]));
                v.component_mut(component).scatter(root, view)?;
                assert!(
                    u.component(component).view().to_ndarray() == v.component(component).view().to_ndarray()
                );
            }
        }
        // An array passed by a rank other than the root is ignored.
        let (mut u, root) = (grid.field::<f32>("u"), world.size() - 1);
        let array = if world.rank() == root { Array3::ones([7, 6, 9]) } else { Array3::zeros([1, 1, 1]) };
        u.scatter(root, Some(array.view()))?;
        assert!(u.interior().iter().all(|&x| x == 1.0));
        Ok(())
    });
}

#[test]
fn transfers_that_cannot_work_are_refused_on_every_rank() {
    on_ranks([1, 3], |world| {
        let grid = Grid::builder([8, 9]).build(world)?;
        let mut u = grid.field_builder::<f64>("speed").components(2).build()?;
        u.fill(4.0);
        let (last, size) = (world.size() - 1, world.size());
        let wrong = Array2::zeros([9, 8]);
        let given = (world.rank() == last).then(|| wrong.view());
        let error = assert_refused(u.scatter(last, given), &["[9, 8]", "'speed'", "[8, 9]"]);
        // The same text everywhere: that of the root.
        assert_eq!(error.to_string().contains("on rank"), size > 1, "{error}");
        assert_refused(u.scatter(last, None), &["passed no array"]);
        let array = Array2::zeros([8, 9]);
        assert_refused(u.component_mut(2).scatter(0, Some(array.view())), &["component 2", "2 component(s)"]);
        assert_refused(u.scatter(size, Some(array.view())), &["cannot scatter", &format!("rank {size}")]);
        assert_refused(u.gather(size), &["cannot gather", &format!("{size} rank(s)")]);
        assert_refused(
            u.component(7).gather_region(Region::from_shape(u.shape_global()), 0),
            &["component 7"],
        );
        assert_refused(u.probe([8, 0]), &["no point [8, 0]", "[8, 9]"]);
        assert_refused(u.component(2).probe([0, 0]), &["component 2"]);
        // Nothing was written, and the ranks are still synchronized.
        assert_eq!(u.probe([7, 8])?, 4.0);
        u.exchange()
    });
}

#[test]
fn points_are_found_by_either_index() {
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([5, 6, 9]).periodic([true, false, false]).build(world)?;
        for centering in CENTRINGS {
            let mut u = grid.field_builder::<i64>("u").centering(centering).build()?;
            let shape = u.shape_global();
            assert_eq!(
                shape,
                std::array::from_fn(|a| { [5, 6, 9][a] + usize::from(a > 0 && centering.staggered(a)) })
            );
            let (region, local) = (u.region_global(), u.region_local());
            assert_eq!((local.start, local.shape()), ([0; 3], region.shape()));
            let mut owned = 0;
            for index in Region::from_shape(shape).indices() {
                let global = index.map(|i| i as usize);
                let found = u.local_index(global);
                assert_eq!(found.is_some(), region.contains(index));
                // Every rank sets every point; the owner does it.
                assert_eq!(u.set_global(global, tag(shape, global, 0)), found.is_some());
                if let Some(local_index) = found {
                    assert_eq!(local_index, std::array::from_fn(|a| index[a] - region.start[a]));
                    assert_eq!(u.get_local(local_index), tag(shape, global, 0));
                    owned += 1;
                }
                assert_eq!(u.get_global(global), found.map(|_| tag(shape, global, 0)));
            }
            assert_eq!(owned, local.len());
            for global in [[0, 0, 0], [4, 5, 8], shape.map(|n| n - 1), shape.map(|n| n / 2)] {
                assert_eq!(u.probe(global)?, tag(shape, global, 0), "{centering:?} {global:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn regions_are_found_in_the_local_frame() {
    on_ranks(RANKS, |world| {
        let grid = Grid::builder([5, 6, 9]).periodic([true, false, false]).build(world)?;
        for centering in CENTRINGS {
            let mut u = grid.field_builder::<i64>("u").centering(centering).build()?;
            assert_eq!(u.region_inside_walls(), u.region_local());
            u.set_boundary(Face::high(1), Boundary::Dirichlet(1))?;
            u.set_boundary(Face::low(2), Boundary::Antireflecting)?;
            u.set_boundary(Face::high(2), Boundary::Neumann(0))?;
            let ([nz, ny, nx], staggered) = (u.shape_global(), |axis| usize::from(centering.staggered(axis)));
            let inside =
                Region::new([0, 0, staggered(2) as isize], [nz, ny - staggered(1), nx].map(|n| n as isize));
            assert_eq!(u.region_inside_walls(), u.to_local(inside), "{centering:?}");
            let part = Region::new([1, -3, 4], [4, 5, 7]);
            let mut owned = u.to_local(part).indices();
            for index in part.intersection(&u.region_global()).indices() {
                assert_eq!(owned.next(), u.local_index(index.map(|i| i as usize)));
            }
            assert_eq!(owned.next(), None);
            assert!(u.to_local(Region::new([0, 0, 20], [5, 6, 30])).is_empty());
        }
        Ok(())
    });
}

#[test]
fn coordinates_are_those_of_the_centering() {
    on_ranks_and_threads([(1, 1), (3, 2), (4, 1)], |world| {
        let grid = Grid::builder([4, 6, 8]).origin([1.0, -3.0, 0.0]).extent([2.0, 3.0, 16.0]).build(world)?;
        assert_eq!((grid.spacing(), grid.origin()), ([0.5, 0.5, 2.0], [1.0, -3.0, 0.0]));
        // The first point of each kind and, at spacing, the point [3, 5, 7].
        let wanted = [
            (Centering::Cell, [1.25, -2.75, 1.0]),
            (Centering::Node, [1.0, -3.0, 0.0]),
            (Centering::Face(0), [1.0, -2.75, 1.0]),
            (Centering::Face(2), [1.25, -2.75, 0.0]),
            (Centering::Edge(1), [1.0, -2.75, 0.0]),
        ];
        for (centering, [z, y, x]) in wanted {
            let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
            let mut v = grid.field_builder::<f64>("v").centering(centering).build()?;
            assert_eq!(u.coordinates([0, 0, 0]), [z, y, x], "{centering:?}");
            assert_eq!(u.coordinates([3, 5, 7]), [z + 1.5, y + 2.5, x + 14.0], "{centering:?}");
            assert_eq!(grid.coordinates([-1, -2, 8], centering), [z - 0.5, y - 1.0, x + 16.0]);
            // By coordinates and by index, the same.
            u.fill_with(|[z, y, x]| 100.0 * z + 10.0 * y + x);
            v.fill_indexed(|[k, j, i]| {
                let [k, j, i] = [k, j, i].map(|n| n as f64);
                100.0 * (z + 0.5 * k) + 10.0 * (y + 0.5 * j) + (x + 2.0 * i)
            });
            assert!(u.interior() == v.interior(), "{centering:?}");
        }
        Ok(())
    });
}

#[test]
fn fields_are_mapped_zipped_copied_and_swapped() {
    on_ranks_and_threads([(1, 1), (1, 3), (3, 2), (4, 1)], |world| {
        let grid = Grid::builder([13, 40]).periodic([true, false]).build(world)?;
        let build = |name| grid.field_builder::<f64>(name).components(2).units("K").build();
        let (mut u, mut v) = (build("u")?, build("v")?);
        let mut weights = grid.field_builder::<Complex<f32>>("weights").components(2).build()?;
        for component in 0..2 {
            let number = move |[j, i]: [usize; 2]| (100 * j + i) as f64 + 0.25 * component as f64;
            u.component_mut(component).fill_indexed(number);
            weights.component_mut(component).fill_indexed(|[j, i]| Complex::new(j as f32, i as f32));
        }
        let holds = |field: &Field<f64, 2>, value: fn(f64, f64, f64) -> f64| {
            let start = field.region_global().start.map(|first| first as usize);
            for component in 0..2 {
                for ((j, i), &found) in field.component(component).view().to_ndarray().indexed_iter() {
                    let [j, i, c] = [j + start[0], i + start[1], component].map(|n| n as f64);
                    assert_eq!(found, value(j, i, c), "component {component} at {j}, {i}");
                }
            }
        };
        u.map_inplace(|x| *x *= 2.0);
        holds(&u, |j, i, c| 200.0 * j + 2.0 * i + 0.5 * c);
        v.copy_from(&u)?;
        u.zip_mut_with(&weights, |x, &w| *x += f64::from(w.re - w.im))?;
        holds(&u, |j, i, c| 201.0 * j + i + 0.5 * c);
        holds(&v, |j, i, c| 200.0 * j + 2.0 * i + 0.5 * c);

        // Values and times are swapped; names and walls stay, so halos become stale.
        u.set_boundary(Face::low(1), Boundary::Dirichlet(7.0))?;
        u.set_time(3.0, 0.5);
        u.exchange()?;
        v.exchange()?;
        u.swap(&mut v)?;
        holds(&u, |j, i, c| 200.0 * j + 2.0 * i + 0.5 * c);
        holds(&v, |j, i, c| 201.0 * j + i + 0.5 * c);
        assert_eq!((u.name(), v.name(), u.time(), v.time(), u.units()), ("u", "v", 0.0, 3.0, "K"));
        assert!(u.halo(Face::low(0)).is_err() && v.halo(Face::low(0)).is_err());
        u.exchange()?;
        if grid.topology().at_wall(Face::low(1)) {
            assert_eq!(u.halo(Face::low(1))?[[0, 0]], 14.0 - u.get_local([0, 0]));
        }
        u.fill(-1.0);
        holds(&u, |_, _, _| -1.0);
        Ok(())
    });
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    on_ranks([1, 2], |world| {
        let grid = Grid::builder([8, 8]).build(world)?;
        let mut u = grid.field::<f64>("u");
        u.fill(1.0);
        let mut others = [
            Grid::builder([8, 8]).build(world)?.field::<f64>("of another grid"),
            grid.field_builder::<f64>("staggered").centering(Centering::Node).build()?,
            grid.field_builder::<f64>("vector").components(2).build()?,
        ];
        for other in &mut others {
            let name = other.name().to_owned();
            let texts = ["'u'", &name, "do not go together", "one grid, centering and number of components"];
            assert_refused(u.copy_from(other), &texts);
            assert_refused(u.zip_mut_with(other, |_, _| {}), &texts);
            assert_refused(u.swap(other), &texts);
        }
        assert!(u.interior().iter().all(|&x| x == 1.0));
        let build = |components, centering| {
            grid.field_builder::<f64>("v").components(components).centering(centering).build()
        };
        assert_refused(build(0, Centering::Cell), &["0 components"]);
        assert_refused(build(1, Centering::Face(2)), &["Face(2)", "axis below 2"]);
        let named = |name, centering| grid.field_builder::<f64>(name).centering(centering).build();
        assert_refused(named("x", Centering::Cell), &["'x'", "coordinates along an axis"]);
        assert_refused(named("y_node", Centering::Face(0)), &["'y_node'", "axis_names"]);
        assert!(named("x", Centering::Node).is_ok() && named("x_node", Centering::Face(0)).is_ok());
        assert_refused(u.set_boundary(Face::low(2), Boundary::Reflecting), &["2 axes"]);
        assert_refused(
            u.component_mut(1).set_boundary(Face::low(0), Boundary::Reflecting),
            &["1 component(s)"],
        );
        let mut counts = grid.field::<i32>("counts");
        assert_refused(
            counts.set_boundary(Face::high(1), Boundary::Neumann(2)),
            &["i32 takes no slope but 0"],
        );
        counts.set_boundary(Face::high(1), Boundary::Neumann(0))
    });
}

#[test]
fn ndarray_views_are_the_local_points() {
    on_ranks([1, 4], |world| {
        let halo = [[1, 2], [2, 1], [1, 1]];
        let grid = Grid::builder([8, 8, 6]).halo_widths(halo).periodic([true; 3]).build(world)?;
        let mut u = grid.field::<i64>("u");
        u.fill_indexed(|index| tag([8, 8, 6], index, 0));
        let start = u.region_global().start;
        let shape = u.region_local().shape();
        assert_eq!(u.interior().shape(), shape);
        assert_eq!(u.interior().sum_axis(Axis(2)).shape(), &shape[..2]);
        for ((k, j, i), value) in u.interior_mut().indexed_iter_mut() {
            let global = [k + start[0] as usize, j + start[1] as usize, i + start[2] as usize];
            assert_eq!(*value, tag([8, 8, 6], global, 0));
            *value += 5;
        }
        u.exchange()?;
        let wanted = |frame: &dyn Fn(usize) -> isize, index: [usize; 3]| {
            let global = |a: usize| (index[a] as isize + start[a] + frame(a)).rem_euclid([8, 8, 6][a]);
            tag([8, 8, 6], [0, 1, 2].map(|a| global(a) as usize), 0) + 5
        };
        let whole = u.whole()?;
        assert_eq!(whole.shape(), [0, 1, 2].map(|a| shape[a] + halo[a][0] + halo[a][1]));
        for ((k, j, i), &value) in whole.indexed_iter() {
            assert_eq!(value, wanted(&|a| -(halo[a][0] as isize), [k, j, i]));
        }
        for face in Face::all::<3>() {
            let layer = u.halo(face)?;
            let side = usize::from(face.high);
            let mut layers = shape;
            layers[face.axis] = halo[face.axis][side];
            assert_eq!(layer.shape(), layers);
            let before = if face.high { shape[face.axis] as isize } else { -(halo[face.axis][0] as isize) };
            for ((k, j, i), &value) in layer.indexed_iter() {
                assert_eq!(
                    value,
                    wanted(&|a| if a == face.axis { before } else { 0 }, [k, j, i]),
                    "{face:?}"
                );
            }
        }
        assert_refused(u.halo(Face::low(3)), &["no axis 3"]);
        Ok(())
    });
}

/// A bilinear function is continued exactly, through edges and corners too, and staggered points on
/// walls are set.
#[test]
fn values_and_slopes_by_place_continue_a_bilinear_function() {
    let exact = |[y, x]: [f64; 2]| 1.0 + 3.0 * y + 2.0 * x + x * y;
    on_ranks([1, 2, 4], |world| {
        let grid = Grid::builder([8, 6]).extent([1.0, 3.0]).halo(2).build(world)?;
        for centering in [Centering::Cell, Centering::Node, Centering::Face(0)] {
            let mut u = grid.field_builder::<f64>("u").centering(centering).build()?;
            u.set_boundary(Face::low(0), Boundary::dirichlet_at(exact))?;
            u.set_boundary(Face::high(0), Boundary::neumann_at(|[_, x]| 3.0 + x))?;
            u.set_boundary(Face::low(1), Boundary::neumann_at(|[y, _]| -2.0 - y))?;
            u.set_boundary(Face::high(1), Boundary::dirichlet_at(exact))?;
            // Values on walls of given value are ignored.
            u.fill_with(|[y, x]| if y == 0.0 || x == 3.0 { -77.0 } else { exact([y, x]) });
            u.exchange()?;
            let start = u.region_global().start;
            let halo = u.region_local().grown([[2; 2]; 2]);
            for index in halo.indices() {
                let place = grid.coordinates([index[0] + start[0], index[1] + start[1]], centering);
                let error = u.component(0).halo_view().get(index) - exact(place);
                assert!(error.abs() < 1e-13, "{centering:?} {index:?}: {error}");
            }
        }
        let mut integers = grid.field::<i32>("integers");
        assert!(integers.set_boundary(Face::low(0), Boundary::neumann_at(|_| 1)).is_err());
        Ok(())
    });
}
