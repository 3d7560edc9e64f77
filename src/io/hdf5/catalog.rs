//! The content of a file, as rank 0 found it.

use hdf5::{File, Group};
use serde::{Deserialize, Serialize};

use crate::io::hdf5::attributes::Attribute;
use crate::io::hdf5::compression;
use crate::io::hdf5::kinds::FileKind;

/// The datasets and attributes of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::io) struct Catalog {
    /// Sorted by path.
    pub(in crate::io) datasets: Vec<DatasetEntry>,
    /// Attributes of the file itself.
    pub(in crate::io) attributes: Vec<(String, Attribute)>,
}

/// One dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::io) struct DatasetEntry {
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

    pub(in crate::io) fn find(&self, path: &str) -> Option<&DatasetEntry> {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.datasets.iter().find(|entry| entry.path == path)
    }
}

/// Adds the datasets of a group and its subgroups. Skips broken links.
fn collect(
    group: &Group,
    depth: usize,
    groups: &mut usize,
    datasets: &mut Vec<DatasetEntry>,
) -> hdf5::Result<()> {
    // hard links may form cycles; real files are never this deep
    const DEEPEST: usize = 32;
    const MOST: usize = 100_000;
    for dataset in group.datasets()? {
        let name = dataset.name();
        datasets.push(DatasetEntry {
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
        let entry = |(number, kind): (usize, FileKind)| DatasetEntry {
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
        let message = postcard::to_stdvec(&catalog).unwrap();
        assert_eq!(postcard::from_bytes::<Catalog>(&message).unwrap(), catalog);
    }
}
