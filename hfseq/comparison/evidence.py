"""The evidence for a model: the sums of its metrics for each example and seed, from saved predictions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hfseq.comparison.run_result import RunResult
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
        deterministic (`bool`): whether other seeds would give the same predictions, as with most baselines.
    """

    sums: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: np.ndarray | None = None
    lengths: np.ndarray | None = None
    seeds: tuple[int, ...] = ()
    deterministic: bool = False

    @property
    def size(self) -> int:
        """Number of examples."""
        return next(iter(self.sums.values())).shape[1]


def load_evidence(results: Sequence[RunResult], split: str) -> Evidence | None:
    """Loads what the finished runs of one model saved for a split.

    Args:
        results (`Sequence[RunResult]`): the runs of one model, one per seed.
        split (`str`): `"validation"` or `"test"`.

    Returns:
        `Evidence`: the sums of the metrics that all of these runs have; `None` if a run saved none, a file is damaged,
        or the runs have different numbers of examples. A warning gives the reason.
    """
    finished = [result for result in results if result.finished]
    loaded = [load_predictions(result.folder, split, only_sums=True) for result in finished]
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
