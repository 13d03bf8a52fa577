"""The table of recurrent cells: values of `cell_type`. Does not import torch, so that looking up a name is fast."""

import difflib
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .plugin_cells import load_saved_cells

_Class = TypeVar("_Class", bound=type)


@dataclass(frozen=True)
class CellType:
    """
    A recurrent cell that a configuration can name.

    Attributes:
        name (`str`): the value of `cell_type`.
        source (`str` or `type`): the class, or `"module.name"` of it; a module that starts with a dot is in this
            package. Cells of hfseq are layers with the constructor of `torch.nn.GRU`; those of plug-ins are subclasses
            of [`RecurrentCell`].
        num_states (`int`, *optional*, defaults to 1): number of state tensors: 2 for a cell with a cell state.
        drops_recurrent_weights (`bool`, *optional*, defaults to `False`): whether `recurrent_dropout` can drop its
            hidden-to-hidden weights.
        reads_single_steps (`bool`, *optional*, defaults to `True`): whether it can be used with input feeding.
    """

    name: str
    source: str | type
    num_states: int = 1
    drops_recurrent_weights: bool = False
    reads_single_steps: bool = True

    @property
    def plugin(self) -> str | None:
        """The module of a plug-in that defines the cell. `None` for a cell of hfseq, or one saved with a model."""
        if isinstance(self.source, str) or self.source.__module__.rpartition(".")[0] == __package__:
            return None
        return self.source.__module__

    @property
    def is_builtin(self) -> bool:
        """Whether the cell is one of hfseq."""
        return isinstance(self.source, str)

    def load_class(self) -> Any:
        """The class of the cell."""
        if not isinstance(self.source, str):
            return self.source
        module, _, name = self.source.rpartition(".")
        return getattr(importlib.import_module(module, __package__), name)


CELL_TYPES: dict[str, CellType] = {
    cell.name: cell
    for cell in (
        CellType("rnn", "torch.nn.RNN", drops_recurrent_weights=True),
        CellType("lstm", "torch.nn.LSTM", num_states=2, drops_recurrent_weights=True),
        CellType("gru", "torch.nn.GRU", drops_recurrent_weights=True),
        CellType("mingru", ".min_cells.MinGRU", reads_single_steps=False),
        CellType("minlstm", ".min_cells.MinLSTM", reads_single_steps=False),
    )
}

# Functions that import plug-ins. They are called when a name is not in the table. hfseq adds one to them.
PLUGIN_LOADERS: list[Callable[[], None]] = []


def register_cell(name: str) -> Callable[[_Class], _Class]:
    """Registers a recurrent cell, so that `cell_type` can name it. Use it as a decorator.

    Args:
        name (`str`): the value of `cell_type`.

    Raises:
        ValueError: the name is not valid or another cell has it, or the class does not have the methods of
            [`RecurrentCell`].
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise ValueError(
            f"a cell cannot be called {name!r}: use letters, digits, '_' and '-', and start with a letter"
        )

    def register(cell_class: _Class) -> _Class:
        if not callable(getattr(cell_class, "step", None)) or getattr(cell_class, "num_states", None) not in (1, 2):
            raise ValueError(
                f"{cell_class.__name__} cannot be registered as the cell {name!r}: derive it from RecurrentCell, "
                "define step(), and set num_states to 1 or 2"
            )
        known = CELL_TYPES.get(name)
        if known is not None and _path(known.source) != _path(cell_class):
            raise ValueError(f"the cell {name!r} is registered already, by {_path(known.source)}: choose another name")
        CELL_TYPES[name] = CellType(name, cell_class, num_states=cell_class.num_states)  # type: ignore[attr-defined]
        return cell_class

    return register


def look_up_cell_type(name: str) -> CellType | None:
    """The cell of that name, or `None`. Imports the plug-ins at hand if hfseq has no such cell."""
    for load in (load_saved_cells, *PLUGIN_LOADERS):
        if name not in CELL_TYPES:
            load()
    return CELL_TYPES.get(name)


def find_cell_type(name: str, plugin: str | None = None) -> CellType:
    """The cell of that name.

    Args:
        name (`str`): the value of `cell_type`.
        plugin (`str`, *optional*): the module of the plug-in that registered the cell when the model was made.

    Raises:
        ValueError: no cell of this name is registered.
    """
    cell = look_up_cell_type(name)
    if cell is not None:
        return cell
    if plugin is not None:
        raise ValueError(
            f"the cell {name!r} is registered by the plug-in {plugin!r}, which is not imported: import it before the "
            "model is loaded, or name it with `plugins`"
        )
    close = difflib.get_close_matches(name, CELL_TYPES, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"cell_type must be one of {', '.join(CELL_TYPES)}, not {name!r}{hint}")


def _path(source: str | type) -> str:
    return source if isinstance(source, str) else f"{source.__module__}.{source.__qualname__}"
