//! Programs as text, for code generators.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::definition::Program;
use super::draft::Draft;
use super::graph::{Id, Node};
use super::operations::{Operation, Real};
use crate::KernelError;

impl<T: Real, const N: usize> fmt::Display for Program<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {} axes {N} inputs {}", T::KIND, self.inputs())?;
        for (id, node) in self.nodes.iter().enumerate() {
            write!(f, "v{id} = ")?;
            match *node {
                Node::Constant(value) => write!(f, "constant {value:?}")?,
                Node::Parameter(number) => {
                    let parameter = &self.parameters[number as usize];
                    write!(f, "parameter {} {:?}", parameter.name, parameter.value)?;
                }
                Node::Time => write!(f, "time")?,
                Node::Step => write!(f, "step")?,
                Node::Index(axis) => write!(f, "index {axis}")?,
                Node::Position(axis) => write!(f, "position {axis}")?,
                Node::Old(output) => write!(f, "old {output}")?,
                Node::Load(input, offset) => {
                    write!(f, "load {input}")?;
                    offset.iter().try_for_each(|i| write!(f, " {i}"))?;
                }
                Node::Apply(operation, _) => {
                    write!(f, "{}", operation.name())?;
                    node.arguments().iter().try_for_each(|id| write!(f, " v{id}"))?;
                }
            }
            writeln!(f)?;
        }
        self.outputs.iter().try_for_each(|id| writeln!(f, "output v{id}"))
    }
}

impl<T: Real, const N: usize> FromStr for Program<T, N> {
    type Err = KernelError;

    fn from_str(text: &str) -> Result<Self, KernelError> {
        let mut lines = text.lines().enumerate().filter_map(|(number, line)| {
            let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
            (!words.is_empty()).then_some((number + 1, words))
        });
        let error = |number: usize, why: String| KernelError::new(format!("line {number}: {why}"));
        let (number, first) = lines.next().unwrap_or((1, Vec::new()));
        let inputs = header::<T, N>(&first).map_err(|why| error(number, why))?;
        let mut reader = Reader { draft: Draft::new(inputs), names: HashMap::new(), outputs: Vec::new() };
        for (number, words) in lines {
            reader.line(&words).map_err(|why| error(number, why))?;
        }
        reader.draft.finish(&reader.outputs)
    }
}

fn header<T: Real, const N: usize>(words: &[&str]) -> Result<usize, String> {
    let &["program", kind, "axes", axes, "inputs", inputs] = words else {
        return Err(format!(
            "'{}' does not begin a program; write 'program {} axes {N} inputs 1'",
            words.join(" "),
            T::KIND
        ));
    };
    if kind != T::KIND.name() || axes != N.to_string() {
        return Err(format!("a program of {kind} on {axes} axes cannot be one of {} on {N} axes", T::KIND));
    }
    whole(inputs)
}

/// A number of something.
fn whole(word: &str) -> Result<usize, String> {
    word.parse().map_err(|_| format!("'{word}' is not a whole number"))
}

fn number<T: Real>(word: &str) -> Result<T, String> {
    T::parse(word).ok_or_else(|| format!("'{word}' is not a number"))
}

struct Reader<'t, T, const N: usize> {
    draft: Draft<T, N>,
    names: HashMap<&'t str, Id>,
    outputs: Vec<Id>,
}

impl<'t, T: Real, const N: usize> Reader<'t, T, N> {
    fn line(&mut self, words: &[&'t str]) -> Result<(), String> {
        match *words {
            ["output", name] => self.outputs.push(self.id(name)?),
            [name, "=", ref definition @ ..] => {
                let node = self.node(definition)?;
                let id = self.draft.add(node);
                if self.names.insert(name, id).is_some() {
                    return Err(format!("'{name}' is defined twice"));
                }
            }
            _ => {
                return Err(format!(
                    "'{}' is neither 'NAME = OPERATION ARGUMENTS' nor 'output NAME'",
                    words.join(" ")
                ));
            }
        }
        Ok(())
    }

    fn id(&self, name: &str) -> Result<Id, String> {
        self.names.get(name).copied().ok_or_else(|| format!("'{name}' is not defined above"))
    }

    fn node(&mut self, definition: &[&str]) -> Result<Node<T, N>, String> {
        match *definition {
            ["constant", value] => Ok(Node::Constant(number(value)?)),
            ["parameter", name, value] => self.draft.parameter(name, number(value)?),
            ["time"] => Ok(Node::Time),
            ["step"] => Ok(Node::Step),
            ["index", axis] => Draft::<T, N>::axis(whole(axis)?).map(Node::Index),
            ["position", axis] => Draft::<T, N>::axis(whole(axis)?).map(Node::Position),
            ["old", output] => match u32::try_from(whole(output)?) {
                Ok(output) => Ok(Node::Old(output)),
                Err(_) => Err(format!("there is no output {output}")),
            },
            ["load", input, ref offset @ ..] => {
                let cells: Vec<isize> = offset
                    .iter()
                    .map(|i| i.parse().map_err(|_| format!("'{i}' is not an offset")))
                    .collect::<Result<_, _>>()?;
                let cells: [isize; N] = cells.try_into().map_err(|cells: Vec<isize>| {
                    format!("the offset {cells:?} has {} axes, not {N}", cells.len())
                })?;
                self.draft.load(whole(input)?, cells)
            }
            [name, ref arguments @ ..] => {
                let Some(operation) = Operation::named(name) else {
                    let names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
                    return Err(format!(
                        "'{name}' is not an operation; there are {}, and constant, parameter, time, step, index, position, \
                         old and load",
                        names.join(", ")
                    ));
                };
                let ids: Vec<Id> = arguments.iter().map(|name| self.id(name)).collect::<Result<_, _>>()?;
                self.draft.apply(operation, &ids)
            }
            [] => Err("a value is missing after '='".into()),
        }
    }
}
