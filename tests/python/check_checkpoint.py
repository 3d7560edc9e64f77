"""Reads a checkpoint as docs/checkpoint-format.md specifies it, byte by byte, and again with h5py."""

import json
import struct
import sys
import zlib

import h5py
import numpy

path = sys.argv[1]
data = open(path, "rb").read()

# the header
magic, version, size, length, text_at, text_length, sums_at, sums_count, text_crc, rest_crc, run, number, step = (
    struct.unpack("<16sIIQQQQQIIQQQ", data[:96])
)
assert magic == b"\x89PARHELION-CP\r\n\x1a" and version == 1 and size == 4096
assert length == len(data) and number == 1 and step == 42
assert data[96:4092] == bytes(3996)
assert struct.unpack("<I", data[4092:4096]) == (zlib.crc32(data[:4092]),)

# the description
text = data[text_at : text_at + text_length]
assert zlib.crc32(text) == text_crc
description = json.loads(text)
assert description["step"] == 42
assert description["time"] == {"value": 0.1, "bits": struct.pack(">d", 0.1).hex()}
assert description["scalars"] == {"dt": {"real": description["time"]}, "k": {"natural": 7}}
assert description["metadata"] == [1.5, 2.5]

# everything but the values
sums = struct.unpack(f"<{sums_count}I", data[sums_at : sums_at + 4 * sums_count])
crc, at = 0, size
for field in description["fields"]:
    place = field["data"]
    assert at <= place["offset"]
    crc = zlib.crc32(data[at : place["offset"]], crc)
    at = place["offset"] + place["length"]
assert zlib.crc32(data[at:], crc) == rest_crc

# the values
blocks = 0
types = {"f32": "<f4", "i64": "<i8", "Complex<f32>": "<c8", "Complex<f64>": "<c16"}
arrays = {}
for field in description["fields"]:
    place = field["data"]
    assert place["first_checksum"] == blocks
    values = data[place["offset"] : place["offset"] + place["length"]]
    for begin in range(0, place["length"], place["block"]):
        assert zlib.crc32(values[begin : begin + place["block"]]) == sums[blocks]
        blocks += 1
    shape = field["points"] if field["components"] == 1 else [field["components"], *field["points"]]
    arrays[field["name"]] = numpy.frombuffer(values, types[field["element"]]).reshape(shape)
assert blocks == sums_count

by_name = {field["name"]: field for field in description["fields"]}
assert by_name["v"]["centring"] == "node" and by_name["n"]["centring"] == "cell"
assert by_name["v"]["points"] == [6, 6, 8] and by_name["v"]["grid"]["cells"] == [5, 6, 7]
assert by_name["v"]["grid"]["periodic"] == [False, True, False]
assert by_name["v"]["clock"] == {
    "start": {"value": 0.25, "bits": struct.pack(">d", 0.25).hex()},
    "step": {"value": 0.5, "bits": struct.pack(">d", 0.5).hex()},
    "steps": 0,
}
c, z, y, x = numpy.indices((3, 6, 6, 8))
assert (arrays["v"] == 1000 * c + 100 * z + 10 * y + x).all()
assert (arrays["n"] == numpy.arange(300_000) - 7).all()
assert (arrays["c"] == numpy.arange(300_000) - 0.5j).all()

# as HDF5
with h5py.File(path, "r") as file:
    assert file.userblock_size == 4096
    assert bytes(file["checkpoint/description"][:]) == text
    assert tuple(file["checkpoint/checksums"][:]) == sums
    assert sorted(file["fields"]) == ["c", "n", "v"]
    for name, array in arrays.items():
        assert (file["fields"][name][...] == array).all()
    assert file["fields/v"].attrs["units"] == "m s-1"

print(f"all {len(arrays)} fields, {blocks} blocks and every other byte are as specified")
