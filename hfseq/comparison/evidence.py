"""The evidence for a model: the sums of its metrics for each example and seed, from saved predictions."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hfseq.comparison.run_result import RunResult
from hfseq.comparison.variants import Variant, by_variant, headline
from hfseq.training.saved_predictions import SavedPredictions, load_predictions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """The sums of a model's metrics for each example of a split and each seed.

    Attributes:
        sums (`dict[str, np.ndarray]`): by metric, an array of shape `(seeds, examples, k)`; see [`metric_from_sums`].
        groups (`np.ndarray` of shape `(examples,)`, *optional*): examples of one number are not independent; `None` if
            all are.
        lengths (`np.ndarray` of shape `(examples,)`, *optional*): lengths of the inputs, in tokens or steps.
        seeds (`tuple[int, ...]`): the seeds of the runs.
        variants (`tuple[Mapping, ...]`): the folds or repeated splits whose examples are pooled; one empty variant
            without them. With repeated splits, the test splits overlap: their examples are not independent.
        variant_of (`np.ndarray` of shape `(examples,)`, *optional*): index of the variant of each example; `None` if
            there is one.
        deterministic (`bool`): whether other seeds would give the same predictions, as with most baselines.
    """

    sums: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: np.ndarray | None = None
    lengths: np.ndarray | None = None
    seeds: tuple[int, ...] = ()
    variants: tuple[Variant, ...] = ({},)
    variant_of: np.ndarray | None = None
    deterministic: bool = False

    @property
    def size(self) -> int:
        """Number of examples."""
        return next(iter(self.sums.values())).shape[1]


def load_evidence(results: Sequence[RunResult], split: str, metrics: Collection[str] | None = None) -> Evidence | None:
    """Loads what the finished runs of one model saved for a split.

    The examples of several folds or repeated splits are pooled. Of several sizes of the training split, the largest is
    used.

    Args:
        results (`Sequence[RunResult]`): the runs of one model, one per seed and variant.
        split (`str`): `"validation"` or `"test"`.
        metrics (`Collection[str]`, *optional*): the metrics that are loaded. By default all.

    Returns:
        `Evidence`: the sums of the metrics that all of these runs have; `None` if a run saved none, a file is damaged,
        or the runs have different numbers of examples. A warning gives the reason.
    """
    finished = headline([result for result in results if result.finished])
    parts = []
    for runs in by_variant(finished).values():
        part = _load_variant(runs, split, metrics)
        if part is None:
            return None
        parts.append(part)
    return _pooled(finished[0].name, parts) if parts else None


def _pooled(name: str, parts: Sequence[Evidence]) -> Evidence | None:
    """Joins the examples of several variants."""
    first = parts[0]
    if len(parts) == 1:
        return first
    names = [metric for metric in first.sums if all(metric in part.sums for part in parts)]
    shapes = {(part.seeds, *(part.sums[metric].shape[2] for metric in names)) for part in parts}
    if not names or len(shapes) > 1:
        logger.warning("no statistics of %s: its folds or splits have different seeds or metrics", name)
        return None
    return replace(
        first,
        sums={metric: np.concatenate([part.sums[metric] for part in parts], axis=1) for metric in names},
        groups=_pooled_groups(parts),
        lengths=_concatenated([part.lengths for part in parts]),
        variants=tuple(variant for part in parts for variant in part.variants),
        variant_of=np.repeat(np.arange(len(parts)), [part.size for part in parts]),
    )


def _pooled_groups(parts: Sequence[Evidence]) -> np.ndarray | None:
    """Groups of all examples. Groups of different folds are different ones."""
    if all(part.groups is None for part in parts):
        return None
    found, next_group = [], 0
    for part in parts:
        groups = np.arange(part.size) if part.groups is None else np.unique(part.groups, return_inverse=True)[1]
        found.append(groups + next_group)
        next_group += int(groups.max(initial=-1)) + 1
    return np.concatenate(found)


def _concatenated(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [array for array in arrays if array is not None]
    return np.concatenate(known) if len(known) == len(arrays) else None


def _load_variant(finished: Sequence[RunResult], split: str, metrics: Collection[str] | None) -> Evidence | None:
    """The evidence of runs with the same examples."""
    loaded = [load_predictions(result.folder, split, only_sums=True, metrics=metrics) for result in finished]
    saved = [one for one in loaded if one is not None and one.sums]
    if not saved or len(saved) < len(finished):
        if saved:
            missing = [
                str(run.folder) for run, one in zip(finished, loaded, strict=True) if one is None or not one.sums
            ]
            logger.warning("no statistics of %s: no %s predictions in %s", finished[0].name, split, ", ".join(missing))
        return None
    sums = _stacked(saved)
    if not sums:
        logger.warning("no statistics of %s: its runs have different %s examples", finished[0].name, split)
        return None
    first = finished[0].record
    return Evidence(
        sums,
        saved[0].groups,
        saved[0].lengths,
        tuple(result.seed for result in finished),
        (dict(finished[0].variant),),
        None,
        first is not None and bool(first.model.get("deterministic", False)),
    )


def _stacked(saved: Sequence[SavedPredictions]) -> dict[str, np.ndarray]:
    """The sums that all runs have, stacked over the runs. Metrics with the same sums share one array."""
    stacks: dict[tuple[int, ...], np.ndarray] = {}
    sums = {}
    for name in saved[0].sums:
        arrays = [one.sums[name] for one in saved if name in one.sums]
        if len(arrays) == len(saved) and len({array.shape for array in arrays}) == 1:
            key = tuple(map(id, arrays))
            if key not in stacks:
                stacks[key] = np.stack(arrays).astype(np.float64)
            sums[name] = stacks[key]
    return sums
