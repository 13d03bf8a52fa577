"""The fields of transformers' `TrainingArguments`, read from its source code.

Importing the class takes seconds, because it needs torch. Help, usage errors and shell completion cannot wait for it.
"""

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hfseq.data.settings import Setting

_MODULE = "training_args.py"


@cache
def transformers_settings() -> dict[str, Setting]:
    """The settings that the fields of `TrainingArguments` declare, in their order."""
    body = _class_body("TrainingArguments", _tree(_MODULE))
    constants = _constants(body)
    settings = {}
    for statement in body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found = _read_field(statement, constants)
            if found is not None:
                settings[found.name] = found
    return settings


def _read_field(statement: ast.AnnAssign, constants: dict[str, Any]) -> Setting | None:
    call = statement.value
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "field"):
        return None
    options = {str(word.arg): word.value for word in call.keywords}
    metadata = _metadata(options.get("metadata"))
    if "help" not in metadata:
        return None
    default = _evaluate(options["default"], constants) if "default" in options else []
    annotation = ast.unparse(statement.annotation)
    choices = _choices(metadata["choices"]) if "choices" in metadata else _enumeration(annotation)
    return Setting(
        ast.unparse(statement.target),
        annotation,
        default,
        # The text is a format string of argparse.
        ast.literal_eval(metadata["help"]).replace("%%", "%"),
        choices,
        optional_value="nargs" in metadata,
    )


def _metadata(node: ast.expr | None) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        return {}
    return {ast.literal_eval(key): value for key, value in zip(node.keys, node.values, strict=True) if key is not None}


def _evaluate(node: ast.expr, constants: dict[str, Any]) -> Any:
    """The value of a default: a constant, or a name that the class defines."""
    return constants[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)


def _constants(body: list[ast.stmt]) -> dict[str, Any]:
    """Names that a class assigns constants to. A later assignment, which is for newer versions of torch, wins."""
    found = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                found.update({ast.unparse(target): node.value.value for target in node.targets})
    return found


def _choices(node: ast.expr) -> tuple[str, ...]:
    if ast.unparse(node) == "trainer_log_levels.keys()":
        return (*_log_levels(), "passive")
    return tuple(word for word in ast.literal_eval(node) if isinstance(word, str))


def _log_levels() -> Iterator[str]:
    for statement in _tree("utils/logging.py").body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "log_levels":
            assert isinstance(statement.value, ast.Dict)
            yield from (ast.literal_eval(key) for key in statement.value.keys if key is not None)


def _enumeration(annotation: str) -> tuple[str, ...]:
    """The values of the enumeration in an annotation such as `SchedulerType | str`."""
    for name in annotation.replace(" ", "").split("|"):
        if name in _sources():
            body = _class_body(name, _tree(_sources()[name]))
            return tuple(
                ast.literal_eval(line.value)
                for line in body
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant)
            )
    return ()


@cache
def _sources() -> dict[str, str]:
    """The files that define the classes of annotations."""
    found = {}
    for statement in _tree(_MODULE).body:
        if isinstance(statement, ast.ImportFrom) and statement.level == 1 and str(statement.module) == "trainer_utils":
            found.update({name.name: f"{statement.module}.py" for name in statement.names})
        elif isinstance(statement, ast.ClassDef):
            found[statement.name] = _MODULE
    return found


def _class_body(name: str, tree: ast.Module) -> list[ast.stmt]:
    return next(item.body for item in tree.body if isinstance(item, ast.ClassDef) and item.name == name)


@cache
def _tree(file: str) -> ast.Module:
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")
    return ast.parse((Path(spec.origin).parent / file).read_text(encoding="utf-8"))
