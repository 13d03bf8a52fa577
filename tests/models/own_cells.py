"""The cells of the package own_code, registered only while a test needs them."""

from collections.abc import Iterator
from contextlib import contextmanager

from own_code.cells import CoupledLSTM, MinimalGatedUnit

from hfseq.models.recurrent import register_cell
from hfseq.models.recurrent.cell_types import CELL_TYPES

PLUGINS = {"mgu": MinimalGatedUnit, "coupled-lstm": CoupledLSTM}
for _name in PLUGINS:
    # Importing the package registers them.
    CELL_TYPES.pop(_name, None)


@contextmanager
def registered_cells() -> Iterator[None]:
    for name, cell_class in PLUGINS.items():
        register_cell(name)(cell_class)
    try:
        yield
    finally:
        for name in PLUGINS:
            del CELL_TYPES[name]
