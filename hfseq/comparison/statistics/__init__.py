"""Statistics of a comparison: intervals, paired tests, the selection of a model, and several data sets.

They need only numpy and scipy, and read only the sums of single examples that the runs save.
"""

from hfseq.comparison.statistics.data_sets import DataSetRanks, rank_models
from hfseq.comparison.statistics.intervals import Interval, metric_interval
from hfseq.comparison.statistics.pairs import Pair, compare_pair, compare_pairs, holm
from hfseq.comparison.statistics.planning import needed_examples, needed_seeds
from hfseq.comparison.statistics.sample import Sample
from hfseq.comparison.statistics.selection import Selection, select
from hfseq.comparison.statistics.summaries import Summary, summarize, summarize_metrics

__all__ = [
    "DataSetRanks",
    "Interval",
    "Pair",
    "Sample",
    "Selection",
    "Summary",
    "compare_pair",
    "compare_pairs",
    "holm",
    "metric_interval",
    "needed_examples",
    "needed_seeds",
    "rank_models",
    "select",
    "summarize",
    "summarize_metrics",
]
