//! Programs in the form that a register machine runs: instructions on rows of cells.

use super::graph::{Id, Node};
use super::operations::{Link, Operation, Real};

/// A row that an instruction reads. Registers of uniform values come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Register(usize),
    /// One of the rows loaded.
    Load(usize),
    /// One of the rows of indices and positions.
    Place(usize),
}

/// The row that an instruction writes; never one that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Register(usize),
    Output(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Work {
    Apply(Operation),
    Chain3([Link; 2]),
    Chain4([Link; 3]),
    Copy,
    /// Copies the old values of an output.
    Old(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Instruction {
    pub(super) work: Work,
    pub(super) target: Target,
    /// Unused ones are ignored.
    pub(super) sources: [Source; 4],
}

/// Number of sources of a piece of work.
fn arity(work: Work) -> usize {
    match work {
        Work::Apply(operation) => operation.arguments().len(),
        Work::Chain3(_) => 3,
        Work::Chain4(_) => 4,
        Work::Copy => 1,
        Work::Old(_) => 0,
    }
}

/// A value that is the same for all cells of a call. Arguments are positions of uniform values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Uniform<T> {
    Constant(T),
    Parameter(usize),
    Time,
    Step,
    Apply(Operation, [usize; 3]),
}

/// A row of global indices or positions in space along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceRow {
    Index(usize),
    Position(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code<T, const N: usize> {
    pub(super) uniforms: Vec<Uniform<T>>,
    /// The uniform value that fills each of the first registers.
    pub(super) spread: Vec<usize>,
    /// Inputs and offsets of the rows loaded.
    pub(super) loads: Vec<(usize, [isize; N])>,
    pub(super) places: Vec<PlaceRow>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: usize,
}

/// Compiles the values `outputs` of a graph. Every instruction stands after those it needs.
pub(super) fn compile<T: Real, const N: usize>(nodes: &[Node<T, N>], outputs: &[Id]) -> Code<T, N> {
    let mut compiler = Compiler::new(nodes, outputs);
    // First of all, before any output is written.
    for (id, node) in nodes.iter().enumerate() {
        if let Node::Old(output) = *node {
            let value = compiler.emit(Work::Old(output as usize), &[]);
            compiler.places[id] = Some(value);
        }
    }
    (0..nodes.len()).for_each(|id| compiler.compile(id));
    compiler.finish(outputs)
}

struct Compiler<'g, T, const N: usize> {
    nodes: &'g [Node<T, N>],
    /// Where a uniform value is among those of the code.
    uniform: Vec<Option<usize>>,
    /// How many values and outputs that are not uniform need a value.
    uses: Vec<usize>,
    /// Whether the value is computed inside the chain of its only user.
    absorbed: Vec<bool>,
    /// The row that holds a value. Every register is written once, until they are shared out.
    places: Vec<Option<Source>>,
    code: Code<T, N>,
}

impl<'g, T: Real, const N: usize> Compiler<'g, T, N> {
    fn new(nodes: &'g [Node<T, N>], outputs: &[Id]) -> Self {
        let mut code = Code {
            uniforms: vec![],
            spread: vec![],
            loads: vec![],
            places: vec![],
            instructions: vec![],
            registers: 0,
        };
        let mut uniform: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let value = match *node {
                Node::Constant(value) => Some(Uniform::Constant(value)),
                Node::Parameter(number) => Some(Uniform::Parameter(number as usize)),
                Node::Time => Some(Uniform::Time),
                Node::Step => Some(Uniform::Step),
                Node::Apply(operation, _) => {
                    let mut arguments = [0; 3];
                    let all = arguments.iter_mut().zip(node.arguments()).try_for_each(|(argument, &id)| {
                        *argument = uniform[id as usize]?;
                        Some(())
                    });
                    all.map(|()| Uniform::Apply(operation, arguments))
                }
                _ => None,
            };
            uniform.push(value.map(|value| {
                code.uniforms.push(value);
                code.uniforms.len() - 1
            }));
        }
        let mut uses = vec![0; nodes.len()];
        outputs.iter().for_each(|&id| uses[id as usize] += 1);
        for (node, _) in nodes.iter().zip(&uniform).filter(|(_, uniform)| uniform.is_none()) {
            node.arguments().iter().for_each(|&id| uses[id as usize] += 1);
        }
        // Uniform values that rows need get the first registers.
        let mut places = vec![None; nodes.len()];
        for id in 0..nodes.len() {
            if let Some(value) = uniform[id].filter(|_| uses[id] > 0) {
                places[id] = Some(Source::Register(code.spread.len()));
                code.spread.push(value);
            }
        }
        code.registers = code.spread.len();
        let mut compiler = Self { nodes, uniform, uses, absorbed: vec![false; nodes.len()], places, code };
        for id in 0..nodes.len() {
            if let Some((inner, _)) = compiler.inner(id) {
                compiler.absorbed[inner] = true;
            }
        }
        compiler
    }

    fn links(&self, id: usize) -> Option<(Link, [usize; 2])> {
        let Node::Apply(operation, [a, b, _]) = self.nodes[id] else { return None };
        let link = match operation {
            Operation::Add => Link::Add,
            Operation::Sub => Link::Sub,
            Operation::Mul => Link::Mul,
            _ => return None,
        };
        self.uniform[id].is_none().then_some((link, [a as usize, b as usize]))
    }

    /// The argument of a value that is computed in the same chain, and what the value makes of it.
    fn inner(&self, id: usize) -> Option<(usize, (Link, usize))> {
        let (link, [a, b]) = self.links(id)?;
        let joins = |id: usize| self.uses[id] == 1 && self.links(id).is_some();
        if joins(a) {
            return Some((a, (link, b)));
        }
        // Sums and products are the same both ways round.
        let turned = if link == Link::Sub { Link::From } else { link };
        joins(b).then_some((b, (turned, a)))
    }

    fn emit(&mut self, work: Work, sources: &[Source]) -> Source {
        let mut all = [Source::Register(0); 4];
        all[..sources.len()].copy_from_slice(sources);
        let register = self.code.registers;
        self.code.registers += 1;
        self.code.instructions.push(Instruction { work, target: Target::Register(register), sources: all });
        Source::Register(register)
    }

    fn place_row(&mut self, row: PlaceRow) -> Source {
        self.code.places.push(row);
        Source::Place(self.code.places.len() - 1)
    }

    fn place(&self, id: usize) -> Source {
        self.places[id].expect("arguments are computed before the values that need them")
    }

    fn compile(&mut self, id: usize) {
        if self.uniform[id].is_some() || self.absorbed[id] || self.places[id].is_some() {
            return;
        }
        let place = match self.nodes[id] {
            Node::Load(array, offset) => {
                self.code.loads.push((array as usize, offset));
                Source::Load(self.code.loads.len() - 1)
            }
            Node::Index(axis) => self.place_row(PlaceRow::Index(axis as usize)),
            Node::Position(axis) => self.place_row(PlaceRow::Position(axis as usize)),
            Node::Apply(operation, _) if self.inner(id).is_none() => {
                let sources: Vec<_> =
                    self.nodes[id].arguments().iter().map(|&id| self.place(id as usize)).collect();
                self.emit(Work::Apply(operation), &sources)
            }
            _ => self.chain(id),
        };
        self.places[id] = Some(place);
    }

    /// Computes a value and all that it absorbed, up to three operations at a time.
    fn chain(&mut self, id: usize) -> Source {
        let (mut steps, mut at) = (Vec::new(), id);
        while let Some((inner, step)) = self.inner(at) {
            steps.push(step);
            at = inner;
        }
        let (link, [a, b]) = self.links(at).expect("chains are made of links");
        steps.push((link, b));
        let mut so_far = self.place(a);
        steps.reverse();
        for part in steps.chunks(3) {
            let next: Vec<_> = part.iter().map(|&(_, id)| self.place(id)).collect();
            so_far = match *part {
                [(first, _), (second, _), (third, _)] => {
                    let sources = [so_far, next[0], next[1], next[2]];
                    self.emit(Work::Chain4([first, second, third]), &sources)
                }
                [(first, _), (second, _)] => {
                    self.emit(Work::Chain3([first, second]), &[so_far, next[0], next[1]])
                }
                _ => {
                    let (operation, sources) = match part[0].0 {
                        Link::Add => (Operation::Add, [so_far, next[0]]),
                        Link::Sub => (Operation::Sub, [so_far, next[0]]),
                        Link::From => (Operation::Sub, [next[0], so_far]),
                        Link::Mul => (Operation::Mul, [so_far, next[0]]),
                    };
                    self.emit(Work::Apply(operation), &sources)
                }
            };
        }
        so_far
    }

    /// Lets instructions write outputs directly where nothing else needs their values, and shares
    /// registers.
    fn finish(mut self, outputs: &[Id]) -> Code<T, N> {
        let mut reads = vec![0; self.code.registers];
        for instruction in &self.code.instructions {
            for source in &instruction.sources[..arity(instruction.work)] {
                if let Source::Register(register) = source {
                    reads[*register] += 1;
                }
            }
        }
        outputs.iter().for_each(|&id| {
            if let Source::Register(register) = self.place(id as usize) {
                reads[register] += 1;
            }
        });
        for (number, &id) in outputs.iter().enumerate() {
            let place = self.place(id as usize);
            let target = Target::Output(number);
            let maker = self.code.instructions.iter_mut().find(|maker| match (place, maker.target) {
                // Old values are read before any output is written.
                (Source::Register(register), Target::Register(written)) => {
                    register == written && reads[register] == 1 && !matches!(maker.work, Work::Old(_))
                }
                _ => false,
            });
            match maker {
                Some(maker) => maker.target = target,
                None => {
                    self.code.instructions.push(Instruction { work: Work::Copy, target, sources: [place; 4] })
                }
            }
        }
        share_registers(&mut self.code);
        self.code
    }
}

/// Gives registers whose values are no longer needed to later values.
fn share_registers<T, const N: usize>(code: &mut Code<T, N>) {
    let uniforms = code.spread.len();
    let mut last_read = vec![0; code.registers];
    for (number, instruction) in code.instructions.iter().enumerate() {
        for source in &instruction.sources[..arity(instruction.work)] {
            if let Source::Register(register) = *source {
                last_read[register] = number;
            }
        }
    }
    let mut shared: Vec<usize> = (0..code.registers).collect();
    let (mut free, mut count) = (Vec::new(), uniforms);
    for (number, instruction) in code.instructions.iter_mut().enumerate() {
        // The target is chosen first, so that it is none of the sources.
        if let Target::Register(register) = &mut instruction.target {
            shared[*register] = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            *register = shared[*register];
        }
        for source in 0..arity(instruction.work) {
            let Source::Register(register) = instruction.sources[source] else { continue };
            let again = instruction.sources[..source].contains(&Source::Register(shared[register]));
            instruction.sources[source] = Source::Register(shared[register]);
            if register >= uniforms && last_read[register] == number && !again {
                free.push(shared[register]);
            }
        }
    }
    code.registers = count;
}
