//! The operations of a program: their names, the kinds of their arguments, and what they compute.

use num_traits::Float;

use crate::Element;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A number.
    Number,
    /// True (stored as 1) or false (0).
    Condition,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Condition => "a condition",
        }
    }
}

fn truth<T: Real>(holds: bool) -> T {
    if holds { T::one() } else { T::zero() }
}

/// `min` and `max` with one answer for NaN (the other number) and for zeros of both signs (the
/// first one), which Rust and IEEE leave open. So vectors and scalars give the same bits.
fn smaller<T: Real>(a: T, b: T) -> T {
    if b < a || a.is_nan() { b } else { a }
}

fn larger<T: Real>(a: T, b: T) -> T {
    if b > a || a.is_nan() { b } else { a }
}

macro_rules! operations {
    ($($op:ident $name:literal ($($arg:ident: $kind:ident),+) -> $result:ident = $body:expr;)*) => {
        /// An operation on one to three values.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Operation { $($op),* }

        impl Operation {
            pub(super) const ALL: &'static [Self] = &[$(Self::$op),*];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$op => $name),* }
            }

            /// Kinds of the arguments.
            pub(super) const fn arguments(self) -> &'static [Kind] {
                match self { $(Self::$op => &[$(Kind::$kind),+]),* }
            }

            pub(super) const fn result(self) -> Kind {
                match self { $(Self::$op => Kind::$result),* }
            }

            /// The result for single values. Values beyond the number of arguments are ignored.
            pub(super) fn of<T: Real>(self, values: [T; 3]) -> T {
                match self {
                    $(Self::$op => {
                        let [$($arg,)+ ..] = values;
                        $body
                    })*
                }
            }

            /// Writes the results for rows of values to `target`.
            #[inline(always)]
            pub(super) fn of_rows<T: Real>(self, target: &mut [T], rows: [&[T]; 3]) {
                let n = target.len();
                match self {
                    $(Self::$op => {
                        let [$($arg,)+ ..] = rows;
                        $(let $arg = &$arg[..n];)+
                        for i in 0..n {
                            $(let $arg = $arg[i];)+
                            target[i] = $body;
                        }
                    })*
                }
            }
        }
    };
}

operations! {
    Neg "neg" (a: Number) -> Number = -a;
    Abs "abs" (a: Number) -> Number = a.abs();
    Sqrt "sqrt" (a: Number) -> Number = a.sqrt();
    Cbrt "cbrt" (a: Number) -> Number = a.cbrt();
    Exp "exp" (a: Number) -> Number = a.exp();
    ExpM1 "exp_m1" (a: Number) -> Number = a.exp_m1();
    Ln "ln" (a: Number) -> Number = a.ln();
    Ln1p "ln_1p" (a: Number) -> Number = a.ln_1p();
    Log2 "log2" (a: Number) -> Number = a.log2();
    Log10 "log10" (a: Number) -> Number = a.log10();
    Sin "sin" (a: Number) -> Number = a.sin();
    Cos "cos" (a: Number) -> Number = a.cos();
    Tan "tan" (a: Number) -> Number = a.tan();
    Asin "asin" (a: Number) -> Number = a.asin();
    Acos "acos" (a: Number) -> Number = a.acos();
    Atan "atan" (a: Number) -> Number = a.atan();
    Sinh "sinh" (a: Number) -> Number = a.sinh();
    Cosh "cosh" (a: Number) -> Number = a.cosh();
    Tanh "tanh" (a: Number) -> Number = a.tanh();
    Floor "floor" (a: Number) -> Number = a.floor();
    Ceil "ceil" (a: Number) -> Number = a.ceil();
    Trunc "trunc" (a: Number) -> Number = a.trunc();
    Round "round" (a: Number) -> Number = a.round();
    Add "add" (a: Number, b: Number) -> Number = a + b;
    Sub "sub" (a: Number, b: Number) -> Number = a - b;
    Mul "mul" (a: Number, b: Number) -> Number = a * b;
    Div "div" (a: Number, b: Number) -> Number = a / b;
    Rem "rem" (a: Number, b: Number) -> Number = a % b;
    Pow "pow" (a: Number, b: Number) -> Number = a.powf(b);
    Atan2 "atan2" (a: Number, b: Number) -> Number = a.atan2(b);
    Hypot "hypot" (a: Number, b: Number) -> Number = a.hypot(b);
    Copysign "copysign" (a: Number, b: Number) -> Number = a.copysign(b);
    Min "min" (a: Number, b: Number) -> Number = smaller(a, b);
    Max "max" (a: Number, b: Number) -> Number = larger(a, b);
    Lt "lt" (a: Number, b: Number) -> Condition = truth(a < b);
    Le "le" (a: Number, b: Number) -> Condition = truth(a <= b);
    Gt "gt" (a: Number, b: Number) -> Condition = truth(a > b);
    Ge "ge" (a: Number, b: Number) -> Condition = truth(a >= b);
    Eq "eq" (a: Number, b: Number) -> Condition = truth(a == b);
    Ne "ne" (a: Number, b: Number) -> Condition = truth(a != b);
    Not "not" (a: Condition) -> Condition = T::one() - a;
    And "and" (a: Condition, b: Condition) -> Condition = a * b;
    Or "or" (a: Condition, b: Condition) -> Condition = larger(a, b);
    Select "select" (c: Condition, a: Number, b: Number) -> Number = if c != T::zero() { a } else { b };
}

impl Operation {
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }
}

/// One step of a chain: what becomes of the value so far, and the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Add,
    Sub,
    /// The next value minus the value so far.
    From,
    Mul,
}

const LINKS: [Link; 4] = [Link::Add, Link::Sub, Link::From, Link::Mul];

#[inline(always)]
fn linked<T: Real, const LINK: usize>(so_far: T, next: T) -> T {
    match const { LINKS[LINK] } {
        Link::Add => so_far + next,
        Link::Sub => so_far - next,
        Link::From => next - so_far,
        Link::Mul => so_far * next,
    }
}

/// `target = (rows[0] link rows[1]) link rows[2]`, one loop for each pair of links.
///
/// A chain of three or four values moves about half as many rows through the first-level cache as
/// its operations one by one, and the rows' loads and stores are what a program waits for.
#[inline(always)]
pub(super) fn chain_of_3<T: Real>(target: &mut [T], rows: [&[T]; 3], links: [Link; 2]) {
    macro_rules! second {
        ($first:literal) => {
            match links[1] {
                Link::Add => three::<T, $first, 0>(target, rows),
                Link::Sub => three::<T, $first, 1>(target, rows),
                Link::From => three::<T, $first, 2>(target, rows),
                Link::Mul => three::<T, $first, 3>(target, rows),
            }
        };
    }
    match links[0] {
        Link::Add => second!(0),
        Link::Sub => second!(1),
        Link::From => second!(2),
        Link::Mul => second!(3),
    }
}

#[inline(always)]
fn three<T: Real, const F: usize, const S: usize>(target: &mut [T], rows: [&[T]; 3]) {
    let n = target.len();
    let [a, b, c] = rows.map(|row| &row[..n]);
    for i in 0..n {
        target[i] = linked::<T, S>(linked::<T, F>(a[i], b[i]), c[i]);
    }
}

/// `target = ((rows[0] link rows[1]) link rows[2]) link rows[3]`.
#[inline(always)]
pub(super) fn chain_of_4<T: Real>(target: &mut [T], rows: [&[T]; 4], links: [Link; 3]) {
    macro_rules! third {
        ($first:literal, $second:literal) => {
            match links[2] {
                Link::Add => four::<T, $first, $second, 0>(target, rows),
                Link::Sub => four::<T, $first, $second, 1>(target, rows),
                Link::From => four::<T, $first, $second, 2>(target, rows),
                Link::Mul => four::<T, $first, $second, 3>(target, rows),
            }
        };
    }
    macro_rules! second {
        ($first:literal) => {
            match links[1] {
                Link::Add => third!($first, 0),
                Link::Sub => third!($first, 1),
                Link::From => third!($first, 2),
                Link::Mul => third!($first, 3),
            }
        };
    }
    match links[0] {
        Link::Add => second!(0),
        Link::Sub => second!(1),
        Link::From => second!(2),
        Link::Mul => second!(3),
    }
}

#[inline(always)]
fn four<T: Real, const F: usize, const S: usize, const L: usize>(target: &mut [T], rows: [&[T]; 4]) {
    let n = target.len();
    let [a, b, c, d] = rows.map(|row| &row[..n]);
    for i in 0..n {
        target[i] = linked::<T, L>(linked::<T, S>(linked::<T, F>(a[i], b[i]), c[i]), d[i]);
    }
}

/// An element type that programs compute with: `f32` or `f64`. The trait is sealed.
pub trait Real: Element + Float + super::run::Interpreted {}

impl Real for f32 {}
impl Real for f64 {}
