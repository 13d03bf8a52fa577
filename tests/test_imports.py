"""Directions of the imports between the packages and modules of hfseq."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each package may import itself and the packages before it.
LAYERS = ["kernels", "models", "data", "modalities", "metrics", "hub", "tasks", "training", "inference", "comparison"]
LAYERS += ["commands"]
# Modules beside the packages that all packages may import, except the models, which are saved as remote code.
SHARED = {"errors", "extras", "formatting", "lazy", "plugins", "registry", "signals", "span_tags", "writing"}
# Packages that must not be imported although they are in a lower layer.
INDEPENDENT = {
    "models": {"kernels"},
    "data": {"models"},
    "modalities": {"models"},
    "metrics": {"models", "data", "modalities"},
    "hub": {"models", "data", "modalities"},
}
# Modules that import a lower package only if it is there.
OPTIONAL = {"hfseq.models.recurrent.compiled_kernels": "kernels"}
# Folder of a modality -> folders of modalities that it builds on.
BUILDS_ON = {"dna": {"text"}, "music": {"text"}}


def read_imports() -> dict[str, set[str]]:
    """For each module of hfseq, the modules of hfseq that it imports, also inside functions and for type checks."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "hfseq").rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    return {name: set(_imported(name, path, set(modules))) for name, path in modules.items()}


def _imported(module: str, path: Path, modules: set[str]) -> list[str]:
    is_package = path.name == "__init__.py"
    package = module.split(".") if is_package else module.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # The names of a package are lazy: it imports its modules for type checks only.
    checks = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    skipped = {inner for node in checks for inner in ast.walk(node)} if is_package else set()
    found = []
    for node in set(ast.walk(tree)) - skipped:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            base = base if node.level else str(node.module)
            # `from package import module` imports the module.
            found += [f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base for alias in node.names]
    return [name for name in found if name in modules and name != module]


IMPORTS = read_imports()


def layer_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_package_has_a_layer():
    packages = {path.parent.name for path in (ROOT / "hfseq").glob("*/__init__.py")}
    assert packages == set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_package_imports_lower_layers_only(layer):
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], *SHARED} - INDEPENDENT.get(layer, set())
    modules = [module for module in IMPORTS if layer_of(module) == layer]
    assert modules
    for module in modules:
        for name in IMPORTS[module]:
            assert layer_of(name) in {*allowed, OPTIONAL.get(module), ""}, f"{module} imports {name}"


def test_shared_modules_import_no_package():
    # The table of cells is part of the models, which are saved without the rest of hfseq.
    cells = {"hfseq.models.recurrent.cell_types"}
    for module in SHARED:
        for name in IMPORTS[f"hfseq.{module}"] - (cells if module == "registry" else set()):
            assert layer_of(name) in SHARED, f"hfseq.{module} imports {name}"


@pytest.mark.parametrize("layer", ["modalities", "tasks"])
def test_folders_of_a_layer_are_independent(layer):
    folders = {path.parent.name for path in (ROOT / "hfseq" / layer).glob("*/__init__.py")}
    assert folders
    for module, names in IMPORTS.items():
        parts = module.split(".")
        if parts[1:2] != [layer] or len(parts) < 3 or parts[2] not in folders:
            continue
        for name in names:
            other = name.split(".")[2:3]
            if layer_of(name) == layer and other and other[0] in folders:
                assert other[0] in {parts[2], *BUILDS_ON.get(parts[2], set())}, f"{module} imports {name}"


def test_modules_do_not_import_in_circles():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
