//! What the examples' command lines have in common.

use std::str::FromStr;

use parhelion::World;

/// A process grid on the command line: `2x1x3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Procs<const N: usize>(pub(crate) [usize; N]);

impl<const N: usize> FromStr for Procs<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split('x').map(str::parse).collect();
        numbers.ok().and_then(|numbers| numbers.try_into().ok()).map(Self).ok_or_else(|| {
            format!("'{text}' is not a process grid of {N} axes, such as {}", ["2"; N].join("x"))
        })
    }
}

/// Starts the world with the threads that the command line asks for, prints the start-up report, and
/// returns the options. Rank 0 alone prints help and complaints about the command line.
pub(crate) fn start<O: clap::Parser>(threads: impl Fn(&O) -> Option<usize>) -> parhelion::Result<(World, O)> {
    let options = O::try_parse();
    let mut builder = World::builder().report(options.is_ok());
    if let Some(threads) = options.as_ref().ok().and_then(threads) {
        builder = builder.threads(threads);
    }
    let world = builder.init()?;
    match options {
        Ok(options) => Ok((world, options)),
        Err(message) => {
            if world.rank() == 0 {
                // Nothing can be done about a terminal that cannot be written to.
                let _ = message.print();
            }
            drop(world);
            std::process::exit(message.exit_code())
        }
    }
}
