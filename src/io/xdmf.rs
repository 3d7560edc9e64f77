//! The XDMF side file, with which ParaView and pyvista place the datasets on their grid.
//!
//! XDMF gives everything slowest axis first, as HDF5 does. Source: "XDMF Model and Format",
//! <https://www.xdmf.org/index.php/XDMF_Model_and_Format>.

use std::fmt::{self, Display, Write};

use crate::io::block::stored::Axis;
use crate::io::hdf5::kinds::NumberFamily;
use parhelion_kernels::ElementKind;

/// A dataset, as the side file and a check among ranks need it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) kind: ElementKind,
    pub(super) units: Option<String>,
    pub(super) axes: Vec<Axis>,
    /// Without the axis of components; slowest first.
    pub(super) shape: Vec<usize>,
    pub(super) components: usize,
}

/// A grid of points, to which values belong, or to the cells between.
#[derive(Debug, PartialEq)]
struct Geometry {
    origin: Vec<f64>,
    spacing: Vec<f64>,
    points: Vec<usize>,
    /// The coordinates of the points along each axis, where they are not uniform along all.
    places: Option<Vec<Vec<f64>>>,
}

impl Geometry {
    /// The points of a dataset and its center; `None` if XDMF has no such grid.
    ///
    /// A dataset that is cell-centered along all axes belongs to the cells. Any other, staggered
    /// ones included, is given at the points of a grid of its own.
    fn of(item: &Item) -> Option<(Self, &'static str)> {
        if !(1..=3).contains(&item.axes.len()) || item.shape.contains(&0) {
            return None;
        }
        let cells = item.axes.iter().all(|axis| axis.cells);
        let mut geometry = Self {
            origin: item
                .axes
                .iter()
                .map(|a| if cells { a.first - 0.5 * a.spacing } else { a.first })
                .collect(),
            spacing: item.axes.iter().map(|axis| axis.spacing).collect(),
            points: item.shape.iter().map(|&n| if cells { n + 1 } else { n }).collect(),
            places: item.axes.iter().any(|axis| axis.boundaries.is_some()).then(|| {
                let along = |(axis, &n): (&Axis, &usize)| match cells || !axis.cells {
                    true => axis.places(n),
                    false => (0..n).map(|index| axis.coordinate(index)).collect(),
                };
                item.axes.iter().zip(&item.shape).map(along).collect()
            }),
        };
        // lines and planes become boxes: readers get the 2-D meshes of XDMF wrong
        for _ in item.axes.len()..3 {
            geometry.origin.insert(0, 0.0);
            geometry.spacing.insert(0, geometry.spacing[0]);
            geometry.points.insert(0, if cells { 2 } else { 1 });
            if let Some(places) = &mut geometry.places {
                let flat = [0.0, geometry.spacing[0]];
                places.insert(0, flat[..geometry.points[0]].to_vec());
            }
        }
        Some((geometry, if cells { "Cell" } else { "Node" }))
    }
}

/// The place of values on an axis of time that comes before the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeSlot {
    pub(super) index: usize,
    /// Length of that axis.
    pub(super) length: usize,
}

/// The side file for these datasets of an HDF5 file; `None` if it would show none of them.
pub(super) fn document(file_name: &str, time: Option<f64>, items: &[Item]) -> Option<String> {
    Some(domain(&grids(file_name, time, items, None)?))
}

/// The side file of outputs at several times, each given as its [`grids`].
pub(super) fn collection(outputs: impl Iterator<Item = String>) -> String {
    let outputs: String = outputs.collect();
    domain(&format!(
        "    <Grid Name=\"outputs\" GridType=\"Collection\" CollectionType=\"Temporal\">\n{outputs}    </Grid>\n"
    ))
}

fn domain(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE Xdmf SYSTEM \"Xdmf.dtd\" []>\n<Xdmf Version=\"3.0\">\n{DOMAIN}{body}{END}</Xdmf>\n"
    )
}

const DOMAIN: &str = "  <Domain>\n";
const END: &str = "  </Domain>\n";

/// What a side file made by [`document`] shows: what `grids` gave.
pub(super) fn body(document: &str) -> Option<&str> {
    Some(document.split_once(DOMAIN)?.1.rsplit_once(END)?.0)
}

/// The datasets of an output on their grids; `None` if XDMF can show none of them.
pub(super) fn grids(
    file_name: &str,
    time: Option<f64>,
    items: &[Item],
    slot: Option<TimeSlot>,
) -> Option<String> {
    let mut grids: Vec<(Geometry, String)> = Vec::new();
    for item in items {
        let Some((geometry, center)) = Geometry::of(item) else { continue };
        let Some(attribute) = attribute(file_name, center, item, slot) else { continue };
        match grids.iter_mut().find(|(known, _)| *known == geometry) {
            Some((_, attributes)) => attributes.push_str(&attribute),
            None => grids.push((geometry, attribute)),
        }
    }
    // pyvista insists on a time
    let time = format!("      <Time Value=\"{:?}\"/>\n", time.unwrap_or_default());
    let body: String = grids.iter().enumerate().map(|(n, grid)| grid_element(n, grid, &time)).collect();
    match grids.len() {
        0 => None,
        1 => Some(body),
        _ => Some(format!(
            "    <Grid Name=\"fields\" GridType=\"Collection\" CollectionType=\"Spatial\">\n{time}{body}    </Grid>\n"
        )),
    }
}

fn grid_element(number: usize, (geometry, attributes): &(Geometry, String), time: &str) -> String {
    let points = list(&geometry.points);
    let number_list = |values: &[f64]| {
        let values = values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>();
        format!(
            "        <DataItem Dimensions=\"{}\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">{}</DataItem>\n",
            values.len(),
            list(&values)
        )
    };
    let (topology, kind, numbers) = match &geometry.places {
        // x comes first, where everything else begins with the slowest axis
        Some(places) => {
            ("3DRectMesh", "VXVYVZ", places.iter().rev().map(|places| number_list(places)).collect())
        }
        None => {
            let numbers = number_list(&geometry.origin) + &number_list(&geometry.spacing);
            ("3DCoRectMesh", "ORIGIN_DXDYDZ", numbers)
        }
    };
    let numbers: String = numbers;
    format!(
        "    <Grid Name=\"grid{number}\" GridType=\"Uniform\">\n{time}      <Topology TopologyType=\"{topology}\" \
         Dimensions=\"{points}\"/>\n      <Geometry GeometryType=\"{kind}\">\n{numbers}      \
         </Geometry>\n{attributes}    </Grid>\n",
    )
}

/// One dataset on its grid; `None` if its numbers are complex or make no vector or tensor.
fn attribute(file_name: &str, center: &str, item: &Item, slot: Option<TimeSlot>) -> Option<String> {
    let precision = item.kind.size();
    let number = match NumberFamily::of(item.kind) {
        NumberFamily::Complex { .. } => return None,
        NumberFamily::Float { .. } => "Float",
        NumberFamily::Integer { size: 1, signed: true } => "Char",
        NumberFamily::Integer { size: 1, signed: false } => "UChar",
        NumberFamily::Integer { size: 2, signed: true } => "Short",
        NumberFamily::Integer { size: 2, signed: false } => "UShort",
        NumberFamily::Integer { signed: true, .. } => "Int",
        NumberFamily::Integer { signed: false, .. } => "UInt",
    };
    let (rank, components) = match item.components {
        1 => ("Scalar", None),
        // of two components the third is taken as zero
        2 | 3 => ("Vector", Some(item.components)),
        6 => ("Tensor6", Some(6)),
        9 => ("Tensor", Some(9)),
        _ => return None,
    };
    let flat = std::iter::repeat_n(1, 3 - item.shape.len());
    let shape: Vec<usize> = flat.chain(item.shape.iter().copied()).chain(components).collect();
    let name = Escaped(&item.name);
    let mut xml = String::new();
    let mut line = |text: fmt::Arguments<'_>| {
        writeln!(xml, "      {text}").expect("a string takes whatever is written");
    };
    line(format_args!("<Attribute Name=\"{name}\" AttributeType=\"{rank}\" Center=\"{center}\">"));
    let values = |dimensions: &[usize]| {
        format!(
            "<DataItem Dimensions=\"{}\" NumberType=\"{number}\" Precision=\"{precision}\" Format=\"HDF\">{}:/{name}</DataItem>",
            list(dimensions),
            Escaped(file_name),
        )
    };
    match slot {
        None => line(format_args!("  {}", values(&shape))),
        Some(TimeSlot { index, length }) => {
            let inside: Vec<usize> = item.shape.iter().copied().chain(components).collect();
            let axes = inside.len() + 1;
            let with = |first: usize, others: &[usize]| {
                list(&std::iter::once(first).chain(others.iter().copied()).collect::<Vec<_>>())
            };
            line(format_args!(
                "  <DataItem ItemType=\"HyperSlab\" Dimensions=\"{}\" Type=\"HyperSlab\">",
                list(&shape)
            ));
            line(format_args!(
                "    <DataItem Dimensions=\"3 {axes}\" Format=\"XML\">{} {} {}</DataItem>",
                with(index, &vec![0; axes - 1]),
                with(1, &vec![1; axes - 1]),
                with(1, &inside),
            ));
            let whole: Vec<usize> = std::iter::once(length).chain(inside).collect();
            line(format_args!("    {}", values(&whole)));
            line(format_args!("  </DataItem>"));
        }
    }
    if let Some(units) = &item.units {
        line(format_args!("  <Information Name=\"units\" Value=\"{}\"/>", Escaped(units)));
    }
    line(format_args!("</Attribute>"));
    Some(xml)
}

fn list(values: &[impl Display]) -> String {
    values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

/// Text with the characters that XML reserves replaced.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, cells: [bool; 3], shape: [usize; 3]) -> Item {
        let axis = |n: usize| Axis {
            name: ["z", "y", "x"][n].into(),
            units: None,
            first: [0.25, 10.5, -3.0][n],
            spacing: [0.5, 1.0, 2.0][n],
            cells: cells[n],
            boundaries: None,
        };
        Item {
            name: name.into(),
            kind: ElementKind::F64,
            units: Some("K".into()),
            axes: (0..3).map(axis).collect(),
            shape: shape.into(),
            components: 1,
        }
    }

    #[test]
    fn cells_lie_between_points_half_a_spacing_away() {
        let cells = item("a<b", [true; 3], [4, 5, 6]);
        let xml = document("heat.h5", Some(1.5), &[cells]).unwrap();
        assert!(xml.contains("TopologyType=\"3DCoRectMesh\" Dimensions=\"5 6 7\""), "{xml}");
        assert!(xml.contains(">0.0 10.0 -4.0<") && xml.contains(">0.5 1.0 2.0<"), "{xml}");
        assert!(xml.contains("Center=\"Cell\"") && xml.contains(">heat.h5:/a&lt;b<"), "{xml}");
        assert!(xml.contains("<Time Value=\"1.5\"/>"), "{xml}");
    }

    #[test]
    fn cells_of_different_width_lie_on_a_rectilinear_mesh() {
        let mut cells = item("a", [true; 3], [2, 1, 3]);
        cells.axes[2].boundaries = Some([0.0, 1.0, 3.0, 7.0].into());
        let xml = document("heat.h5", None, &[cells.clone()]).unwrap();
        assert!(xml.contains("TopologyType=\"3DRectMesh\" Dimensions=\"3 2 4\""), "{xml}");
        let numbers = |places: &str| xml.find(&format!(">{places}</DataItem>")).unwrap();
        assert!(numbers("0.0 1.0 3.0 7.0") < numbers("10.0 11.0"), "{xml}"); // x first
        assert!(numbers("10.0 11.0") < numbers("0.0 0.5 1.0"), "{xml}");
        // points, of which some lie at centers
        cells.axes[0].cells = false;
        cells.axes.remove(1);
        cells.shape.remove(1);
        let xml = document("heat.h5", None, &[cells]).unwrap();
        assert!(
            xml.contains(">0.5 2.0 5.0<") && xml.contains(">0.25 0.75<") && xml.contains(">0.0<"),
            "{xml}"
        );
    }

    #[test]
    fn fields_on_one_grid_share_it_and_staggered_ones_have_their_own() {
        let cells = [true; 3];
        let faces = [false, true, true];
        let items = [item("a", cells, [4, 5, 6]), item("b", cells, [4, 5, 6]), item("c", faces, [5, 5, 6])];
        let xml = document("heat.h5", None, &items).unwrap();
        assert_eq!(xml.matches("GridType=\"Uniform\"").count(), 2);
        assert!(xml.contains("Dimensions=\"5 5 6\"") && xml.contains("Center=\"Node\""), "{xml}");
    }

    #[test]
    fn an_output_of_a_series_is_a_slab_of_its_datasets() {
        let cells = item("a", [true; 3], [4, 5, 6]);
        let grids = grids("heat.h5", Some(2.5), &[cells], Some(TimeSlot { index: 3, length: 8 })).unwrap();
        assert!(grids.contains("3 0 0 0 1 1 1 1 1 4 5 6<"), "{grids}");
        assert!(
            grids.contains("Dimensions=\"8 4 5 6\"") && grids.contains("Dimensions=\"4 5 6\""),
            "{grids}"
        );
        let whole = collection([grids.clone(), grids.clone()].into_iter());
        assert_eq!(whole.matches("<Time Value=\"2.5\"/>").count(), 2);
        assert_eq!(body(&domain(&grids)), Some(grids.as_str()));
    }

    #[test]
    fn what_xdmf_cannot_show_is_left_out() {
        let mut complex = item("c", [true; 3], [4, 5, 6]);
        complex.kind = ElementKind::ComplexF64;
        assert_eq!(document("heat.h5", None, &[complex]), None);
    }
}
