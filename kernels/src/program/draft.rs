//! A program in the making, for the builder and for the reader of its text: every mistake is found
//! here.

use super::code::compile;
use super::definition::{Neighborhood, Parameter, Program};
use super::graph::{Graph, Id, Node};
use super::operations::{Operation, Real};
use crate::KernelError;

/// The largest number of inputs.
const MOST_INPUTS: usize = 1 << 12;

pub(super) struct Draft<T, const N: usize> {
    inputs: usize,
    graph: Graph<T, N>,
    parameters: Vec<Parameter<T>>,
    /// The first mistake.
    mistake: Option<String>,
}

impl<T: Real, const N: usize> Draft<T, N> {
    pub(super) fn new(inputs: usize) -> Self {
        let mistake = (inputs > MOST_INPUTS)
            .then(|| format!("a program of {inputs} inputs was asked for; it has at most {MOST_INPUTS}"));
        Self { inputs, graph: Graph::new(), parameters: Vec::new(), mistake }
    }

    pub(super) fn values(&self) -> usize {
        self.graph.nodes.len()
    }

    pub(super) fn add(&mut self, node: Node<T, N>) -> Id {
        self.graph.value(node)
    }

    /// The value of a node. After a mistake, a value that stands for it.
    pub(super) fn add_or_note(&mut self, node: Result<Node<T, N>, String>) -> Id {
        let node = node.unwrap_or_else(|mistake| {
            self.mistake.get_or_insert(mistake);
            Node::Constant(T::nan())
        });
        self.add(node)
    }

    pub(super) fn load(&self, input: usize, offset: [isize; N]) -> Result<Node<T, N>, String> {
        if input >= self.inputs {
            return Err(format!("input {input} does not exist; the program has {} inputs", self.inputs));
        }
        if offset.iter().any(|i| i.unsigned_abs() > Neighborhood::FARTHEST) {
            return Err(format!(
                "the offset {offset:?} is too large; offsets are at most {}",
                Neighborhood::FARTHEST
            ));
        }
        Ok(Node::Load(input as u32, offset))
    }

    pub(super) fn axis(axis: usize) -> Result<u32, String> {
        if axis < N {
            Ok(axis as u32)
        } else {
            Err(format!("axis {axis} does not exist; there are {N} axes"))
        }
    }

    pub(super) fn parameter(&mut self, name: &str, value: T) -> Result<Node<T, N>, String> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '#') {
            return Err(format!("'{name}' cannot be the name of a parameter; use letters, digits and '_'"));
        }
        if self.parameters.iter().any(|parameter| parameter.name == name) {
            return Err(format!("there are two parameters '{name}'; use the first expression again"));
        }
        self.parameters.push(Parameter { name: name.into(), value });
        Ok(Node::Parameter((self.parameters.len() - 1) as u32))
    }

    pub(super) fn apply(&self, operation: Operation, arguments: &[Id]) -> Result<Node<T, N>, String> {
        let kinds = operation.arguments();
        if arguments.len() != kinds.len() {
            return Err(format!(
                "'{}' takes {} arguments, not {}",
                operation.name(),
                kinds.len(),
                arguments.len()
            ));
        }
        let mut ids = [0; 3];
        for (position, (&id, &kind)) in arguments.iter().zip(kinds).enumerate() {
            let found = self.graph.kind(id);
            if found != kind {
                return Err(format!(
                    "argument {} of '{}' is {}, not {}; conditions come from comparisons, and become numbers by select",
                    position + 1,
                    operation.name(),
                    found.name(),
                    kind.name()
                ));
            }
            ids[position] = id;
        }
        Ok(Node::Apply(operation, ids))
    }

    /// The program with these outputs.
    pub(super) fn finish(&self, outputs: &[Id]) -> Result<Program<T, N>, KernelError> {
        if let Some(mistake) = &self.mistake {
            return Err(KernelError::new(mistake.clone()));
        }
        if outputs.is_empty() {
            return Err(KernelError::new("a program needs at least one output"));
        }
        for (number, &id) in outputs.iter().enumerate() {
            let kind = self.graph.kind(id);
            if kind != super::operations::Kind::Number {
                return Err(KernelError::new(format!(
                    "output {number} is {}; turn it into a number by select",
                    kind.name()
                )));
            }
        }
        let (nodes, outputs) = self.graph.needed_for(outputs);
        let mut neighborhoods = vec![Neighborhood::CENTER; self.inputs];
        let mut reads_old = false;
        for node in &nodes {
            match *node {
                Node::Load(input, offset) => neighborhoods[input as usize].extend(offset),
                Node::Old(number) if number as usize >= outputs.len() => {
                    return Err(KernelError::new(format!(
                        "the old value of output {number} is read, but there are only {} outputs",
                        outputs.len()
                    )));
                }
                Node::Old(_) => reads_old = true,
                _ => {}
            }
        }
        let code = compile(&nodes, &outputs);
        Ok(Program { nodes, outputs, neighborhoods, reads_old, parameters: self.parameters.clone(), code })
    }
}
