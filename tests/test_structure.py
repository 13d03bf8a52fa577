"""Subpackages of hfseq, the imports that are allowed between them, and the declared dependencies."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hfseq"
# Each subpackage may import itself and those before it.
ORDER = ["kernels", "models", "data", "modalities", "metrics", "hub", "tasks"]
ORDER += ["training", "inference", "comparison", "commands"]
# Top-level modules that all subpackages except `models` may import.
SHARED = {"errors", "extras", "formatting", "lazy", "plugins", "registry", "signals", "span_tags", "writing"}
# Imports (importer, imported) that are not allowed although the order would allow them.
FORBIDDEN = {
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
# Imports of hfseq in files of a model, inside `try:`. hfseq need not be installed where a saved model is loaded.
OPTIONAL_IMPORTS = {
    "compiled_kernels.py": {"hfseq.kernels.library", "hfseq.kernels.recurrence", "hfseq.kernels.scan"},
    "modeling_recurrent.py": {"hfseq.models.saved_code"},
    "modeling_feature_transformer.py": {"hfseq.models.saved_code"},
}
# Packages without an extra. They are used only if the user has installed them and enables them.
UNDECLARED = {"liger_kernel"}
IMPORT_NAMES = {
    "Bio": "biopython",
    "PIL": "pillow",
    "pynvml": "nvidia-ml-py",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
MODALITY_EXTRAS = ("audio", "dna", "image", "metrics", "music")
COMPARISON_EXTRAS = ("tune", "ray", "slurm")


def imports(path: Path, include_optional: bool = True) -> list[str]:
    """Names that a file imports. Imports inside `try:` are optional."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    optional = {inner for node in ast.walk(tree) if isinstance(node, ast.Try) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if not include_optional and node in optional:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def test_order_lists_every_subpackage():
    assert sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()) == sorted(ORDER)


@pytest.mark.parametrize("subpackage", ORDER)
def test_subpackages_import_in_one_direction(subpackage):
    allowed = {name for name in ORDER[: ORDER.index(subpackage) + 1] if (subpackage, name) not in FORBIDDEN}
    paths = files(PACKAGE / subpackage)
    assert paths
    for path in paths:
        for name in imports(path, include_optional=subpackage != "models"):
            if name.startswith("hfseq."):
                part = name.split(".")[1]
                assert part in allowed | SHARED, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("family", ["recurrent", "feature_transformer"])
def test_models_do_not_need_hfseq(family):
    """The code that is saved with the weights imports only torch, transformers and files of its own folder."""
    paths = files(PACKAGE / "models" / family)
    assert paths
    for path in paths:
        if path.name == "__init__.py":
            continue  # not saved with the weights
        for name in imports(path, include_optional=False):
            top = name.split(".")[0]
            relative = name.startswith(".") and name.count(".") == 1
            known = {"torch", "transformers", "huggingface_hub"} | set(sys.stdlib_module_names)
            assert relative or top in known, f"{path.name} imports {name}"
        assert {name for name in imports(path) if name.startswith("hfseq")} <= OPTIONAL_IMPORTS.get(path.name, set())


def test_dependencies_equal_the_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {Requirement(item).name for item in project["dependencies"]}
    extras = project["optional-dependencies"]
    optional = {
        Requirement(item).name
        for extra in ("lora", "energy", *MODALITY_EXTRAS, *COMPARISON_EXTRAS)
        for item in extras[extra]
    }
    used = {
        IMPORT_NAMES.get(top, top)
        for path in files(PACKAGE)
        for top in (name.split(".")[0] for name in imports(path))
        if top and top != "hfseq" and top not in sys.stdlib_module_names
    }
    assert used - optional - UNDECLARED <= declared
    # These libraries are data: builtin:docstrings reads their docstrings.
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
    """The next major version of these libraries must be tested before it is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    items = [*project["dependencies"], *project["optional-dependencies"]["lora"]]
    bounded = {item.name for item in map(Requirement, items) if any(part.operator == "<" for part in item.specifier)}
    assert bounded >= {
        "accelerate", "datasets", "evaluate", "huggingface_hub", "numpy", "pandas", "peft", "safetensors",
        "tokenizers", "torch", "transformers",
    }  # fmt: skip
    transformers = next(Requirement(item) for item in items if Requirement(item).name == "transformers")
    assert str(transformers.specifier) == "<6,>=5.23"


def test_readme_lists_every_subpackage():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for subpackage in ORDER:
        assert f"| `hfseq/{subpackage}" in text, subpackage


def test_required_packages_belong_to_the_named_extra():
    """In `require("soundfile", extra="audio")`, the extra contains the package."""
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
    assert found == {*MODALITY_EXTRAS, *COMPARISON_EXTRAS}
