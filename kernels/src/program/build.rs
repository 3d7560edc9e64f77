//! Building programs: expressions of inputs, parameters and constants.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Rem, Sub};

use super::definition::Program;
use super::draft::Draft;
use super::graph::{Id, Node};
use super::operations::{Operation, Real};
use crate::KernelError;

/// Builds a [`Program`] from expressions.
///
/// Expressions are written as in a rule's closure, with `+ − × ÷ %`, [methods](Expression) such as
/// `sqrt` and `min`, comparisons such as `lt`, and [`select`](Condition::select). Numbers stand for
/// constants. Equal parts of expressions are computed once, and operations keep their order, so
/// values have the bits of the closure.
///
/// ```
/// use parhelion_kernels::{Pattern, ProgramBuilder};
///
/// let write = ProgramBuilder::<f64, 2>::new(1); // one input
/// let (u, rate) = (write.input(0), write.parameter("rate", 0.1));
/// let around = u.at([-1, 0]) + u.at([1, 0]) + u.at([0, -1]) + u.at([0, 1]);
/// let heat = write.build([u.center() + rate * (around - 4.0 * u.center())])?;
/// assert_eq!((heat.radius(), heat.pattern()), (1, Pattern::Star));
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// Mistakes, such as an input that does not exist, are errors of [`build`](Self::build).
pub struct ProgramBuilder<T, const N: usize> {
    draft: RefCell<Draft<T, N>>,
}

impl<T: Real, const N: usize> ProgramBuilder<T, N> {
    /// Creates a builder for a program that reads `inputs` arrays.
    pub fn new(inputs: usize) -> Self {
        Self { draft: RefCell::new(Draft::new(inputs)) }
    }

    /// Returns input `number`, counted from 0.
    pub fn input(&self, number: usize) -> ProgramInput<'_, T, N> {
        ProgramInput { builder: self, number }
    }

    /// A constant.
    pub fn constant(&self, value: T) -> Expression<'_, T, N> {
        self.add(Ok(Node::Constant(value)))
    }

    /// A number that [`Program::set_parameter`] can change between calls; its initial value is
    /// `value`. The name must not contain spaces.
    pub fn parameter(&self, name: &str, value: T) -> Expression<'_, T, N> {
        let node = self.draft.borrow_mut().parameter(name, value);
        self.add(node)
    }

    /// The value of output `number` before the program writes it: in a leapfrog scheme, the value
    /// one step earlier.
    pub fn old(&self, number: usize) -> Expression<'_, T, N> {
        self.add(u32::try_from(number).map(Node::Old).map_err(|_| format!("there is no output {number}")))
    }

    /// Time of the values that the program reads.
    pub fn time(&self) -> Expression<'_, T, N> {
        self.add(Ok(Node::Time))
    }

    /// Number of steps made before this one.
    pub fn step(&self) -> Expression<'_, T, N> {
        self.add(Ok(Node::Step))
    }

    /// Global index of the cell along `axis`.
    pub fn index(&self, axis: usize) -> Expression<'_, T, N> {
        self.add(Draft::<T, N>::axis(axis).map(Node::Index))
    }

    /// Position of the cell in space along `axis`.
    pub fn position(&self, axis: usize) -> Expression<'_, T, N> {
        self.add(Draft::<T, N>::axis(axis).map(Node::Position))
    }

    /// Builds the program that writes these values to its outputs, in order.
    ///
    /// # Errors
    /// When there is no output, an input, output or axis does not exist, an offset is too large,
    /// two parameters have the same name, or an expression belongs to another builder.
    pub fn build<'b>(
        &'b self,
        outputs: impl IntoIterator<Item = Expression<'b, T, N>>,
    ) -> Result<Program<T, N>, KernelError> {
        let outputs: Vec<Id> = outputs.into_iter().map(|output| self.own(output)).collect();
        self.draft.borrow().finish(&outputs)
    }

    /// The value of a node, or an error for [`build`](Self::build) to return.
    fn add(&self, node: Result<Node<T, N>, String>) -> Expression<'_, T, N> {
        let mut draft = self.draft.borrow_mut();
        Expression { builder: self, id: draft.add_or_note(node) }
    }

    fn own(&self, expression: Expression<'_, T, N>) -> Id {
        if !std::ptr::eq(self, expression.builder) {
            let message = "expressions of two program builders were mixed; use one builder for a program";
            return self.draft.borrow_mut().add_or_note(Err(message.into()));
        }
        expression.id
    }
}

impl<T: Real, const N: usize> fmt::Debug for ProgramBuilder<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramBuilder of {} values", self.draft.borrow().values())
    }
}

/// An array that a program reads; from [`ProgramBuilder::input`].
#[derive(Clone, Copy, Debug)]
pub struct ProgramInput<'b, T: Real, const N: usize> {
    builder: &'b ProgramBuilder<T, N>,
    number: usize,
}

impl<'b, T: Real, const N: usize> ProgramInput<'b, T, N> {
    /// The value of the cell itself.
    pub fn center(self) -> Expression<'b, T, N> {
        self.at([0; N])
    }

    /// The value at an offset, slowest axis first.
    pub fn at(self, offset: [isize; N]) -> Expression<'b, T, N> {
        let node = self.builder.draft.borrow().load(self.number, offset);
        self.builder.add(node)
    }
}

/// A number that a program computes for every cell.
#[derive(Clone, Copy, Debug)]
pub struct Expression<'b, T: Real, const N: usize> {
    builder: &'b ProgramBuilder<T, N>,
    id: Id,
}

/// An argument of an operation: an [`Expression`] or a number.
pub trait Term<'b, T: Real, const N: usize> {
    /// The argument as an expression of the builder.
    #[doc(hidden)]
    fn expression(self, builder: &'b ProgramBuilder<T, N>) -> Expression<'b, T, N>;
}

impl<'b, T: Real, const N: usize> Term<'b, T, N> for Expression<'b, T, N> {
    fn expression(self, builder: &'b ProgramBuilder<T, N>) -> Self {
        Expression { builder, id: builder.own(self) }
    }
}

impl<'b, T: Real, const N: usize> Term<'b, T, N> for T {
    fn expression(self, builder: &'b ProgramBuilder<T, N>) -> Expression<'b, T, N> {
        builder.constant(self)
    }
}

fn apply<'b, T: Real, const N: usize, const K: usize>(
    builder: &'b ProgramBuilder<T, N>,
    operation: Operation,
    arguments: [Id; K],
) -> Expression<'b, T, N> {
    let node = builder.draft.borrow().apply(operation, &arguments);
    builder.add(node)
}

impl<'b, T: Real, const N: usize> Expression<'b, T, N> {
    fn with(self, operation: Operation, other: impl Term<'b, T, N>) -> Self {
        let other = other.expression(self.builder);
        apply(self.builder, operation, [self.id, other.id])
    }

    fn compared(self, operation: Operation, other: impl Term<'b, T, N>) -> Condition<'b, T, N> {
        Condition(self.with(operation, other))
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident = $operation:ident;)*) => {
        impl<'b, T: Real, const N: usize> Expression<'b, T, N> {
            $($(#[$doc])*
            pub fn $method(self) -> Self {
                apply(self.builder, Operation::$operation, [self.id])
            })*
        }
    };
    ($result:ty, $by:ident: $($(#[$doc:meta])* $method:ident = $operation:ident;)*) => {
        impl<'b, T: Real, const N: usize> Expression<'b, T, N> {
            $($(#[$doc])*
            pub fn $method(self, other: impl Term<'b, T, N>) -> $result {
                self.$by(Operation::$operation, other)
            })*
        }
    };
}

methods! {
    /// The absolute value.
    abs = Abs;
    /// The square root.
    sqrt = Sqrt;
    /// The cube root.
    cbrt = Cbrt;
    /// The exponential function.
    exp = Exp;
    /// `exp(x) − 1`, accurate near 0.
    exp_m1 = ExpM1;
    /// The natural logarithm.
    ln = Ln;
    /// `ln(1 + x)`, accurate near 0.
    ln_1p = Ln1p;
    /// The logarithm to base 2.
    log2 = Log2;
    /// The logarithm to base 10.
    log10 = Log10;
    /// The sine of an angle in radians.
    sin = Sin;
    /// The cosine of an angle in radians.
    cos = Cos;
    /// The tangent of an angle in radians.
    tan = Tan;
    /// The arcsine in radians.
    asin = Asin;
    /// The arccosine in radians.
    acos = Acos;
    /// The arctangent in radians.
    atan = Atan;
    /// The hyperbolic sine.
    sinh = Sinh;
    /// The hyperbolic cosine.
    cosh = Cosh;
    /// The hyperbolic tangent.
    tanh = Tanh;
    /// The largest integer that is not greater.
    floor = Floor;
    /// The smallest integer that is not less.
    ceil = Ceil;
    /// The integer part.
    trunc = Trunc;
    /// The nearest integer; halfway cases are rounded away from 0.
    round = Round;
}

methods! { Self, with:
    /// `self` to the power of `other`.
    pow = Pow;
    /// The four-quadrant arctangent of `self / other`, in radians.
    atan2 = Atan2;
    /// The length of the hypotenuse.
    hypot = Hypot;
    /// The absolute value of `self` with the sign of `other`.
    copysign = Copysign;
    /// The smaller number. If one is NaN, the other; of two zeros, the first.
    min = Min;
    /// The larger number. If one is NaN, the other; of two zeros, the first.
    max = Max;
}

methods! { Condition<'b, T, N>, compared:
    /// Whether `self < other`.
    lt = Lt;
    /// Whether `self ≤ other`.
    le = Le;
    /// Whether `self > other`.
    gt = Gt;
    /// Whether `self ≥ other`.
    ge = Ge;
    /// Whether `self = other`.
    eq = Eq;
    /// Whether `self ≠ other`.
    ne = Ne;
}

macro_rules! operators {
    (@ $trait:ident $method:ident $($t:ty)*) => {$(
        impl<'b, const N: usize> $trait<Expression<'b, $t, N>> for $t {
            type Output = Expression<'b, $t, N>;
            fn $method(self, other: Expression<'b, $t, N>) -> Expression<'b, $t, N> {
                $trait::$method(other.builder.constant(self), other)
            }
        }
    )*};
    ($($trait:ident $method:ident)*) => {$(
        impl<'b, T: Real, const N: usize, R: Term<'b, T, N>> $trait<R> for Expression<'b, T, N> {
            type Output = Self;
            fn $method(self, other: R) -> Self {
                self.with(Operation::$trait, other)
            }
        }
        operators!(@ $trait $method f32 f64);
    )*};
}
operators!(Add add Sub sub Mul mul Div div Rem rem);

impl<T: Real, const N: usize> Neg for Expression<'_, T, N> {
    type Output = Self;
    fn neg(self) -> Self {
        apply(self.builder, Operation::Neg, [self.id])
    }
}

/// A condition that a program evaluates for every cell, from a comparison of [`Expression`]s.
/// Combine conditions with `&`, `|` and `!`.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'b, T: Real, const N: usize>(Expression<'b, T, N>);

impl<'b, T: Real, const N: usize> Condition<'b, T, N> {
    /// `yes` where the condition holds, otherwise `no`. Both are computed everywhere.
    pub fn select(self, yes: impl Term<'b, T, N>, no: impl Term<'b, T, N>) -> Expression<'b, T, N> {
        let builder = self.0.builder;
        let [yes, no] = [yes.expression(builder), no.expression(builder)];
        apply(builder, Operation::Select, [self.0.id, yes.id, no.id])
    }
}

impl<T: Real, const N: usize> BitAnd for Condition<'_, T, N> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0.with(Operation::And, other.0))
    }
}

impl<T: Real, const N: usize> BitOr for Condition<'_, T, N> {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0.with(Operation::Or, other.0))
    }
}

impl<T: Real, const N: usize> Not for Condition<'_, T, N> {
    type Output = Self;
    fn not(self) -> Self {
        Self(apply(self.0.builder, Operation::Not, [self.0.id]))
    }
}
