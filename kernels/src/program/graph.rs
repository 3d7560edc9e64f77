//! The values of a program, and how each follows from others.

use std::collections::HashMap;

use super::operations::{Kind, Operation, Real};

/// A value, by its position in the graph.
pub(super) type Id = u32;

/// How a value is made. Arguments stand before the values that need them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node<T, const N: usize> {
    Constant(T),
    /// A number that may change between calls, by its position among the parameters.
    Parameter(u32),
    /// Time of the values that are read.
    Time,
    /// Steps made before this one.
    Step,
    /// Global index along an axis.
    Index(u32),
    /// Position in space along an axis.
    Position(u32),
    /// Value of an input at an offset from the cell.
    Load(u32, [isize; N]),
    /// Value that an output has before it is written.
    Old(u32),
    Apply(Operation, [Id; 3]),
}

impl<T, const N: usize> Node<T, N> {
    pub(super) fn arguments(&self) -> &[Id] {
        match self {
            Self::Apply(operation, ids) => &ids[..operation.arguments().len()],
            _ => &[],
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Apply(operation, _) => operation.result(),
            _ => Kind::Number,
        }
    }
}

/// A node as the key of a map: constants by their bits, so that 0 and −0 differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<const N: usize> {
    Constant(u64),
    Parameter(u32),
    Time,
    Step,
    Index(u32),
    Position(u32),
    Load(u32, [isize; N]),
    Old(u32),
    Apply(Operation, [Id; 3]),
}

fn key<T: Real, const N: usize>(node: &Node<T, N>) -> Key<N> {
    match *node {
        Node::Constant(value) => {
            Key::Constant(value.to_f64().map_or(0, f64::to_bits)) // exact also for f32
        }
        Node::Parameter(number) => Key::Parameter(number),
        Node::Time => Key::Time,
        Node::Step => Key::Step,
        Node::Index(axis) => Key::Index(axis),
        Node::Position(axis) => Key::Position(axis),
        Node::Load(array, offset) => Key::Load(array, offset),
        Node::Old(output) => Key::Old(output),
        Node::Apply(operation, ids) => Key::Apply(operation, ids),
    }
}

/// Nodes in an order in which every value stands after its arguments. Equal nodes are one.
#[derive(Clone)]
pub(super) struct Graph<T, const N: usize> {
    pub(super) nodes: Vec<Node<T, N>>,
    known: HashMap<Key<N>, Id>,
}

impl<T: Real, const N: usize> Graph<T, N> {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), known: HashMap::new() }
    }

    /// The value made by `node`, which is added if there is none. An operation on constants becomes
    /// a constant.
    pub(super) fn value(&mut self, node: Node<T, N>) -> Id {
        let node = self.folded(node);
        let nodes = &mut self.nodes;
        *self.known.entry(key(&node)).or_insert_with(|| {
            nodes.push(node);
            (nodes.len() - 1) as Id
        })
    }

    fn folded(&self, node: Node<T, N>) -> Node<T, N> {
        // Conditions stay, because a constant is a number.
        let Node::Apply(operation, _) = node else { return node };
        let mut values = [T::zero(); 3];
        for (value, &id) in values.iter_mut().zip(node.arguments()) {
            let Node::Constant(constant) = self.nodes[id as usize] else { return node };
            *value = constant;
        }
        if operation.result() == Kind::Number { Node::Constant(operation.of(values)) } else { node }
    }

    pub(super) fn kind(&self, id: Id) -> Kind {
        self.nodes[id as usize].kind()
    }

    /// The nodes that the values `wanted` need, and these values among them.
    pub(super) fn needed_for(&self, wanted: &[Id]) -> (Vec<Node<T, N>>, Vec<Id>) {
        let mut needed = vec![false; self.nodes.len()];
        wanted.iter().for_each(|&id| needed[id as usize] = true);
        for (id, node) in self.nodes.iter().enumerate().rev() {
            if needed[id] {
                node.arguments().iter().for_each(|&id| needed[id as usize] = true);
            }
        }
        let mut renamed = vec![0; self.nodes.len()];
        let mut nodes = Vec::new();
        for (id, node) in self.nodes.iter().enumerate().filter(|&(id, _)| needed[id]) {
            let mut node = *node;
            if let Node::Apply(operation, ids) = &mut node {
                let arguments = operation.arguments().len();
                ids[..arguments].iter_mut().for_each(|id| *id = renamed[*id as usize]);
            }
            renamed[id] = nodes.len() as Id;
            nodes.push(node);
        }
        (nodes, wanted.iter().map(|&id| renamed[id as usize]).collect())
    }
}
