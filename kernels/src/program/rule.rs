//! Rules known only at run time, of either kind, applied to cells.
#![allow(
    unsafe_code,
    reason = "threads write disjoint parts of shared views; see the invariants of cells.rs"
)]

use std::fmt;

use super::definition::{Neighborhood, Parameter, Program};
use super::external::{External, ExternalRule};
use super::operations::Real;
use crate::storage::Cells;
use crate::{Inputs, KernelError, Pattern, Places, Pool, Region, View, ViewMut};

/// A rule whose radius, pattern and number of arrays are known only at run time: a [`Program`], or
/// a [function compiled elsewhere](RuntimeRule::external).
///
/// ```
/// use parhelion_kernels::{Pool, Program, Region, RuntimeRule, View, ViewMut};
///
/// let text = "program f64 axes 1 inputs 1\nl = load 0 -1\nr = load 0 1\nd = sub r l\noutput d";
/// let difference = RuntimeRule::from(text.parse::<Program<f64, 1>>()?);
/// let u = [0.0, 1.0, 4.0, 9.0, 16.0];
/// let mut slope = [0.0; 3];
/// let cells = Region::new([1], [4]);
/// difference.sweep(
///     &Pool::new(2)?,
///     cells,
///     vec![ViewMut::from_slice(&mut slope, cells)],
///     &[View::from_slice(&u, Region::from_shape([5]))],
///     None,
/// )?;
/// assert_eq!(slope, [4.0, 8.0, 12.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RuntimeRule<T, const N: usize> {
    work: Work<T, N>,
}

#[derive(Clone)]
enum Work<T, const N: usize> {
    Program(Program<T, N>),
    External { external: External<T>, about: About<T> },
}

#[derive(Clone)]
struct About<T> {
    neighborhoods: Vec<Neighborhood>,
    outputs: usize,
    reads_old: bool,
    reads_place: bool,
    parameters: Vec<Parameter<T>>,
}

impl<T, const N: usize> From<Program<T, N>> for RuntimeRule<T, N> {
    fn from(program: Program<T, N>) -> Self {
        Self { work: Work::Program(program) }
    }
}

impl<T: Real, const N: usize> RuntimeRule<T, N> {
    /// Creates a rule that calls a function by its address, once per row of cells, on any thread.
    ///
    /// # Safety
    /// As long as `owner` is kept, and on any thread, the function
    /// - reads only cells of inputs that are in their [`Neighborhood`] of the row's cells;
    /// - writes all of the row's cells of the outputs, and nothing else; it reads the outputs' old
    ///   values only if `reads_old` is set;
    /// - reads indices and positions only if `reads_place` is set, and only those of the row's cells;
    /// - neither keeps an address, nor unwinds, nor changes the floating-point environment.
    ///
    /// # Errors
    /// When the rule has no outputs, or a radius is too large.
    pub unsafe fn external(rule: ExternalRule<T>) -> Result<Self, KernelError> {
        if rule.outputs == 0 {
            return Err(KernelError::new("a rule needs at least one output"));
        }
        rule.inputs.iter().try_for_each(Neighborhood::check)?;
        let parameters =
            rule.parameters.iter().map(|(name, value)| Parameter { name: name.clone(), value: *value });
        let about = About {
            neighborhoods: rule.inputs.clone(),
            outputs: rule.outputs,
            reads_old: rule.reads_old,
            reads_place: rule.reads_place,
            parameters: parameters.collect(),
        };
        // SAFETY: the contract.
        Ok(Self { work: Work::External { external: unsafe { External::new(rule) }, about } })
    }

    /// Returns the program, or `None` if the rule was compiled elsewhere.
    pub fn program(&self) -> Option<&Program<T, N>> {
        match &self.work {
            Work::Program(program) => Some(program),
            Work::External { .. } => None,
        }
    }

    /// The neighbors that the rule reads of each input.
    pub fn neighborhoods(&self) -> &[Neighborhood] {
        match &self.work {
            Work::Program(program) => program.neighborhoods(),
            Work::External { about, .. } => &about.neighborhoods,
        }
    }

    /// Number of arrays that the rule reads.
    pub fn inputs(&self) -> usize {
        self.neighborhoods().len()
    }

    /// Number of arrays that the rule writes.
    pub fn outputs(&self) -> usize {
        match &self.work {
            Work::Program(program) => program.outputs(),
            Work::External { about, .. } => about.outputs,
        }
    }

    /// The largest radius at which an input is read.
    pub fn radius(&self) -> usize {
        Neighborhood::of_all(self.neighborhoods()).radius
    }

    /// The smallest pattern that covers the neighbors read of all inputs.
    pub fn pattern(&self) -> Pattern {
        Neighborhood::of_all(self.neighborhoods()).pattern
    }

    /// Whether the rule reads the values that its outputs have before they are written: the values
    /// one step earlier in a leapfrog.
    pub fn reads_old(&self) -> bool {
        match &self.work {
            Work::Program(program) => program.reads_old(),
            Work::External { about, .. } => about.reads_old,
        }
    }

    /// Whether the rule asks for the cell's index or position, the time or the step.
    pub fn reads_place(&self) -> bool {
        match &self.work {
            Work::Program(program) => program.reads_place(),
            Work::External { about, .. } => about.reads_place,
        }
    }

    /// Names and values of the parameters.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, T)> {
        let parameters = match &self.work {
            Work::Program(program) => &program.parameters,
            Work::External { about, .. } => &about.parameters,
        };
        parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.value))
    }

    /// Changes a parameter.
    ///
    /// # Errors
    /// When the rule has no such parameter.
    pub fn set_parameter(&mut self, name: &str, value: T) -> Result<(), KernelError> {
        let parameters = match &mut self.work {
            Work::Program(program) => &mut program.parameters,
            Work::External { about, .. } => &mut about.parameters,
        };
        Parameter::set(parameters, name, value)
    }

    /// Computes the cells of `region` in all outputs, on all threads.
    ///
    /// # Errors
    /// When the numbers of views differ from the rule's outputs and inputs, the outputs lack cells
    /// of the region, the inputs lack cells within their radius of it, or places that the rule asks
    /// for are missing.
    pub fn sweep(
        &self,
        pool: &Pool,
        region: Region<N>,
        outputs: Vec<ViewMut<'_, T, N>>,
        inputs: &[View<'_, T, N>],
        places: Option<Places<'_, N>>,
    ) -> Result<(), KernelError> {
        self.check_numbers(outputs.len(), inputs.len())?;
        if let Some(output) = outputs.iter().find(|output| !output.region().contains_region(&region)) {
            return Err(KernelError::new(format!(
                "the cells {region:?} are not all in an output, which has {:?}; use a smaller region",
                output.region()
            )));
        }
        Self::check_inputs(self.neighborhoods(), &region, inputs)?;
        if self.reads_place() {
            let missing = || KernelError::new("the rule asks for its place or time; give the sweep `Places`");
            places.ok_or_else(missing)?.check(&region)?;
        }
        let places = places.filter(|_| self.reads_place());
        let cells: Vec<Cells<T, N>> = outputs.iter().map(|output| output.cells).collect();
        pool.run(|thread| {
            let part = region.part(thread, pool.threads());
            // SAFETY: all cells are in view by the checks (V1). The outputs are exclusive borrows,
            // and the parts of a region are disjoint (V3).
            unsafe { self.compute(part, &cells, inputs, places.as_ref(), &mut || ()) };
        });
        Ok(())
    }

    /// # Errors
    /// When there are more or fewer arrays than the rule has outputs and inputs.
    pub(crate) fn check_numbers(&self, outputs: usize, inputs: usize) -> Result<(), KernelError> {
        if (outputs, inputs) == (self.outputs(), self.inputs()) {
            return Ok(());
        }
        Err(KernelError::new(format!(
            "a rule with {} outputs and {} inputs was given {outputs} outputs and {inputs} inputs",
            self.outputs(),
            self.inputs()
        )))
    }

    /// # Errors
    /// When an input lacks a cell of its neighborhood for `region`.
    pub(crate) fn check_inputs(
        neighborhoods: &[Neighborhood],
        region: &Region<N>,
        inputs: &[View<'_, T, N>],
    ) -> Result<(), KernelError> {
        for (number, (input, read)) in inputs.iter().zip(neighborhoods).enumerate() {
            let needed = region.grown([[read.radius; 2]; N]);
            if !(region.is_empty() || input.region().contains_region(&needed)) {
                return Err(KernelError::new(format!(
                    "a rule of radius {} on the cells {region:?} reads {needed:?}, but input {number} has only {:?}; use a wider \
                     halo or a smaller region",
                    read.radius,
                    input.region()
                )));
            }
        }
        Ok(())
    }

    /// Computes the cells of `region` on this thread. Calls `before_row` before each row.
    ///
    /// # Safety
    /// There are as many arrays as the rule has outputs and inputs. They have all cells of the
    /// region, the inputs also those within the radius (V1), and so have the places. No other
    /// thread touches the cells written, or writes the cells read (V3).
    pub(crate) unsafe fn compute(
        &self,
        region: Region<N>,
        outputs: &[Cells<T, N>],
        inputs: &[View<'_, T, N>],
        places: Option<&Places<'_, N>>,
        before_row: &mut dyn FnMut(),
    ) {
        match &self.work {
            Work::Program(program) => {
                // SAFETY: the contract.
                let view = |output| unsafe { ViewMut::of(output, region) };
                let mut outputs: Vec<_> = outputs.iter().map(view).collect();
                program.compute(region, &mut outputs, inputs, places, before_row);
            }
            Work::External { external, about } => {
                // SAFETY: the contract.
                unsafe { external.compute(&about.parameters, region, outputs, inputs, places, before_row) };
            }
        }
    }
}

impl<T: Real, const N: usize> fmt::Debug for RuntimeRule<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.program() {
            Some(program) => write!(f, "{program}"),
            None => write!(f, "external rule that reads {:?}", self.neighborhoods()),
        }
    }
}
