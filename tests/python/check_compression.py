"""Checks FILE: datasets named NAME-FILTER hold their index, and went through that filter after shuffle."""

import sys

import h5py
import hdf5plugin  # noqa: F401  (makes its filters known)
import numpy as np

with h5py.File(sys.argv[1]) as file:
    names = [name for name in file if "-" in name]
    assert len(names) == 7, names
    for name in names:
        data = file[name]
        assert np.array_equal(data[:], np.arange(13 * 9 * 10 * 2).reshape(13, 9, 10, 2)), name
        pipeline = data.id.get_create_plist()
        filters = [pipeline.get_filter(n)[0] for n in range(pipeline.get_nfilters())]
        number = int(name.split("-")[-1])
        # Blosc shuffles by itself
        assert filters == ([number] if number == 32001 else [2, number]), (name, filters)
        # none of the chunks was left as it is
        masks = [data.id.get_chunk_info(n).filter_mask for n in range(data.id.get_num_chunks())]
        assert not any(masks), (name, masks)
