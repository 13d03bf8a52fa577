"""The finished runs of one model, with what they saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hfseq.comparison.evidence import Evidence, load_evidence
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.variants import by_variant, headline
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import SavedPredictions, load_examples, load_predictions


@dataclass(frozen=True, eq=False)
class ModelRuns:
    """The finished runs of one model whose figures the report shows.

    Attributes:
        name (`str`): name of the model.
        runs (`tuple[RunResult, ...]`): the runs, one per seed and fold; at least one.
        baseline (`bool`, *optional*, defaults to `False`): whether the model is a baseline.
        computed (`dict`, *optional*): what several sections need, by name.
    """

    name: str
    runs: tuple[RunResult, ...]
    baseline: bool = False
    computed: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def records(self) -> list[RunRecord]:
        """The records of the runs."""
        return [run.record for run in self.runs if run.record is not None]

    @cached_property
    def first(self) -> SavedPredictions | None:
        """Test predictions of the first run, which stand for the model in lists of examples."""
        return load_predictions(self.runs[0].folder, "test")

    def saved(self, split: str) -> list[SavedPredictions]:
        """The predictions of the runs with the same examples as the first one; empty if one of them has none."""
        if split not in self.computed:
            runs = next(iter(by_variant(self.runs).values()))
            first = self.first if split == "test" else load_predictions(runs[0].folder, split, metrics=())
            found = [first, *(load_predictions(run.folder, split, metrics=()) for run in runs[1:])]
            self.computed[split] = [] if None in found else [one for one in found if one is not None]
        return self.computed[split]

    def evidence(self, metric: str) -> Evidence | None:
        """The sums of a metric for the test examples."""
        key = f"evidence of {metric}"
        if key not in self.computed:
            self.computed[key] = load_evidence(self.runs, "test", [metric])
        return self.computed[key]

    @cached_property
    def examples(self) -> dict[int, dict[str, Any]]:
        """Previews of test examples."""
        return load_examples(self.runs[0].folder)


def models_with_runs(content: Mapping[str, Any], results: Sequence[RunResult]) -> list[ModelRuns]:
    """The models of a comparison that have finished runs, in their order.

    Args:
        content (`Mapping[str, Any]`): the content of `comparison.json`.
        results (`Sequence[RunResult]`): all runs.
    """
    found = []
    for name, model in content["models"].items():
        runs = tuple(headline([result for result in results if result.name == name and result.finished]))
        if runs:
            found.append(ModelRuns(name, runs, model.get("kind") == "baseline"))
    return found


def same_size(sizes: Sequence[int | None]) -> list[bool]:
    """Which models have as many examples as most do: only those can be compared example by example."""
    known = [size for size in sizes if size is not None]
    usual = max(set(known), key=known.count) if known else None
    return [size is not None and size == usual for size in sizes]


def thin(size: int, most: int) -> np.ndarray:
    """Positions of at most `most` of `size` values, with the first and the last one."""
    return np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
