//! The state of a file: a number in the file that every change replaces.
//!
//! A journal that was left by a dead job says of which state of the file it is. The file beside it
//! may be another one by then, as from a backup, whose bytes it would destroy.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::io::journal::objects::Objects;
use crate::io::journal::sum::Sum;

/// The attribute of the root group.
const STATE: &str = "parhelion_state";
/// Type of an attribute's message in the header of an object.
const ATTRIBUTE: u16 = 0x000c;

/// The state of a file, and where the file notes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) struct StateMark {
    /// First of its eight bytes, in the order of the machine.
    pub(in crate::io) offset: u64,
    pub(in crate::io) state: i64,
}

impl StateMark {
    /// The mark of a file that was not changed since it was opened; `None` if it has none, or in a
    /// place that is unknown.
    pub(in crate::io) fn find(file: &hdf5::File, objects: Option<&Objects>) -> hdf5::Result<Option<Self>> {
        let (Some(objects), true) = (objects, file.attr_names()?.iter().any(|name| name == STATE)) else {
            return Ok(None);
        };
        let Ok(state) = file.attr(STATE).and_then(|it| it.read_scalar::<i64>()) else { return Ok(None) };
        let messages = objects.messages(file, "/").map_err(|error| hdf5::Error::from(error.to_string()))?;
        let place =
            messages.into_iter().flatten().filter(|message| message.kind == ATTRIBUTE).find_map(|it| {
                let named = it.bytes.windows(STATE.len()).any(|part| part == STATE.as_bytes());
                // behind the name and the type
                let within = it.bytes.windows(8).rposition(|part| part == state.to_ne_bytes());
                within.filter(|_| named).map(|within| it.offset + within as u64)
            });
        Ok(place.map(|offset| Self { offset, state }))
    }

    /// The state that is noted in a file at this offset; `None` if it is shorter.
    pub(in crate::io) fn read(file: &File, offset: u64) -> io::Result<Option<i64>> {
        let mut bytes = [0; 8];
        match file.read_exact_at(&mut bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(i64::from_ne_bytes(bytes))),
        }
    }
}

/// Notes the state of a file: in place where it has been noted before.
pub(in crate::io) fn note(file: &hdf5::File, state: i64) -> hdf5::Result<()> {
    let known = file.attr_names()?.iter().any(|name| name == STATE);
    let attribute = match known {
        true => file.attr(STATE)?,
        false => file.new_attr_builder().empty::<i64>().create(STATE)?,
    };
    attribute.write_scalar(&state)
}

/// The first state of a file that is described like this: the same for equal files.
pub(in crate::io) fn first(description: &str) -> i64 {
    let mut sum = Sum::default();
    sum.add(description.as_bytes());
    sum.0 as i64
}
