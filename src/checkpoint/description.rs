//! The description of a checkpoint in its file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::exact::Exact;
use super::header::HEADER;
use super::scalar::ScalarRecord;
use crate::io::unravel;
use parhelion_kernels::ElementKind;

/// Smallest number of bytes with a checksum of their own.
const SMALLEST_BLOCK: u64 = 1 << 20;
/// Most checksums of one field; every rank holds them for a moment.
const MOST_BLOCKS: u64 = 1 << 16;

/// The description, in the file as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Description {
    /// Program that wrote it, for people.
    pub(super) library: String,
    pub(super) step: u64,
    pub(super) time: Exact,
    /// In the order of their values in the file.
    pub(super) fields: Vec<FieldRecord>,
    pub(super) scalars: BTreeMap<String, ScalarRecord>,
    pub(super) metadata: serde_json::Value,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FieldRecord {
    /// Name of the dataset.
    pub(super) name: String,
    /// Type of its values, such as `f64`.
    pub(super) element: String,
    /// Where in a cell they are: `cell`, `face 0`, `edge 2`, `node`.
    #[serde(rename = "centring")]
    pub(super) centering: String,
    /// Points per axis, slowest first.
    pub(super) points: Vec<usize>,
    /// Values per point; several are the first axis of the dataset.
    pub(super) components: usize,
    pub(super) grid: GridRecord,
    pub(super) clock: ClockRecord,
    pub(super) data: DataRecord,
}

/// The grid of a field: all that its values depend on, but not how it is cut into blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct GridRecord {
    pub(super) cells: Vec<usize>,
    pub(super) periodic: Vec<bool>,
    pub(super) origin: Vec<Exact>,
    pub(super) spacing: Vec<Exact>,
    /// The faces of each axis, empty where cells are uniform; no list at all if all axes are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) faces: Vec<Vec<Exact>>,
}

impl GridRecord {
    /// Whether each axis has one face more than cells, or none.
    fn has_faces_of_its_cells(&self) -> bool {
        let fits = |(faces, &cells): (&Vec<Exact>, &usize)| faces.is_empty() || faces.len() - 1 == cells;
        self.faces.len() == self.cells.len() && self.faces.iter().zip(&self.cells).all(fits)
    }
}

/// The time of a field: start + steps · step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClockRecord {
    /// `None` if no time was set.
    pub(super) start: Option<Exact>,
    pub(super) step: Exact,
    pub(super) steps: u64,
}

/// Where the values of a field are in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DataRecord {
    /// From the beginning of the file.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Bytes per block; the last may have fewer.
    pub(super) block: u64,
    /// Place of the first block's checksum in the table.
    pub(super) first_checksum: u64,
}

impl DataRecord {
    /// Values of this many bytes, whose place is not known yet.
    pub(super) fn of_length(length: u64) -> Self {
        let block = length.div_ceil(MOST_BLOCKS).next_power_of_two().max(SMALLEST_BLOCK);
        Self { length, block, ..Self::default() }
    }

    pub(super) fn blocks(&self) -> u64 {
        self.length.div_ceil(self.block)
    }

    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Offset in the file and length of a block.
    pub(super) fn block(&self, number: u64) -> (u64, u64) {
        let start = number * self.block;
        (self.offset + start, self.block.min(self.length - start))
    }
}

impl FieldRecord {
    /// Axes of the dataset, slowest first.
    pub(super) fn shape(&self) -> Vec<usize> {
        let components = (self.components > 1).then_some(self.components);
        components.into_iter().chain(self.points.iter().copied()).collect()
    }

    fn kind(&self) -> Option<ElementKind> {
        ElementKind::ALL.into_iter().find(|kind| kind.to_string() == self.element)
    }

    /// The index of the value that has this byte of the data.
    pub(super) fn index_of(&self, byte: u64) -> Vec<usize> {
        let shape = self.shape();
        let number = byte as usize / self.kind().map_or(1, ElementKind::size);
        let mut index = vec![0; shape.len()];
        unravel(number, &shape).for_each(|(axis, along)| index[axis] = along);
        index
    }
}

impl Description {
    /// How many blocks all fields have.
    pub(super) fn blocks(&self) -> u64 {
        self.fields.iter().map(|field| field.data.blocks()).sum()
    }

    /// The block with this checksum: its field and its number there.
    pub(super) fn find_block(&self, checksum: u64) -> Option<(&FieldRecord, u64)> {
        let field = self.fields.iter().rev().find(|field| field.data.first_checksum <= checksum)?;
        Some((field, checksum - field.data.first_checksum))
    }

    /// The parts of the file after the header that are no values of fields: begin and end.
    pub(super) fn gaps(&self, file_length: u64) -> Vec<(u64, u64)> {
        let ends = [HEADER].into_iter().chain(self.fields.iter().map(|field| field.data.end()));
        let begins = self.fields.iter().map(|field| field.data.offset).chain([file_length]);
        ends.zip(begins).collect()
    }

    /// Refuses a description that contradicts itself, the number of checksums or the file's length.
    pub(super) fn check(&self, file_length: u64, checksums: u64) -> Result<(), String> {
        let (mut end, mut blocks) = (HEADER, 0_u64);
        let mut names = BTreeSet::new();
        for field in &self.fields {
            let data = &field.data;
            let values = field.shape().iter().try_fold(1_u64, |all, &n| all.checked_mul(n as u64));
            let size = field.kind().map(|kind| kind.size() as u64);
            let bytes = values.zip(size).and_then(|(values, size)| values.checked_mul(size));
            let axes = field.points.len();
            let grid = &field.grid;
            let lists = [grid.cells.len(), grid.periodic.len(), grid.origin.len(), grid.spacing.len()];
            let wrong = if !names.insert(&field.name) {
                "is there twice"
            } else if size.is_none() {
                "has a type that is unknown"
            } else if bytes != Some(data.length) || data.length == 0 || field.components == 0 {
                "has a length that is not that of its points"
            } else if lists.iter().any(|&length| length != axes) {
                "has another number of axes than its grid"
            } else if !grid.faces.is_empty() && !grid.has_faces_of_its_cells() {
                "has faces that are not those of its cells"
            } else if data.offset < end
                || data.offset.checked_add(data.length).is_none_or(|end| end > file_length)
            {
                "lies beyond the file or over something else"
            } else if data.block == 0 || data.first_checksum != blocks {
                "has no checksums"
            } else {
                ""
            };
            if !wrong.is_empty() {
                return Err(format!("its description makes no sense: field {:?} {wrong}", field.name));
            }
            end = data.end();
            blocks = blocks.saturating_add(data.blocks());
        }
        if blocks != checksums {
            return Err(format!("its description makes no sense: {checksums} checksums of {blocks} blocks"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, offset: u64, first_checksum: u64) -> FieldRecord {
        let data = DataRecord { offset, first_checksum, ..DataRecord::of_length(3 * 5 * 7 * 8) };
        FieldRecord {
            name: name.into(),
            element: "f64".into(),
            centering: "cell".into(),
            points: vec![5, 7],
            components: 3,
            grid: GridRecord {
                cells: vec![5, 7],
                periodic: vec![false, true],
                origin: vec![Exact(0.0); 2],
                spacing: vec![Exact(1.0); 2],
                faces: vec![vec![], (0..8).map(|i| Exact(f64::from(i * i))).collect()],
            },
            clock: ClockRecord { start: Some(Exact(0.0)), step: Exact(0.5), steps: 3 },
            data,
        }
    }

    fn description() -> Description {
        Description {
            library: "test".into(),
            step: 7,
            time: Exact(f64::NAN),
            fields: vec![field("a", 5000, 0), field("b", 6000, 1)],
            scalars: [("x".to_owned(), ScalarRecord::Natural(3))].into(),
            metadata: serde_json::json!({"k": [1, 2.5, null]}),
        }
    }

    #[test]
    fn it_survives_json_and_leaves_no_byte_out() {
        let description = description();
        let text = serde_json::to_vec_pretty(&description).unwrap();
        assert_eq!(serde_json::from_slice::<Description>(&text).unwrap(), description);
        assert_eq!(description.check(7000, 2), Ok(()));
        assert_eq!(description.gaps(7000), [(4096, 5000), (5840, 6000), (6840, 7000)]);
        let (found, block) = description.find_block(1).unwrap();
        assert_eq!((found.name.as_str(), block, found.index_of(839)), ("b", 0, vec![2, 4, 6]));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused = |change: &dyn Fn(&mut Description), what: &str| {
            let mut description = description();
            change(&mut description);
            let reason = description.check(7000, 2).unwrap_err();
            assert!(reason.contains(what), "{reason:?} does not say {what:?}");
        };
        refused(&|d| d.fields[1].name = "a".into(), "twice");
        refused(&|d| d.fields[0].element = "f80".into(), "unknown");
        refused(&|d| d.fields[0].points[0] = 6, "length");
        refused(&|d| d.fields[0].points = vec![usize::MAX; 2], "length");
        refused(&|d| d.fields[0].components = 0, "length");
        refused(&|d| d.fields[1].grid.periodic.push(true), "number of axes");
        refused(&|d| drop(d.fields[0].grid.faces.pop()), "faces");
        refused(&|d| d.fields[0].grid.faces[1].truncate(7), "faces");
        refused(&|d| d.fields[1].data.offset = 5839, "over something else");
        refused(&|d| d.fields[0].data.offset = 4095, "over something else");
        refused(&|d| d.fields[1].data.offset = 6161, "beyond the file");
        refused(&|d| d.fields[1].data.offset = u64::MAX, "beyond the file");
        refused(&|d| d.fields[1].data.first_checksum = 0, "no checksums");
        refused(&|d| d.fields[1].data.block = 0, "no checksums");
        refused(&|d| d.fields[1].data.block = 1, "2 checksums of 841 blocks");
        refused(&|d| drop(d.fields.pop()), "2 checksums of 1 blocks");
    }

    #[test]
    fn blocks_are_of_a_mebibyte_until_there_are_too_many() {
        assert_eq!(DataRecord::of_length(1).block, 1 << 20);
        assert_eq!(DataRecord::of_length(1 << 36).block, 1 << 20);
        let large = DataRecord::of_length((1 << 36) + 1);
        assert_eq!((large.block, large.blocks()), (1 << 21, (1 << 15) + 1));
    }
}
