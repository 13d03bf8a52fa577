"""Saves code from outside hfseq next to the weights: the user's own subclasses, and cells of plug-ins.

transformers copies the file of a class and the files that it imports with `from .module import name`. Code from
outside hfseq imports hfseq instead, which need not be installed where the model is loaded. In the copies those
imports are changed to imports of the files of hfseq in the same folder.
"""

import ast
import importlib
import inspect
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel
from transformers.dynamic_module_utils import get_relative_import_files

from hfseq.models.recurrent.cell_types import CELL_TYPES

# Names that are defined elsewhere in hfseq, and the file of a family that also defines them.
_STAND_INS = {"register_cell": "cell_types"}
_HUB_ARGUMENTS = ("commit_message", "create_pr", "private", "revision", "token")
_PLUGIN_CELLS = '''"""Imports the cells of plug-ins that this model uses. Written when the model was saved."""


def load_saved_cells() -> None:
    """Registers the cells whose code was saved with this model."""
    from .cell_types import register_cell
'''


def has_own_code(model: PreTrainedModel) -> bool:
    """Whether a model, its configuration, its backbone or its cell is of a class from outside hfseq."""
    family, classes, cells = _outside(model)
    return family is not None and bool(classes or cells)


def save_own_code(model: PreTrainedModel, folder: str | os.PathLike, push_to_hub: bool = False, **kwargs: Any) -> None:
    """Writes the code of a model from outside hfseq, and all that it needs of hfseq, into a folder.

    A class that cannot be imported from a file, such as one defined in a notebook, is left out with a warning.

    Args:
        model (`PreTrainedModel`): a model that is saved in the folder.
        folder (`str`): the folder.
        push_to_hub (`bool`, *optional*, defaults to `False`): whether to upload the model after that.
        kwargs: the further arguments of `save_pretrained`.

    Raises:
        ValueError: a file has the name of one of hfseq's files, or two files have the same name.
    """
    if not kwargs.get("is_main_process", True):
        return
    family, classes, cells = _outside(model)
    code = _Code(str(family))
    for one in [*classes, *cells.values()]:
        if _is_importable(one):
            code.add(Path(inspect.getfile(one)))
    code.write(Path(folder))
    lines = [
        f"    from .{one.__module__.rpartition('.')[2]} import {one.__name__}\n\n"
        f"    register_cell({name!r})({one.__name__})\n"
        for name, one in cells.items()
        if _is_importable(one, warn=False)
    ]
    if lines:
        (Path(folder) / "plugin_cells.py").write_text(_PLUGIN_CELLS + "\n".join(lines), encoding="utf-8")
    if push_to_hub:
        name = kwargs.get("repo_id", Path(folder).name)
        model.push_to_hub(name, **{key: value for key, value in kwargs.items() if key in _HUB_ARGUMENTS})


def _outside(model: PreTrainedModel) -> tuple[str | None, list[type], dict[str, type]]:
    """The package of the family that a model belongs to, the classes from outside hfseq, and the cells by name."""
    ours = (base.__module__ for base in type(model).__mro__ if base.__module__.startswith("hfseq.models."))
    family = next(ours, "").rpartition(".")[0] or None
    used = dict.fromkeys((type(model), type(model.base_model), type(model.config)))
    outside = [one for one in used if one.__module__.partition(".")[0] not in ("hfseq", "torch")]
    plugins = {cell.name: cell.load_class() for cell in CELL_TYPES.values() if cell.plugin is not None}
    modules = list(model.modules()) if plugins else []
    cells = {name: one for name, one in plugins.items() if any(isinstance(module, one) for module in modules)}
    return family, outside, cells


class _Code:
    """Files from outside hfseq, by name, and the names of the family's files that they import."""

    def __init__(self, family: str):
        self.family = family
        self.files: dict[str, str] = {}
        self.paths: dict[str, Path] = {}
        self.needed: set[str] = set()

    def add(self, path: Path) -> None:
        """Adds a file, and what it imports from its own folder."""
        path = path.resolve()
        if path.name in self.files:
            if self.paths[path.name] != path:
                raise ValueError(f"{path} and {self.paths[path.name]} cannot be saved in one folder: rename one file")
            return
        self.paths[path.name] = path
        text, needed = _with_relative_imports(path, self.family)
        self.files[path.name] = text
        self.needed |= needed
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            if node.level > 1 or node.module is None or "." in node.module:
                warnings.warn(
                    f"{path}, line {node.lineno}: this import cannot be saved with the model, which will not load "
                    "without the package: write `from .module import name`, with a module of the same folder",
                    stacklevel=2,
                )
            else:
                self.add(path.with_name(f"{node.module}.py"))

    def write(self, folder: Path) -> None:
        home = Path(importlib.import_module(self.family).__path__[0])
        ours = {home / f"{name}.py" for name in self.needed}
        ours |= {Path(file) for path in tuple(ours) for file in get_relative_import_files(path)}
        taken = {path.name for path in home.glob("*.py")} & self.files.keys()
        if taken:
            raise ValueError(
                f"{', '.join(sorted(taken))} cannot be saved with the model, because hfseq has a file of this name: "
                "rename your file"
            )
        for path in ours:
            shutil.copyfile(path, folder / path.name)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")


def _with_relative_imports(path: Path, family: str) -> tuple[str, set[str]]:
    """The text of a file in which names of the family are imported from the same folder, and which files those are."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    needed: set[str] = set()
    nodes = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: node.lineno, reverse=True):
        if node.level or (node.module or "").partition(".")[0] != family.partition(".")[0]:
            continue
        statements = []
        for alias in node.names:
            home = _home(str(node.module), alias.name, family)
            shown = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
            statements.append(f"from {node.module if home is None else '.' + home} import {shown}")
            needed |= {home} - {None}  # type: ignore[arg-type]
        indent = " " * node.col_offset
        lines[node.lineno - 1 : node.end_lineno] = [f"{indent}{statement}\n" for statement in statements]
    return "".join(lines), needed


def _home(module: str, name: str, family: str) -> str | None:
    """The file of the family that defines a name, without `.py`. `None` for a name of another part of hfseq."""
    value = getattr(importlib.import_module(module), name, None)
    for source in (getattr(value, "__module__", None) or "", module):
        if source.startswith(f"{family}."):
            return source.rpartition(".")[2]
    return _STAND_INS.get(name)


def _is_importable(one: type, warn: bool = True) -> bool:
    module = sys.modules.get(one.__module__)
    reason = None
    if one.__module__ == "__main__" or getattr(module, "__file__", None) is None:
        reason = "a script or notebook that is running"
    elif one.__qualname__ != one.__name__:
        reason = "another class or function"
    if reason is not None and warn:
        warnings.warn(
            f"{one.__name__} is defined in {reason}, so its code is not saved with the model: define it at the top "
            "level of a module",
            stacklevel=3,
        )
    return reason is None
