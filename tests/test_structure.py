"""The rooms of the package, and which of them may know which."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hfseq"
# Each room may import those before it (and itself).
ORDER = ["kernels", "models", "data", "modalities", "metrics", "hub", "tasks"]
ORDER += ["training", "inference", "comparison", "commands"]
# For all but the models.
SHARED = {"errors", "extras", "formatting", "lazy", "registry", "signals", "span_tags", "writing"}
# data and metrics stand side by side.
APART = {
    ("models", "kernels"),
    ("data", "models"),
    ("modalities", "models"),
    ("metrics", "data"),
    ("metrics", "modalities"),
    ("metrics", "models"),
    ("hub", "models"),
    ("hub", "data"),
    ("hub", "modalities"),
}
# The compiled kernels are looked for where they may be missing.
TRIED = {
    "compiled_kernels.py": {"hfseq.kernels.library", "hfseq.kernels.recurrence", "hfseq.kernels.scan"},
}
# Used only where the user has installed it and asks for it.
UNDECLARED = {"liger_kernel"}
IMPORT_NAMES = {"Bio": "biopython", "PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
MODALITY_EXTRAS = ("audio", "dna", "image", "metrics", "music")


def imports(path: Path, tried: bool = True) -> list[str]:
    """What a file imports; with `tried` False, without what stands in a `try:`, which may be missing."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    optional = {inner for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if not tried and node in optional:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def test_every_room_has_its_place():
    assert sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()) == sorted(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_imports_point_one_way(room):
    allowed = {name for name in ORDER[: ORDER.index(room) + 1] if (room, name) not in APART}
    paths = files(PACKAGE / room)
    assert paths
    for path in paths:
        for name in imports(path, tried=room != "models"):
            if name.startswith("hfseq."):
                part = name.split(".")[1]
                assert part in allowed | SHARED, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("family", ["recurrent", "feature_transformer"])
def test_the_models_travel_alone(family):
    """What is copied next to the weights imports torch, transformers and its neighbours, and needs nothing else."""
    paths = files(PACKAGE / "models" / family)
    assert paths
    for path in paths:
        if path.name == "__init__.py":
            continue  # stays behind
        for name in imports(path, tried=False):
            top = name.split(".")[0]
            relative = name.startswith(".") and name.count(".") == 1
            known = {"torch", "transformers", "huggingface_hub"} | set(sys.stdlib_module_names)
            assert relative or top in known, f"{path.name} imports {name}"
        assert {name for name in imports(path) if name.startswith("hfseq")} <= TRIED.get(path.name, set())


def test_dependencies_are_what_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {Requirement(item).name for item in project["dependencies"]}
    extras = project["optional-dependencies"]
    optional = {Requirement(item).name for extra in ("lora", *MODALITY_EXTRAS) for item in extras[extra]}
    used = {
        IMPORT_NAMES.get(top, top)
        for path in files(PACKAGE)
        for top in (name.split(".")[0] for name in imports(path))
        if top and top != "hfseq" and top not in sys.stdlib_module_names
    }
    assert used - optional - UNDECLARED <= declared
    # The docstrings of these are read as data.
    assert declared - used <= {"pandas", "scipy", "scikit-learn"}


def test_constraints_pin_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    for item in map(Requirement, wanted):
        if item.name != "hfseq":
            version = pinned[item.name.lower().replace("_", "-")]
            assert item.specifier.contains(version), f"constraints.txt pins {version}, pyproject.toml says {item}"


def test_libraries_that_can_break_hfseq_have_upper_bounds():
    """The next major version of a library whose methods hfseq overrides, or that the models run on, needs a check."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    items = [*project["dependencies"], *project["optional-dependencies"]["lora"]]
    bounded = {item.name for item in map(Requirement, items) if any(part.operator == "<" for part in item.specifier)}
    assert bounded >= {
        "accelerate", "datasets", "evaluate", "huggingface_hub", "numpy", "pandas", "peft", "safetensors",
        "tokenizers", "torch", "transformers",
    }  # fmt: skip
    transformers = next(Requirement(item) for item in items if Requirement(item).name == "transformers")
    assert str(transformers.specifier) == "<6,>=5.23"


def test_the_readme_names_every_room():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for room in ORDER:
        assert f"| `hfseq/{room}" in text, room


def test_what_is_required_at_run_time_belongs_to_the_extra_it_names():
    """`require("soundfile", extra="audio")` names an extra that holds that package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    found = set()
    for path in files(PACKAGE):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require"):
                continue
            values = [*node.args, *(word.value for word in node.keywords)]
            module, extra = (value.value for value in values if isinstance(value, ast.Constant))
            top = module.split(".")[0]
            packages = {Requirement(item).name for item in extras[extra]}
            assert IMPORT_NAMES.get(top, top) in packages, f"{path.relative_to(ROOT)}: {module} is not in {extra}"
            found.add(extra)
    assert found == set(MODALITY_EXTRAS)
