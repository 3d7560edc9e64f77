//! Random expressions against a scalar evaluator that walks the tree.

use parhelion_kernels::{Condition, Expression, Places, Pool, Program, ProgramBuilder, RuntimeRule, View};
use proptest::prelude::*;

use crate::{computed, filled};

#[derive(Clone, Debug)]
enum Tree {
    Constant(f64),
    Parameter(usize),
    Load(usize, [isize; 2]),
    Time,
    Step,
    Index(usize),
    Position(usize),
    One(usize, Box<Tree>),
    Two(usize, Box<Tree>, Box<Tree>),
    /// `if a < b and not (c = d) or a ≥ d { c } else { d }`
    Choose(Box<[Tree; 4]>),
}

const PARAMETERS: [f64; 2] = [0.37, -1.25];

type E<'b> = Expression<'b, f64, 2>;

type OfOne = (fn(f64) -> f64, for<'b> fn(E<'b>) -> E<'b>);

const ONE: [OfOne; 12] = [
    (|a| -a, |a| -a),
    (f64::abs, |a| a.abs()),
    (f64::sqrt, |a| a.sqrt()),
    (f64::exp, |a| a.exp()),
    (f64::ln, |a| a.ln()),
    (f64::sin, |a| a.sin()),
    (f64::tanh, |a| a.tanh()),
    (f64::floor, |a| a.floor()),
    (f64::ceil, |a| a.ceil()),
    (f64::round, |a| a.round()),
    (f64::cbrt, |a| a.cbrt()),
    (f64::atan, |a| a.atan()),
];

type OfTwo = (fn(f64, f64) -> f64, for<'b> fn(E<'b>, E<'b>) -> E<'b>);

const TWO: [OfTwo; 13] = [
    (|a, b| a + b, |a, b| a + b),
    (|a, b| a - b, |a, b| a - b),
    (|a, b| a * b, |a, b| a * b),
    // Sums and products several times: chains of them are computed together.
    (|a, b| a + b, |a, b| a + b),
    (|a, b| a - b, |a, b| a - b),
    (|a, b| a * b, |a, b| a * b),
    (|a, b| a / b, |a, b| a / b),
    (|a, b| a % b, |a, b| a % b),
    (f64::powf, |a, b| a.pow(b)),
    (f64::atan2, |a, b| a.atan2(b)),
    (f64::copysign, |a, b| a.copysign(b)),
    (|a, b| if a.is_nan() || b < a { b } else { a }, |a, b| a.min(b)),
    (|a, b| if a.is_nan() || b > a { b } else { a }, |a, b| a.max(b)),
];

impl Tree {
    fn build<'b>(&self, write: &'b ProgramBuilder<f64, 2>, parameters: &[E<'b>]) -> E<'b> {
        let build = |tree: &Tree| tree.build(write, parameters);
        match self {
            Self::Constant(value) => write.constant(*value),
            Self::Parameter(number) => parameters[*number],
            Self::Load(input, offset) => write.input(*input).at(*offset),
            Self::Time => write.time(),
            Self::Step => write.step(),
            Self::Index(axis) => write.index(*axis),
            Self::Position(axis) => write.position(*axis),
            Self::One(number, a) => ONE[*number].1(build(a)),
            Self::Two(number, a, b) => TWO[*number].1(build(a), build(b)),
            Self::Choose(parts) => {
                let [a, b, c, d] = parts.each_ref().map(build);
                let condition: Condition<'_, f64, 2> = a.lt(b) & !c.eq(d) | a.ge(d);
                condition.select(c, d)
            }
        }
    }

    fn value(&self, inputs: &[View<'_, f64, 2>], step: u64, index: [isize; 2]) -> f64 {
        let value = |tree: &Tree| tree.value(inputs, step, index);
        match self {
            Self::Constant(value) => *value,
            Self::Parameter(number) => PARAMETERS[*number],
            Self::Load(input, offset) => inputs[*input].get([index[0] + offset[0], index[1] + offset[1]]),
            Self::Time => TIME,
            Self::Step => step as f64,
            Self::Index(axis) => global(*axis, index[*axis]) as f64,
            Self::Position(axis) => position(*axis, index[*axis]),
            Self::One(number, a) => ONE[*number].0(value(a)),
            Self::Two(number, a, b) => TWO[*number].0(value(a), value(b)),
            Self::Choose(parts) => {
                let [a, b, c, d] = parts.each_ref().map(value);
                if a < b && c != d || a >= d { c } else { d }
            }
        }
    }
}

const TIME: f64 = 0.7;

fn global(axis: usize, index: isize) -> isize {
    (index + [100, -7][axis]).rem_euclid(50)
}

/// Positions at unequal distances.
fn position(axis: usize, index: isize) -> f64 {
    (global(axis, index) as f64 * 0.3).exp2() - axis as f64
}

fn trees() -> impl Strategy<Value = Tree> {
    let offset = || prop::array::uniform2(-2_isize..3);
    let leaf = prop_oneof![
        2 => prop_oneof![Just(0.0), Just(-0.0), Just(1.0), Just(-3.5), -10.0..10.0].prop_map(Tree::Constant),
        1 => (0_usize..2).prop_map(Tree::Parameter),
        6 => (0_usize..2, offset()).prop_map(|(input, offset)| Tree::Load(input, offset)),
        1 => Just(Tree::Time),
        1 => Just(Tree::Step),
        1 => (0_usize..2).prop_map(Tree::Index),
        1 => (0_usize..2).prop_map(Tree::Position),
    ];
    leaf.prop_recursive(7, 80, 4, |inner| {
        prop_oneof![
            1 => (0..ONE.len(), inner.clone()).prop_map(|(number, a)| Tree::One(number, Box::new(a))),
            4 => (0..TWO.len(), inner.clone(), inner.clone())
                .prop_map(|(number, a, b)| Tree::Two(number, Box::new(a), Box::new(b))),
            1 => prop::array::uniform4(inner).prop_map(|parts| Tree::Choose(Box::new(parts))),
        ]
    })
}

fn same(a: f64, b: f64) -> bool {
    // Which of two NaNs an operation returns is not defined.
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn programs_give_the_bits_of_a_scalar_evaluator(
        trees in prop::collection::vec(trees(), 1..4),
        shape in (1_usize..4, prop_oneof![1_usize..40, Just(300), Just(700)]),
        threads in 1_usize..4,
        step in 0_u64..9,
    ) {
        let pool = Pool::new(threads).unwrap();
        let write = ProgramBuilder::new(2);
        let parameters = [write.parameter("a", PARAMETERS[0]), write.parameter("b", 77.0)];
        let outputs: Vec<_> = trees.iter().map(|tree| tree.build(&write, &parameters)).collect();
        let mut program = write.build(outputs).unwrap();
        program.set_parameter("b", PARAMETERS[1]).unwrap();

        let arrays = [1, 2].map(|seed| filled(&pool, [shape.0, shape.1], 2, seed));
        let cells = arrays[0].layout().interior();
        let extents = [0..shape.0 as isize, 0..shape.1 as isize];
        let along = |axis: usize| extents[axis].clone();
        let indices = [0, 1].map(|axis| along(axis).map(|i| global(axis, i)).collect::<Vec<_>>());
        let positions = [0, 1].map(|axis| along(axis).map(|i| position(axis, i)).collect::<Vec<_>>());
        let places = Places::new(
            indices.each_ref().map(Vec::as_slice),
            positions.each_ref().map(Vec::as_slice),
            [0, 0],
        );
        let places = places.at(TIME, step);
        // Through its text as well.
        let again: Program<f64, 2> = program.to_string().parse().unwrap();
        prop_assert_eq!(again.to_string(), program.to_string());
        for program in [program, again] {
            let rule = RuntimeRule::from(program);
            let results = computed(&pool, &rule, &[&arrays[0], &arrays[1]], cells, Some(places));
            let views = [arrays[0].view(), arrays[1].view()];
            for (tree, result) in trees.iter().zip(&results) {
                for (index, &found) in cells.indices().zip(result) {
                    let expected = tree.value(&views, step, index);
                    prop_assert!(same(found, expected), "{index:?}: {found:?}, not {expected:?}, of\n{rule:?}");
                }
            }
        }
    }
}
