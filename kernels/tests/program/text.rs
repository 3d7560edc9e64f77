//! Programs as text: what is refused, and that no text makes the reader panic.

use parhelion_kernels::{Program, ProgramBuilder};
use proptest::prelude::*;

const HEAT: &str = "\
program f64 axes 2 inputs 2   # heat with a source

u = load 0 0 0
l = load 0 0 -1
r = load 0 0 1
rate = parameter rate 1e-1
sum = add l r
source = load 1 0 0
change = mul rate sum
hot = gt u source
next = add u change
clipped = select hot source next
output clipped
output u
";

#[test]
fn text_is_read_and_written() {
    let program: Program<f64, 2> = HEAT.parse().unwrap();
    assert_eq!((program.inputs(), program.outputs(), program.radius()), (2, 2, 1));
    assert_eq!(program.parameters().collect::<Vec<_>>(), [("rate", 0.1)]);
    let written = program.to_string();
    assert!(written.starts_with("program f64 axes 2 inputs 2\nv0 = load 0 0 0\n"), "{written}");
    assert!(written.ends_with("\noutput v9\noutput v0\n"), "{written}");
    assert_eq!(written.parse::<Program<f64, 2>>().unwrap().to_string(), written);
}

#[test]
fn constants_keep_their_bits() {
    let write = ProgramBuilder::<f64, 1>::new(1);
    let u = write.input(0).center();
    let values = [0.1, -0.0, 1e-310, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 1.0 / 3.0];
    let program = write.build(values.map(|value| u.min(value))).unwrap();
    let written = program.to_string();
    for value in values {
        assert!(written.contains(&format!("constant {value:?}\n")), "{value}: {written}");
    }
    assert_eq!(written.parse::<Program<f64, 1>>().unwrap().to_string(), written);
}

fn refused(text: &str, why: &str) {
    let error = text.parse::<Program<f64, 2>>().unwrap_err().to_string();
    assert!(error.contains(why), "{text}: {error}");
}

#[test]
fn mistakes_are_named_with_their_line() {
    let with = |line: &str| format!("program f64 axes 2 inputs 1\nu = load 0 0 0\n{line}\noutput u");
    refused("", "does not begin a program");
    refused("program f32 axes 2 inputs 1", "a program of f32 on 2 axes cannot be one of f64 on 2 axes");
    refused("program f64 axes 3 inputs 1", "on 3 axes");
    refused("program f64 axes 2 inputs x", "'x' is not a whole number");
    refused("program f64 axes 2 inputs 99999999", "at most 4096");
    refused("program f64 axes 2 inputs 1\nu = load 0 0 0", "needs at least one output");
    refused(&with("v = load 1 0 0"), "line 3: input 1 does not exist; the program has 1 inputs");
    refused(&with("v = load 0 0"), "has 1 axes, not 2");
    refused(&with("v = load 0 0 70000"), "too large");
    refused(&with("v = load 0 0 -9223372036854775808"), "too large");
    refused(&with("v = sum u u"), "'sum' is not an operation");
    refused(&with("v = add u"), "'add' takes 2 arguments, not 1");
    refused(&with("v = add u w"), "'w' is not defined above");
    refused(&with("u = neg u"), "'u' is defined twice");
    refused(&with("v = constant one"), "'one' is not a number");
    refused(&with("v = index 2"), "axis 2 does not exist");
    refused(&with("v = old 2\noutput v"), "old value of output 2 is read, but there are only 2 outputs");
    refused(&with("v = select u u u"), "argument 1 of 'select' is a number, not a condition");
    refused(&with("v = lt u u\nw = add v u"), "argument 1 of 'add' is a condition, not a number");
    refused(&with("v = lt u u\noutput v"), "output 0 is a condition");
    refused(&with("v = parameter a 1\nw = parameter a 2"), "two parameters 'a'");
    refused(&with("v ="), "a value is missing");
    refused(&with("v"), "neither");
}

#[test]
fn mistakes_of_the_builder_are_errors() {
    let write = ProgramBuilder::<f64, 1>::new(1);
    let other = ProgramBuilder::<f64, 1>::new(1);
    let mixed = write.build([write.input(0).center() + other.input(0).center()]).unwrap_err();
    assert!(mixed.to_string().contains("two program builders"), "{mixed}");
    let write = ProgramBuilder::<f64, 1>::new(1);
    let unknown = write.build([write.input(1).center()]).unwrap_err();
    assert!(unknown.to_string().contains("input 1 does not exist"), "{unknown}");
    let write = ProgramBuilder::<f64, 1>::new(1);
    let name = write.build([write.parameter("a b", 1.0)]).unwrap_err();
    assert!(name.to_string().contains("cannot be the name"), "{name}");
    let write = ProgramBuilder::<f64, 1>::new(1);
    assert!(write.build([]).unwrap_err().to_string().contains("at least one output"));
    let mut program = write.build([write.parameter("rate", 1.0)]).unwrap();
    let missing = program.set_parameter("speed", 2.0).unwrap_err();
    assert!(missing.to_string().contains("no parameter 'speed'; its parameters are [rate]"), "{missing}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Lines of a program cut, doubled, exchanged and with words replaced.
    #[test]
    fn changed_programs_are_read_or_refused(
        changes in prop::collection::vec((0_usize..14, 0_usize..6, 0_usize..16), 0..6),
    ) {
        const WORDS: [&str; 16] = [
            "u", "next", "=", "output", "load", "old", "-1", "7", "18446744073709551616", "select", "not", "inf",
            "parameter", "constant", "#", "🌞",
        ];
        let mut lines: Vec<Vec<&str>> = HEAT.lines().map(|line| line.split(' ').collect()).collect();
        for (line, word, by) in changes {
            let line = line % lines.len();
            match by {
                0 => { lines.remove(line); }
                1 => { let again = lines[line].clone(); lines.insert(line, again) }
                2 => lines.swap(line, word),
                _ if word < lines[line].len() => lines[line][word] = WORDS[by],
                _ => lines[line].push(WORDS[by]),
            }
            if lines.len() < 6 { break }
        }
        let text = lines.iter().map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
        if let Ok(program) = text.parse::<Program<f64, 2>>() {
            let written = program.to_string();
            prop_assert_eq!(written.parse::<Program<f64, 2>>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(program f64 axes 2 inputs 1\n)?[a-z0-9 =#\n.-]{0,200}") {
        let _ = text.parse::<Program<f64, 2>>();
    }
}
