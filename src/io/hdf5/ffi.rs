//! The calls of the HDF5 C library that the `hdf5` crate does not offer, behind safe functions.
//!
//! The invariants that the `SAFETY` comments cite:
//!
//! 1. Every identifier comes from a live object of the `hdf5` crate (or from
//!    [`TransferProperties`]) that the function borrows for the whole call.
//! 2. Every call runs under `hdf5::sync::sync`, the lock that makes the C library usable from
//!    several threads.
//! 3. A buffer is at least as long as what the library is told to read or write, which is
//!    asserted here, in the same function, before the call.
#![allow(unsafe_code, reason = "the one place of this module that calls C")]

use std::ffi::{c_int, c_uint, c_void};

use hdf5::{Attribute, Dataset, Dataspace, Datatype, ObjectReference1};
use hdf5_sys::h5::{herr_t, hsize_t};
use hdf5_sys::h5a::{H5Aread, H5Awrite};
use hdf5_sys::h5d::{H5Dget_chunk_info_by_coord, H5Dread, H5Dwrite};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{H5FD_mpio_xfer_t, H5P_CLS_DATASET_XFER, H5Pclose, H5Pcreate, H5Pset_dxpl_mpio};
use hdf5_sys::h5s::{H5S_SELECT_SET, H5Sselect_hyperslab, H5Sselect_none};
use hdf5_sys::h5t::{H5T_C_S1, H5T_class_t, H5Tconvert, H5Tcopy, H5Tget_class, H5Tset_size};

unsafe extern "C" {
    fn H5Pget_mpio_actual_io_mode(dxpl: hid_t, mode: *mut c_uint) -> herr_t;
    fn H5Pget_mpio_no_collective_cause(dxpl: hid_t, local: *mut u32, global: *mut u32) -> herr_t;
}

/// How the library moved the bytes of one collective transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) enum IoMode {
    /// The library gave up collective transfer on some rank; its reasons, as the bits of
    /// `H5D_mpio_no_collective_cause_t`.
    NotCollective(u32),
    /// All chunks collectively, or the whole contiguous dataset.
    Collective,
    /// Some chunks or ranks collectively, others not.
    Mixed,
}

/// A box of a dataspace, or every n-th element of one. A zero in `count` selects nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct Hyperslab<'a> {
    /// Lengths of the whole space, slowest axis first.
    pub(in crate::io) extent: &'a [usize],
    /// First index of the box per axis.
    pub(in crate::io) start: &'a [usize],
    /// Number of elements per axis.
    pub(in crate::io) count: &'a [usize],
    /// Distance of two elements per axis; one everywhere if there is none.
    pub(in crate::io) step: Option<&'a [usize]>,
}

impl Hyperslab<'_> {
    fn elements(&self) -> usize {
        self.count.iter().product()
    }

    /// The dataspace with the box selected.
    fn select(&self) -> hdf5::Result<Dataspace> {
        let Self { extent, start, count, step } = *self;
        let axes = extent.len();
        assert!(start.len() == axes && count.len() == axes, "axes differ: {self:?}");
        assert!(step.is_none_or(|step| step.len() == axes), "axes differ: {self:?}");
        let space = Dataspace::try_new(extent)?;
        let status = if self.elements() == 0 {
            // SAFETY: invariants 1 and 2.
            hdf5::sync::sync(|| unsafe { H5Sselect_none(space.id()) })
        } else {
            let inside = |axis: usize| {
                let length = (count[axis] - 1).checked_mul(step.map_or(1, |step| step[axis]));
                let last = length.and_then(|length| length.checked_add(start[axis]));
                last.is_some_and(|last| last < extent[axis])
            };
            assert!((0..axes).all(inside), "selection leaves the space: {self:?}");
            assert!(step.is_none_or(|step| !step.contains(&0)), "selection without step: {self:?}");
            let sizes = |list: &[usize]| list.iter().map(|&n| n as hsize_t).collect::<Vec<_>>();
            let (start, count, step) = (sizes(start), sizes(count), step.map(sizes));
            let null = std::ptr::null();
            // SAFETY: invariants 1 and 2; all arrays have one entry per axis of the space, and
            // a null stride or block means ones.
            hdf5::sync::sync(|| unsafe {
                let (start, count) = (start.as_ptr(), count.as_ptr());
                let step = step.as_ref().map_or(null, |step| step.as_ptr());
                H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, start, step, count, null)
            })
        };
        check(status)?;
        Ok(space)
    }
}

/// The transfer property list of MPI-IO.
#[derive(Debug)]
pub(in crate::io) struct TransferProperties(hid_t);

impl TransferProperties {
    /// All ranks move their parts together.
    pub(in crate::io) fn collective() -> hdf5::Result<Self> {
        Self::new(H5FD_mpio_xfer_t::H5FD_MPIO_COLLECTIVE)
    }

    /// Every rank moves its part by itself.
    pub(in crate::io) fn independent() -> hdf5::Result<Self> {
        Self::new(H5FD_mpio_xfer_t::H5FD_MPIO_INDEPENDENT)
    }

    fn new(mode: H5FD_mpio_xfer_t) -> hdf5::Result<Self> {
        // SAFETY: invariant 2; the class identifier is a constant of the initialized library.
        let id = hdf5::sync::sync(|| unsafe { H5Pcreate(*H5P_CLS_DATASET_XFER) });
        if id < 0 {
            return Err(last_error());
        }
        let list = Self(id);
        // SAFETY: invariants 1 and 2.
        check(hdf5::sync::sync(|| unsafe { H5Pset_dxpl_mpio(list.0, mode) }))?;
        Ok(list)
    }

    /// What the last transfer with this list really did on this rank.
    fn mode(&self) -> hdf5::Result<IoMode> {
        let mut mode: c_uint = 0;
        // SAFETY: invariants 1 and 2; the C enumeration has the size of an unsigned int.
        check(hdf5::sync::sync(|| unsafe { H5Pget_mpio_actual_io_mode(self.0, &raw mut mode) }))?;
        // H5D_MPIO_NO_COLLECTIVE and CHUNK_INDEPENDENT, CHUNK_COLLECTIVE, CHUNK_MIXED,
        // CONTIGUOUS_COLLECTIVE
        Ok(match mode {
            2 | 4 => IoMode::Collective,
            3 => IoMode::Mixed,
            _ => IoMode::NotCollective(self.causes()?),
        })
    }

    /// Why the last transfer with this list was not collective on all ranks.
    fn causes(&self) -> hdf5::Result<u32> {
        let (mut local, mut global) = (0_u32, 0_u32);
        // SAFETY: invariants 1 and 2; both pointers are to integers of the type the call fills.
        check(hdf5::sync::sync(|| unsafe {
            H5Pget_mpio_no_collective_cause(self.0, &raw mut local, &raw mut global)
        }))?;
        Ok(local | global)
    }
}

impl Drop for TransferProperties {
    fn drop(&mut self) {
        // SAFETY: invariants 1 and 2; the list is ours and closed once.
        hdf5::sync::sync(|| unsafe { H5Pclose(self.0) });
    }
}

/// Writes the elements of `memory` in `bytes`, of type `kind`, to `file` in the dataset.
///
/// Collective over the communicator that the file was opened with.
pub(in crate::io) fn write(
    dataset: &Dataset,
    kind: &Datatype,
    (memory, bytes): (Hyperslab<'_>, &[u8]),
    file: Hyperslab<'_>,
    transfer: &TransferProperties,
) -> hdf5::Result<IoMode> {
    let (memory_space, file_space) = spaces(kind, memory, bytes.len(), file)?;
    // SAFETY: invariants 1 and 2, and 3 by `spaces`.
    check(hdf5::sync::sync(|| unsafe {
        let (from, to) = (memory_space.id(), file_space.id());
        H5Dwrite(dataset.id(), kind.id(), from, to, transfer.0, bytes.as_ptr().cast())
    }))?;
    transfer.mode()
}

/// Reads `file` of the dataset into the elements of `memory` in `bytes`, of type `kind`.
///
/// Collective over the communicator that the file was opened with.
pub(in crate::io) fn read(
    dataset: &Dataset,
    kind: &Datatype,
    (memory, bytes): (Hyperslab<'_>, &mut [u8]),
    file: Hyperslab<'_>,
    transfer: &TransferProperties,
) -> hdf5::Result<IoMode> {
    let (memory_space, file_space) = spaces(kind, memory, bytes.len(), file)?;
    // SAFETY: invariants 1 and 2, and 3 by `spaces`; the callers hand over bytes of elements,
    // for which every bit pattern is a value.
    check(hdf5::sync::sync(|| unsafe {
        let (to, from) = (memory_space.id(), file_space.id());
        H5Dread(dataset.id(), kind.id(), to, from, transfer.0, bytes.as_mut_ptr().cast())
    }))?;
    transfer.mode()
}

/// Both selections of a transfer, after asserting that they agree and the buffer holds the memory
/// space.
fn spaces(
    kind: &Datatype,
    memory: Hyperslab<'_>,
    bytes: usize,
    file: Hyperslab<'_>,
) -> hdf5::Result<(Dataspace, Dataspace)> {
    let needed = memory.extent.iter().try_fold(kind.size(), |size, &n| size.checked_mul(n));
    assert!(needed.is_some_and(|needed| needed <= bytes), "{bytes} bytes cannot hold {memory:?}");
    assert_eq!(memory.elements(), file.elements(), "{memory:?} and {file:?} differ in size");
    Ok((memory.select()?, file.select()?))
}

/// Where the chunk that begins at this index lies in the file: its first byte and its length.
pub(in crate::io) fn chunk_place(dataset: &Dataset, first: &[usize]) -> hdf5::Result<Option<(u64, u64)>> {
    assert_eq!(first.len(), dataset.ndim(), "an index has an entry per axis");
    let first: Vec<hsize_t> = first.iter().map(|&i| i as hsize_t).collect();
    let (mut filters, mut start, mut length): (c_uint, u64, hsize_t) = (0, 0, 0);
    // SAFETY: invariants 1 and 2; the index has one entry per axis, and the pointers are to
    // integers of the types the call fills.
    check(hdf5::sync::sync(|| unsafe {
        let (filters, start, length) = (&raw mut filters, &raw mut start, &raw mut length);
        H5Dget_chunk_info_by_coord(dataset.id(), first.as_ptr(), filters, start, length)
    }))?;
    // all bits set stand for no address
    Ok((start != u64::MAX).then_some((start, length)))
}

/// Where the header of an object lies, counted from where the HDF5 part of the file begins.
pub(in crate::io) fn address(file: &hdf5::File, path: &str) -> hdf5::Result<u64> {
    let reference = file.reference::<ObjectReference1>(path)?;
    // SAFETY: the type is a transparent wrapper of `hobj_ref_t`, which is an address, a 64-bit
    // number.
    Ok(unsafe { std::mem::transmute::<ObjectReference1, u64>(reference) })
}

/// Converts `count` packed values in place from one type to another.
pub(in crate::io) fn convert(
    from: &Datatype,
    to: &Datatype,
    count: usize,
    bytes: &mut [u8],
) -> hdf5::Result<()> {
    let needed = from.size().max(to.size()).checked_mul(count);
    assert!(needed.is_some_and(|needed| needed <= bytes.len()), "buffer too short for {count} values");
    // compound types are assembled in a second buffer
    let mut background =
        vec![0_u8; if class(to) == H5T_class_t::H5T_COMPOUND { count * to.size() } else { 0 }];
    let background = background.as_mut_ptr().cast::<c_void>();
    // SAFETY: invariants 1 and 2, and 3 by the assertion; the background buffer holds `count`
    // values of the new type where the library uses one; zero stands for the default list.
    check(hdf5::sync::sync(|| unsafe {
        H5Tconvert(from.id(), to.id(), count, bytes.as_mut_ptr().cast(), background, 0)
    }))
}

fn class(kind: &Datatype) -> H5T_class_t {
    // SAFETY: invariants 1 and 2.
    hdf5::sync::sync(|| unsafe { H5Tget_class(kind.id()) })
}

/// Whether the type is a floating-point number, of whatever size.
pub(in crate::io) fn is_float(kind: &Datatype) -> bool {
    class(kind) == H5T_class_t::H5T_FLOAT
}

/// The fixed-length, null-terminated string type that the dimension scale convention asks for.
pub(in crate::io) fn null_terminated(size: usize) -> hdf5::Result<Datatype> {
    // SAFETY: invariant 2; the string type is a constant of the initialized library.
    let id = hdf5::sync::sync(|| unsafe { H5Tcopy(*H5T_C_S1) });
    // SAFETY: no other object owns the copy, so the object may own it; a failure's negative
    // identifier is refused.
    let kind: Datatype = unsafe { hdf5::from_id(id)? };
    // SAFETY: invariants 1 and 2.
    check(hdf5::sync::sync(|| unsafe { H5Tset_size(kind.id(), size) }))?;
    Ok(kind)
}

/// Writes an attribute's bytes as they are.
pub(in crate::io) fn write_attribute(attribute: &Attribute, bytes: &[u8]) -> hdf5::Result<()> {
    let kind = attribute.dtype()?;
    assert_eq!(Some(bytes.len()), kind.size().checked_mul(attribute.size()), "attribute size");
    // SAFETY: invariants 1 and 2, and 3 by the assertion.
    check(hdf5::sync::sync(|| unsafe { H5Awrite(attribute.id(), kind.id(), bytes.as_ptr().cast()) }))
}

/// The bytes of an attribute of fixed-length strings.
///
/// # Panics
///
/// If the attribute holds anything else: variable-length data are pointers.
pub(in crate::io) fn read_string_attribute(attribute: &Attribute) -> hdf5::Result<Vec<u8>> {
    use hdf5::types::TypeDescriptor::{FixedAscii, FixedUnicode};
    let kind = attribute.dtype()?;
    assert!(matches!(kind.to_descriptor()?, FixedAscii(_) | FixedUnicode(_)), "not a fixed string");
    let mut bytes = vec![0_u8; kind.size() * attribute.size()];
    // SAFETY: invariants 1 and 2; the buffer holds every element of the attribute.
    check(hdf5::sync::sync(|| unsafe { H5Aread(attribute.id(), kind.id(), bytes.as_mut_ptr().cast()) }))?;
    Ok(bytes)
}

/// One entry of a dimension scale's `REFERENCE_LIST`: who uses the scale, and for which axis.
#[derive(Clone, Debug, hdf5::H5Type)]
#[repr(C)]
pub(in crate::io) struct ScaleUse {
    /// The dataset that uses the scale.
    pub(in crate::io) dataset: ObjectReference1,
    /// The axis of the dataset, slowest first.
    pub(in crate::io) dimension: c_int,
}

fn check(status: herr_t) -> hdf5::Result<()> {
    if status < 0 { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> hdf5::Error {
    hdf5::Error::query().unwrap_or_else(|error| error)
}
