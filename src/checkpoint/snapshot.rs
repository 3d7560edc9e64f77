//! What is saved in a checkpoint.

use std::collections::BTreeMap;

use serde::Serialize;

use super::any_field::AnyField;
use super::description::Description;
use super::exact::Exact;
use super::scalar::{Scalar, ScalarRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Field;
use parhelion_kernels::Element;

/// All that a run needs to resume: fields, single values, step and time, for
/// [`Checkpoints::save`](crate::checkpoint::Checkpoints::save).
///
/// Fields may have any element type, centering and number of components and axes, and may lie on
/// several grids. A scheme with two levels in time saves both as fields. The clocks of fields
/// ([`Field::set_time`]) are kept. Boundary conditions are code; the program that restarts sets
/// them again.
///
/// ```
/// use parhelion::prelude::*;
/// use parhelion::checkpoint::Checkpoint;
///
/// let world = World::init()?;
/// let grid = Grid::builder([16, 16]).build(&world)?;
/// let [u, before] = ["u", "before"].map(|name| grid.field::<f64>(name));
/// let checkpoint = Checkpoint::new(100, 0.25).field(&u).field(&before).scalar("dt", 0.0025);
/// # drop(checkpoint);
/// # Ok::<(), parhelion::Error>(())
/// ```
#[must_use = "a checkpoint is written by `Checkpoints::save`"]
pub struct Checkpoint<'a> {
    step: u64,
    time: f64,
    pub(super) fields: Vec<(String, &'a dyn AnyField)>,
    scalars: BTreeMap<String, Scalar>,
    pub(super) metadata: serde_json::Value,
}

impl<'a> Checkpoint<'a> {
    /// A checkpoint of this step and time, without fields so far.
    pub fn new(step: u64, time: f64) -> Self {
        let metadata = serde_json::Value::Null;
        Self { step, time, fields: Vec::new(), scalars: BTreeMap::new(), metadata }
    }

    /// Adds a field under its own name.
    pub fn field<T: Element, const N: usize>(self, field: &'a Field<T, N>) -> Self {
        self.field_as(field.name(), field)
    }

    /// Adds a field under another name.
    pub fn field_as<T: Element, const N: usize>(mut self, name: &str, field: &'a Field<T, N>) -> Self {
        self.fields.push((name.to_owned(), field));
        self
    }

    /// Adds a single value; it replaces an earlier one of that name.
    pub fn scalar(mut self, name: &str, value: impl Into<Scalar>) -> Self {
        self.scalars.insert(name.to_owned(), value.into());
        self
    }

    /// Adds one value of any serializable type: parameters, the state of a random number generator.
    ///
    /// It is kept as JSON. Finite floating-point numbers keep their bits. JSON has no infinities
    /// and no NaN, so those become null; [`scalar`](Self::scalar) keeps them.
    ///
    /// # Errors
    ///
    /// If the value has no form in JSON, such as a map whose keys are not text.
    pub fn metadata(mut self, value: &impl Serialize) -> Result<Self> {
        self.metadata = serde_json::to_value(value).map_err(|error| {
            Error::new(ErrorKind::Argument, format!("the metadata of a checkpoint cannot be saved: {error}"))
        })?;
        Ok(self)
    }

    pub(super) fn step(&self) -> u64 {
        self.step
    }

    /// The description for the file, without the places of the fields' values.
    pub(super) fn describe(&self) -> Description {
        Description {
            library: concat!("parhelion ", env!("CARGO_PKG_VERSION")).into(),
            step: self.step,
            time: Exact(self.time),
            fields: self.fields.iter().map(|(name, field)| field.record(name)).collect(),
            scalars: self
                .scalars
                .iter()
                .map(|(name, value)| (name.clone(), ScalarRecord::from(value.clone())))
                .collect(),
            metadata: self.metadata.clone(),
        }
    }
}

/// The depth of nested lists and objects.
pub(super) fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
