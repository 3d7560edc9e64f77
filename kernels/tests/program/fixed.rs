//! Well-known rules against the closures that they stand for.

use parhelion_kernels::{
    Neighborhood, Pattern, Point, Pool, ProgramBuilder, RuntimeRule, StarPoint, ViewMut, sweep, update,
};

use crate::{bits, computed, filled};

#[test]
fn heat_of_7_points() {
    let write = ProgramBuilder::<f64, 3>::new(1);
    let (u, rate) = (write.input(0), write.parameter("rate", 0.1));
    let around = u.at([-1, 0, 0])
        + u.at([1, 0, 0])
        + u.at([0, -1, 0])
        + u.at([0, 1, 0])
        + u.at([0, 0, -1])
        + u.at([0, 0, 1]);
    let heat = RuntimeRule::from(write.build([u.center() + rate * (around - 6.0 * u.center())]).unwrap());
    assert_eq!(heat.neighborhoods(), [Neighborhood { radius: 1, pattern: Pattern::Star }]);

    for (threads, shape) in [(1, [5, 6, 7]), (2, [3, 9, 600]), (3, [4, 4, 16])] {
        let pool = Pool::new(threads).unwrap();
        let input = filled(&pool, shape, 1, 3);
        let cells = input.layout().interior();
        let mut expected = vec![0.0; cells.len()];
        sweep(
            &pool,
            cells,
            ViewMut::from_slice(&mut expected, cells),
            input.view().star_reach::<1>(),
            |u: StarPoint<'_, f64, 3, 1>| {
                let around = u.at::<-1, 0, 0>()
                    + u.at::<1, 0, 0>()
                    + u.at::<0, -1, 0>()
                    + u.at::<0, 1, 0>()
                    + u.at::<0, 0, -1>()
                    + u.at::<0, 0, 1>();
                u.center() + 0.1 * (around - 6.0 * u.center())
            },
        )
        .unwrap();
        let found = computed(&pool, &heat, &[&input], cells, None);
        assert_eq!(bits(&found[0]), bits(&expected));
    }
}

const WEIGHTS: [f64; 5] = [-2.847, 1.6, -0.2, 0.025_396, -0.001_785];

#[test]
fn star_of_25_points() {
    let write = ProgramBuilder::<f64, 3>::new(1);
    let u = write.input(0);
    let mut sum = 3.0 * WEIGHTS[0] * u.center();
    for (distance, weight) in (1..).zip(&WEIGHTS[1..]) {
        for axis in 0..3 {
            let mut offset = [0; 3];
            offset[axis] = distance;
            sum = sum + *weight * (u.at(offset.map(|i: isize| -i)) + u.at(offset));
        }
    }
    let star = RuntimeRule::from(write.build([u.center() + 0.01 * sum]).unwrap());
    assert_eq!((star.radius(), star.pattern()), (4, Pattern::Star));

    let pool = Pool::new(2).unwrap();
    let input = filled(&pool, [6, 7, 90], 4, 5);
    let cells = input.layout().interior();
    let mut expected = vec![0.0; cells.len()];
    sweep(
        &pool,
        cells,
        ViewMut::from_slice(&mut expected, cells),
        input.view().star_reach::<4>(),
        |u: StarPoint<'_, f64, 3, 4>| {
            let mut sum = 3.0 * WEIGHTS[0] * u.center();
            for (distance, weight) in (1..).zip(&WEIGHTS[1..]) {
                for axis in 0..3 {
                    let mut offset = [0; 3];
                    offset[axis] = distance;
                    sum += weight * (u.at_offset(offset.map(|i: isize| -i)) + u.at_offset(offset));
                }
            }
            u.center() + 0.01 * sum
        },
    )
    .unwrap();
    assert_eq!(bits(&computed(&pool, &star, &[&input], cells, None)[0]), bits(&expected));
}

#[test]
fn gray_scott_with_its_two_fields() {
    let write = ProgramBuilder::<f64, 2>::new(2);
    let (u, v) = (write.input(0), write.input(1));
    let [lu, lv] =
        [u, v].map(|u| u.at([-1, 0]) + u.at([1, 0]) + u.at([0, -1]) + u.at([0, 1]) - 4.0 * u.center());
    let (u, v) = (u.center(), v.center());
    let uvv = u * v * v;
    let rule =
        write.build([u + (0.16 * lu - uvv + 0.035 * (1.0 - u)), v + (0.08 * lv + uvv - 0.1 * v)]).unwrap();
    // u·v·v is computed once.
    assert_eq!(rule.to_string().lines().filter(|line| line.contains(" = mul ")).count(), 8);
    let rule = RuntimeRule::from(rule);

    let pool = Pool::new(2).unwrap();
    let inputs = [filled(&pool, [20, 50], 1, 1), filled(&pool, [20, 50], 1, 2)];
    let cells = inputs[0].layout().interior();
    let (mut a, mut b) = (vec![0.0; cells.len()], vec![0.0; cells.len()]);
    type Both<'p> = (StarPoint<'p, f64, 2, 1>, StarPoint<'p, f64, 2, 1>);
    sweep(
        &pool,
        cells,
        (ViewMut::from_slice(&mut a, cells), ViewMut::from_slice(&mut b, cells)),
        (inputs[0].view().star_reach::<1>(), inputs[1].view().star_reach::<1>()),
        |(u, v): Both<'_>| {
            let [lu, lv] = [u, v].map(|u| {
                u.at::<-1, 0>() + u.at::<1, 0>() + u.at::<0, -1>() + u.at::<0, 1>() - 4.0 * u.center()
            });
            let (u, v) = (u.center(), v.center());
            let uvv = u * v * v;
            (u + (0.16 * lu - uvv + 0.035 * (1.0 - u)), v + (0.08 * lv + uvv - 0.1 * v))
        },
    )
    .unwrap();
    let found = computed(&pool, &rule, &[&inputs[0], &inputs[1]], cells, None);
    assert_eq!((bits(&found[0]), bits(&found[1])), (bits(&a), bits(&b)));
}

/// The old values of both outputs are read before either is written.
#[test]
fn old_values_of_outputs() {
    let write = ProgramBuilder::<f64, 1>::new(1);
    let (u, before, other) = (write.input(0), write.old(0), write.old(1));
    let rule = write
        .build([
            2.0 * u.center() - before + 0.25 * (u.at([-1]) - 2.0 * u.center() + u.at([1])),
            before - other,
        ])
        .unwrap();
    assert!(rule.reads_old());
    let swap = ProgramBuilder::<f64, 1>::new(0);
    let swap = RuntimeRule::from(swap.build([swap.old(1), swap.old(0)]).unwrap());
    let rule = RuntimeRule::from(rule);

    let pool = Pool::new(2).unwrap();
    let input = filled(&pool, [700], 1, 4);
    let cells = input.layout().interior();
    let start: [Vec<f64>; 2] = [1, 2].map(|seed| {
        let array = filled(&pool, [700], 0, seed);
        array.view().row([0], 700).to_vec()
    });
    let (mut found, mut expected) = (start.clone(), start.clone());
    let views = found.iter_mut().map(|output| ViewMut::from_slice(output, cells)).collect();
    rule.sweep(&pool, cells, views, &[input.view()], None).unwrap();
    let [a, b] = &mut expected;
    let outputs = (ViewMut::from_slice(a, cells), ViewMut::from_slice(b, cells));
    update(&pool, cells, outputs, input.view().reach::<1>(), |(before, other), u: Point<'_, f64, 1, 1>| {
        let wave = 2.0 * u.center() - before + 0.25 * (u.at::<-1>() - 2.0 * u.center() + u.at::<1>());
        (wave, before - other)
    })
    .unwrap();
    assert_eq!(found.each_ref().map(|values| bits(values)), expected.each_ref().map(|values| bits(values)));

    let mut swapped = start.clone();
    let views = swapped.iter_mut().map(|output| ViewMut::from_slice(output, cells)).collect();
    swap.sweep(&pool, cells, views, &[], None).unwrap();
    assert_eq!(swapped, [start[1].clone(), start[0].clone()]);
}

#[test]
fn limiters_and_branches() {
    let write = ProgramBuilder::<f64, 1>::new(1);
    let u = write.input(0);
    let (left, right) = (u.center() - u.at([-1]), u.at([1]) - u.center());
    let minmod = (left * right).gt(0.0).select(left.abs().lt(right.abs()).select(left, right), 0.0);
    let rule = RuntimeRule::from(write.build([minmod, left.min(right).max(-0.5)]).unwrap());

    let pool = Pool::new(1).unwrap();
    let input = filled(&pool, [333], 1, 8);
    let cells = input.layout().interior();
    let found = computed(&pool, &rule, &[&input], cells, None);
    for [i] in cells.indices() {
        let at = |i| input.view().get([i]);
        let (left, right): (f64, f64) = (at(i) - at(i - 1), at(i + 1) - at(i));
        let minmod = match (left * right > 0.0, left.abs() < right.abs()) {
            (false, _) => 0.0,
            (true, true) => left,
            (true, false) => right,
        };
        assert_eq!(found[0][i as usize].to_bits(), minmod.to_bits());
        assert_eq!(found[1][i as usize], left.min(right).max(-0.5));
    }
}

#[test]
fn single_precision_rounds_as_the_closure_does() {
    let write = ProgramBuilder::<f32, 1>::new(1);
    let u = write.input(0);
    let rule = RuntimeRule::from(write.build([(0.1 * u.at([1]) + u.center() / 3.0).sqrt()]).unwrap());
    let pool = Pool::new(1).unwrap();
    let input: Vec<f32> = (0..51).map(|i| i as f32 * 0.7).collect();
    let cells = parhelion_kernels::Region::from_shape([50]);
    let mut found = vec![0.0_f32; 50];
    let view = parhelion_kernels::View::from_slice(&input, parhelion_kernels::Region::from_shape([51]));
    // The cell before the first is not read, but it is within the radius.
    let inner = cells.shrunk([[1, 0]]);
    rule.sweep(&pool, inner, vec![ViewMut::from_slice(&mut found, cells)], &[view], None).unwrap();
    for i in 1..50 {
        let expected = (0.1 * input[i + 1] + input[i] / 3.0).sqrt();
        assert_eq!(found[i].to_bits(), expected.to_bits());
    }
}
