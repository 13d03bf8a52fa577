"""The files of a family travel to other machines one by one, so no two of them import each other."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hfseq.models

FOLDER = Path(hfseq.models.__file__).parent


def imported_files(path):
    """The files of the same folder that a file imports, also inside functions and for type checking only."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1}


@pytest.mark.parametrize("family", ["recurrent", "feature_transformer"])
def test_no_two_files_import_each_other(family):
    graph = {path.stem: imported_files(path) for path in (FOLDER / family).glob("*.py") if path.stem != "__init__"}
    assert sum(map(len, graph.values())) > 3
    assert set().union(*graph.values()) <= set(graph)
    assert len([*TopologicalSorter(graph).static_order()]) == len(graph)


def test_cycle_is_an_error():
    with pytest.raises(CycleError):
        [*TopologicalSorter({"one": {"other"}, "other": {"one"}}).static_order()]
