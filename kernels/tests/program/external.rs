//! Functions by address, as a C compiler or Numba makes them.
#![allow(unsafe_code, reason = "row functions get addresses")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parhelion_kernels::{
    ExternalRule, Neighborhood, Pattern, Places, Pool, ProgramBuilder, Region, RuntimeRule, View, ViewMut,
};

use crate::{bits, computed, filled};

/// Counts the rows of all tests that use it.
static ROWS: AtomicUsize = AtomicUsize::new(0);

/// Two outputs from two inputs on two axes: a diffusion with a coefficient, and the old value plus
/// the cell's position and the time.
unsafe extern "C" fn diffuse(
    outputs: *const *mut f64,
    inputs: *const *const f64,
    strides: *const isize,
    len: usize,
    parameters: *const f64,
    clock: *const f64,
    _indices: *const *const isize,
    positions: *const *const f64,
) {
    ROWS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the contract of `RuntimeRule::external`, with two arrays on either side.
    unsafe {
        let (u, k, next, sum) = (*inputs, *inputs.add(1), *outputs, *outputs.add(1));
        let row = *strides;
        let (time, x) = (*clock, *positions.add(1));
        for i in 0..len as isize {
            let u = u.offset(i);
            let around = *u.offset(-row) + *u.offset(row) + *u.offset(-1) + *u.offset(1);
            *next.offset(i) = *u + *parameters * *k.offset(i) * (around - 4.0 * *u);
            *sum.offset(i) += *x.offset(i) + time;
        }
    }
}

fn external(owner: Arc<dyn std::any::Any + Send + Sync>) -> RuntimeRule<f64, 2> {
    let rule = ExternalRule {
        function: diffuse,
        inputs: vec![Neighborhood { radius: 1, pattern: Pattern::Star }, Neighborhood::CENTER],
        outputs: 2,
        reads_old: true,
        reads_place: true,
        parameters: vec![("rate".into(), 0.0)],
        owner,
    };
    // SAFETY: `diffuse` reads the neighbors on the axes and the cell, and writes the row's cells.
    unsafe { RuntimeRule::external(rule) }.unwrap()
}

#[test]
fn a_function_by_address_is_a_program() {
    let owner = Arc::new("a library");
    let mut rule = external(owner.clone());
    rule.set_parameter("rate", 0.2).unwrap();
    assert_eq!((rule.inputs(), rule.outputs(), rule.radius(), rule.reads_old()), (2, 2, 1, true));

    let write = ProgramBuilder::<f64, 2>::new(2);
    let (u, k, rate) = (write.input(0), write.input(1), write.parameter("rate", 0.2));
    let around = u.at([-1, 0]) + u.at([1, 0]) + u.at([0, -1]) + u.at([0, 1]);
    let next = u.center() + rate * k.center() * (around - 4.0 * u.center());
    let sum = write.old(1) + (write.position(1) + write.time());
    let program = RuntimeRule::from(write.build([next, sum]).unwrap());

    let x: Vec<f64> = (0..35).map(|i| 0.25 + (f64::from(i) * 0.1).sqrt()).collect();
    let indices: Vec<isize> = (40..75).collect();
    let places = Places::new([&indices[..9], &indices], [&x[..9], &x], [0, 0]).at(1.5, 2);
    for threads in [1, 2, 3] {
        let pool = Pool::new(threads).unwrap();
        let inputs = [filled(&pool, [9, 35], 1, 1), filled(&pool, [9, 35], 1, 2)];
        let cells = inputs[0].layout().interior();
        let before = ROWS.load(Ordering::Relaxed);
        let found = computed(&pool, &rule, &[&inputs[0], &inputs[1]], cells, Some(places));
        assert!(ROWS.load(Ordering::Relaxed) >= before + 9);
        let expected = computed(&pool, &program, &[&inputs[0], &inputs[1]], cells, Some(places));
        assert_eq!(bits(&found[0]), bits(&expected[0]));
        assert_eq!(bits(&found[1]), bits(&expected[1]));
    }
    let copy = rule.clone();
    drop(rule);
    assert_eq!(Arc::strong_count(&owner), 2);
    drop(copy);
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let rule = external(Arc::new(()));
    let pool = Pool::new(1).unwrap();
    let (whole, cells) = (Region::from_shape([4, 4]), Region::new([1, 1], [3, 3]));
    let u = [0.0; 16];
    let (mut a, mut b) = ([0.0; 16], [0.0; 16]);
    let places = Places::new([&[0, 1, 2, 3]; 2], [&[0.0; 4]; 2], [0, 0]);
    let mut sweep = |outputs: usize, region, inputs: &[View<'_, f64, 2>]| {
        let views =
            [&mut a, &mut b].into_iter().take(outputs).map(|a| ViewMut::from_slice(a, whole)).collect();
        rule.sweep(&pool, region, views, inputs, Some(places)).map_err(|error| error.to_string())
    };
    let view = View::from_slice(&u, whole);
    sweep(2, cells, &[view, view]).unwrap();
    assert!(sweep(1, cells, &[view, view]).unwrap_err().contains("was given 1 outputs and 2 inputs"));
    assert!(sweep(2, cells, &[view]).unwrap_err().contains("2 outputs and 1 inputs"));
    assert!(sweep(2, whole, &[view, view]).unwrap_err().contains("input 0 has only [0..4, 0..4]"));
    let outside = whole.shifted([1, 0]);
    assert!(sweep(2, outside, &[view, view]).unwrap_err().contains("not all in an output"));

    let views = [&mut a, &mut b].map(|a| ViewMut::from_slice(a, whole)).into();
    let placeless = rule.sweep(&pool, cells, views, &[view, view], None).unwrap_err();
    assert!(placeless.to_string().contains("asks for its place"), "{placeless}");

    // SAFETY: never called.
    let none = unsafe {
        RuntimeRule::<f64, 2>::external(ExternalRule {
            function: diffuse,
            inputs: vec![],
            outputs: 0,
            reads_old: false,
            reads_place: false,
            parameters: vec![],
            owner: Arc::new(()),
        })
    };
    assert!(none.unwrap_err().to_string().contains("at least one output"));
}
