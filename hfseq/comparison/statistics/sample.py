"""The results of one model: a metric as a function of sums over clusters of examples, for each seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hfseq.errors import HfseqError
from hfseq.metrics.sums import metric_from_sums

# Number of values of the sums that are processed at once.
_BLOCK = 2_000_000


@dataclass(frozen=True, eq=False)
class Sample:
    """The results of one model on one split.

    Attributes:
        metric (`str`): name of the metric.
        sums (`np.ndarray` of shape `(seeds, examples, k)`, *optional*): the columns of [`metric_from_sums`] for each
            example; `None` if only the metric itself is known.
        groups (`np.ndarray` of shape `(examples,)`, *optional*): cluster of each example. Examples of one cluster,
            such as the windows of one series, are not independent. By default all examples are independent.
        deterministic (`bool`, *optional*, defaults to `False`): whether the result depends on no seed.
        known_values (`Sequence[float]`, *optional*): the metric of each seed, if there are no sums.
        overlap (`float`, *optional*): if the values are those of repeated random splits, which share examples: number
            of test examples divided by that of training examples. The splits are the same for all models.
    """

    metric: str
    sums: np.ndarray | None
    groups: np.ndarray | None = None
    deterministic: bool = False
    known_values: Sequence[float] = ()
    overlap: float | None = None

    def __post_init__(self) -> None:
        if self.sums is None:
            if not len(self.known_values):
                raise HfseqError("a sample needs the sums of its examples or the values of its seeds")
        elif np.ndim(self.sums) != 3 or min(np.shape(self.sums)) == 0:
            raise HfseqError(f"sums must have the shape (seeds, examples, k), not {np.shape(self.sums)}")
        elif self.groups is not None and np.shape(self.groups) != np.shape(self.sums)[1:2]:
            raise HfseqError(f"groups must have one entry per example, not the shape {np.shape(self.groups)}")

    @cached_property
    def clusters(self) -> np.ndarray | None:
        """Sums of each cluster, `(seeds, clusters, k)`."""
        if self.sums is None or self.groups is None:
            return self.sums
        names, index = np.unique(self.groups, return_inverse=True)
        if len(names) == self.sums.shape[1]:
            return self.sums[:, np.argsort(index)]
        clusters = np.zeros((len(names), self.sums.shape[0], self.sums.shape[2]))
        np.add.at(clusters, index, np.moveaxis(self.sums, 1, 0))
        return np.moveaxis(clusters, 0, 1)

    @cached_property
    def values(self) -> np.ndarray:
        """The metric of each seed, `(seeds,)`."""
        if self.sums is None:
            return np.asarray(self.known_values, dtype=np.float64)
        return metric_from_sums(self.metric, self.sums.sum(1, dtype=np.float64))

    @property
    def estimate(self) -> float:
        """Mean of the metric over the seeds."""
        return float(self.values.mean())

    @property
    def num_seeds(self) -> int:
        """Number of seeds."""
        return len(self.values)

    @property
    def num_clusters(self) -> int:
        """Number of independent clusters of examples; 0 if only the metric itself is known."""
        return 0 if self.clusters is None else self.clusters.shape[1]

    @cached_property
    def is_binary(self) -> bool:
        """Whether each independent example is right (1) or wrong (0)."""
        if self.clusters is None or self.clusters.shape[2] != 2:
            return False
        right, count = np.moveaxis(self.clusters, -1, 0)
        return bool((count == 1).all() and ((right == 0) | (right == 1)).all())

    @cached_property
    def scores(self) -> np.ndarray:
        """Pseudo-values of the clusters, `(seeds, clusters)`: their mean is the metric, corrected for its bias.

        The pseudo-value of a cluster is `n * metric - (n - 1) * metric without the cluster`: the jackknife of Tukey
        (1958). For a mean over examples it is the score of the example.
        """
        if self.clusters is None:
            raise HfseqError(f"the sums of {self.metric} are not known")
        number = self.num_clusters
        scores = np.empty(self.clusters.shape[:2])
        step = max(1, _BLOCK // self.clusters.shape[2])
        for seed, rows in enumerate(self.clusters):
            total = rows.sum(0, dtype=np.float64)
            for start in range(0, number, step):
                without = metric_from_sums(self.metric, total - rows[start : start + step])
                scores[seed, start : start + step] = number * self.values[seed] - (number - 1) * without
        # A cluster without which the metric is undefined says nothing about its variance.
        return np.where(np.isfinite(scores), scores, self.values[:, None])

    @cached_property
    def mean_scores(self) -> np.ndarray:
        """Pseudo-values of the clusters, averaged over the seeds, `(clusters,)`."""
        return self.scores.mean(0)

    @cached_property
    def interaction_variance(self) -> float:
        """Mean square of the interaction of seeds and examples; 0 without several seeds and clusters."""
        if self.num_clusters < 2 or self.num_seeds < 2:
            return 0.0
        rest = self.scores - self.mean_scores
        rest -= rest.mean(1, keepdims=True)
        return float((rest**2).sum() / ((rest.shape[0] - 1) * (rest.shape[1] - 1)))
