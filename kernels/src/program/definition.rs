//! Programs: rules made at run time from expressions.

use std::fmt;

use super::code::Code;
use super::graph::{Id, Node};
use super::operations::Real;
use super::run;
use crate::{KernelError, Pattern, Places, Region, View, ViewMut};

/// The neighbors that a rule reads of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Neighborhood {
    /// Cells read along each axis.
    pub radius: usize,
    /// Neighbors on the axes only, or in the whole box.
    pub pattern: Pattern,
}

impl Neighborhood {
    /// The cell itself.
    pub const CENTER: Self = Self { radius: 0, pattern: Pattern::Star };

    /// The largest radius.
    pub(super) const FARTHEST: usize = 1 << 16;

    /// # Errors
    /// When the radius is too large.
    pub(super) fn check(&self) -> Result<(), KernelError> {
        if self.radius <= Self::FARTHEST {
            return Ok(());
        }
        let message =
            format!("the radius {} is too large; it may be at most {}", self.radius, Self::FARTHEST);
        Err(KernelError::new(message))
    }

    /// Adds the neighbor at `offset`.
    pub(super) fn extend<const N: usize>(&mut self, offset: [isize; N]) {
        self.radius = offset.iter().fold(self.radius, |radius, i| radius.max(i.unsigned_abs()));
        if offset.iter().filter(|&&i| i != 0).count() > 1 {
            self.pattern = Pattern::Box;
        }
    }

    /// The neighbors that any of `neighborhoods` contains.
    pub fn of_all(neighborhoods: &[Self]) -> Self {
        let radius = neighborhoods.iter().map(|read| read.radius).max().unwrap_or(0);
        let on_axes = neighborhoods.iter().all(|read| read.pattern == Pattern::Star);
        Self { radius, pattern: if on_axes { Pattern::Star } else { Pattern::Box } }
    }
}

/// A number that may change between calls.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter<T> {
    pub(super) name: String,
    pub(super) value: T,
}

impl<T> Parameter<T> {
    /// # Errors
    /// When there is no parameter of this name.
    pub(super) fn set(parameters: &mut [Self], name: &str, value: T) -> Result<(), KernelError> {
        if let Some(parameter) = parameters.iter_mut().find(|parameter| parameter.name == name) {
            parameter.value = value;
            return Ok(());
        }
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        Err(KernelError::new(format!(
            "the rule has no parameter '{name}'; its parameters are [{}]",
            names.join(", ")
        )))
    }
}

/// A rule built at run time, by a [`ProgramBuilder`](crate::ProgramBuilder) or from text.
///
/// A program computes the value of each output at a cell from neighbors in its inputs. It runs on
/// vectors of cells and gives the same bits as a closure with the same operations, at about half
/// its speed.
///
/// As text, a program has a line for each value:
///
/// ```
/// use parhelion_kernels::Program;
///
/// let text = "\
/// program f64 axes 1 inputs 1
/// left = load 0 -1      # input, offset on each axis
/// right = load 0 1
/// sum = add left right
/// half = constant 0.5
/// mean = mul half sum
/// output mean
/// ";
/// let program: Program<f64, 1> = text.parse()?;
/// assert_eq!((program.inputs(), program.outputs(), program.radius()), (1, 1, 1));
/// assert_eq!(program.to_string().parse::<Program<f64, 1>>()?.to_string(), program.to_string());
/// # Ok::<(), parhelion_kernels::KernelError>(())
/// ```
///
/// Other values are `parameter NAME VALUE`, `time`, `step`, `index AXIS`, `position AXIS`,
/// `old OUTPUT`, and the operations `neg abs sqrt cbrt exp exp_m1 ln ln_1p log2 log10 sin cos tan
/// asin acos atan sinh cosh tanh floor ceil trunc round`, `add sub mul div rem pow atan2 hypot
/// copysign min max`, `lt le gt ge eq ne`, `not and or`, and `select CONDITION YES NO`.
#[derive(Clone)]
pub struct Program<T, const N: usize> {
    pub(super) nodes: Vec<Node<T, N>>,
    pub(super) outputs: Vec<Id>,
    pub(super) neighborhoods: Vec<Neighborhood>,
    pub(super) reads_old: bool,
    pub(super) parameters: Vec<Parameter<T>>,
    pub(super) code: Code<T, N>,
}

impl<T: Real, const N: usize> Program<T, N> {
    /// Number of arrays that the program reads.
    pub fn inputs(&self) -> usize {
        self.neighborhoods.len()
    }

    /// Number of arrays that the program writes.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The neighbors that the program reads of each input.
    pub fn neighborhoods(&self) -> &[Neighborhood] {
        &self.neighborhoods
    }

    /// The largest radius at which an input is read.
    pub fn radius(&self) -> usize {
        Neighborhood::of_all(&self.neighborhoods).radius
    }

    /// The smallest pattern that covers the neighbors read of all inputs.
    pub fn pattern(&self) -> Pattern {
        Neighborhood::of_all(&self.neighborhoods).pattern
    }

    /// Whether the program reads the values that its outputs have before they are written.
    pub fn reads_old(&self) -> bool {
        self.reads_old
    }

    /// Whether the program asks for the cell's index or position, the time or the step.
    pub fn reads_place(&self) -> bool {
        let place =
            |node: &Node<T, N>| matches!(node, Node::Time | Node::Step | Node::Index(_) | Node::Position(_));
        self.nodes.iter().any(place)
    }

    /// Names and values of the parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, T)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.value))
    }

    /// Changes a parameter.
    ///
    /// ```
    /// use parhelion_kernels::ProgramBuilder;
    ///
    /// let write = ProgramBuilder::<f64, 1>::new(1);
    /// let mut program = write.build([write.parameter("rate", 0.1) * write.input(0).center()])?;
    /// program.set_parameter("rate", 0.2)?;
    /// assert_eq!(program.parameters().collect::<Vec<_>>(), [("rate", 0.2)]);
    /// # Ok::<(), parhelion_kernels::KernelError>(())
    /// ```
    ///
    /// # Errors
    /// When the program has no such parameter.
    pub fn set_parameter(&mut self, name: &str, value: T) -> Result<(), KernelError> {
        Parameter::set(&mut self.parameters, name, value)
    }

    /// Computes the cells of `region`, all of which are in the views.
    pub(super) fn compute(
        &self,
        region: Region<N>,
        outputs: &mut [ViewMut<'_, T, N>],
        inputs: &[View<'_, T, N>],
        places: Option<&Places<'_, N>>,
        before_row: &mut dyn FnMut(),
    ) {
        let parameters: Vec<T> = self.parameters.iter().map(|parameter| parameter.value).collect();
        run::compute(&self.code, &parameters, region, outputs, inputs, places, before_row);
    }
}

impl<T: Real, const N: usize> fmt::Debug for Program<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
