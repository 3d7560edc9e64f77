//! What a file holds, as rank 0 found it.

use hdf5::{File, Group};

use crate::io::codec::{Decoder, Encoder};
use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::compression;
use crate::io::hdf5::kinds::FileKind;

/// The datasets and attributes of a file.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::io) struct Catalog {
    /// Sorted by path.
    pub(in crate::io) datasets: Vec<Entry>,
    /// Attributes of the file itself.
    pub(in crate::io) attributes: Vec<(String, Attribute)>,
}

/// One dataset.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::io) struct Entry {
    /// Path inside the file, without the leading slash.
    pub(in crate::io) path: String,
    /// Slowest axis first.
    pub(in crate::io) shape: Vec<usize>,
    pub(in crate::io) kind: FileKind,
    /// Numbers of the filters of its chunks.
    pub(in crate::io) filters: Vec<i32>,
    pub(in crate::io) attributes: Vec<(String, Attribute)>,
}

impl Catalog {
    pub(in crate::io) fn of(file: &File) -> hdf5::Result<Self> {
        let mut datasets = Vec::new();
        collect(file, 0, &mut 0, &mut datasets)?;
        datasets.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { datasets, attributes: Attribute::read_all(file)? })
    }

    pub(in crate::io) fn find(&self, path: &str) -> Option<&Entry> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.datasets.iter().find(|entry| entry.path == path)
    }

    pub(in crate::io) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encode_attributes(&mut encoder, &self.attributes);
        encoder.list(&self.datasets, |e, entry| {
            e.text(&entry.path);
            e.list(&entry.shape, |e, &n| e.number(n as u64));
            encode_kind(e, &entry.kind);
            e.list(&entry.filters, |e, &number| e.number(number as u64));
            encode_attributes(e, &entry.attributes);
        });
        encoder.0
    }

    pub(in crate::io) fn decode(bytes: &[u8]) -> Self {
        let decoder = &mut Decoder(bytes);
        let attributes = decode_attributes(decoder);
        let datasets = decoder.list(|d| Entry {
            path: d.text(),
            shape: d.list(|d| d.number() as usize),
            kind: decode_kind(d),
            filters: d.list(|d| d.number() as i32),
            attributes: decode_attributes(d),
        });
        Self { datasets, attributes }
    }
}

/// Adds the datasets of a group and its groups. Links that lead nowhere are left out.
fn collect(group: &Group, depth: usize, groups: &mut usize, datasets: &mut Vec<Entry>) -> hdf5::Result<()> {
    // hard links may form cycles; real files are never this deep
    const DEEPEST: usize = 32;
    const MOST: usize = 100_000;
    for dataset in group.datasets()? {
        let name = dataset.name();
        datasets.push(Entry {
            path: name.strip_prefix('/').unwrap_or(&name).to_owned(),
            shape: dataset.get_shape()?,
            kind: FileKind::of(&dataset.dtype()?),
            filters: compression::of(&dataset),
            attributes: Attribute::read_all(&dataset)?,
        });
    }
    if depth < DEEPEST {
        for group in group.groups()? {
            *groups += 1;
            if *groups > MOST {
                return Err(hdf5::Error::from(format!(
                    "it has more than {MOST} groups, or links in circles"
                )));
            }
            collect(&group, depth + 1, groups, datasets)?;
        }
    }
    Ok(())
}

fn encode_kind(encoder: &mut Encoder, kind: &FileKind) {
    let (tag, size, texts) = match kind {
        FileKind::Integer { size, signed: false } => (0, *size, Vec::new()),
        FileKind::Integer { size, signed: true } => (1, *size, Vec::new()),
        FileKind::Float { size } => (2, *size, Vec::new()),
        FileKind::Complex { size, members } => (3, *size, members.to_vec()),
        FileKind::Other(what) => (4, 0, vec![what.clone()]),
    };
    encoder.number(tag);
    encoder.number(size as u64);
    encoder.list(&texts, |e, text| e.text(text));
}

fn decode_kind(decoder: &mut Decoder<'_>) -> FileKind {
    let (tag, size) = (decoder.number(), decoder.number() as usize);
    let mut texts = decoder.list(Decoder::text).into_iter();
    let mut text = || texts.next().unwrap_or_default();
    match tag {
        0 | 1 => FileKind::Integer { size, signed: tag == 1 },
        2 => FileKind::Float { size },
        3 => FileKind::Complex { size, members: [text(), text()] },
        _ => FileKind::Other(text()),
    }
}

fn encode_attributes(encoder: &mut Encoder, attributes: &[(String, Attribute)]) {
    encoder.list(attributes, |e, (name, value)| {
        e.text(name);
        value.encode(e);
    });
}

fn decode_attributes(decoder: &mut Decoder<'_>) -> Vec<(String, Attribute)> {
    decoder.list(|d| (d.text(), Attribute::decode(d)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_learns_what_rank_0_found() {
        let kinds = [
            FileKind::Integer { size: 2, signed: true },
            FileKind::Integer { size: 8, signed: false },
            FileKind::Float { size: 16 },
            FileKind::Complex { size: 4, members: ["re".into(), "im".into()] },
            FileKind::Other("a compound type".into()),
        ];
        let attributes = vec![
            ("units".to_owned(), Attribute::from("K")),
            ("range".to_owned(), Attribute::from(vec![-1.5, f64::INFINITY])),
            ("count".to_owned(), Attribute::from(-3)),
        ];
        let entry = |(number, kind): (usize, FileKind)| Entry {
            path: format!("group/{number}"),
            shape: vec![number, 7],
            kind,
            filters: vec![2, 32_015][..number.min(2)].to_vec(),
            attributes: attributes[number.min(3)..].to_vec(),
        };
        let catalog = Catalog {
            datasets: kinds.into_iter().enumerate().map(entry).collect(),
            attributes: attributes.clone(),
        };
        assert_eq!(Catalog::decode(&catalog.encode()), catalog);
    }
}
