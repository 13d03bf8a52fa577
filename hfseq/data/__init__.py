"""Data that all modalities and tasks share: sources, splits, labels, batches, and built-in data sets."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.data.batching.collation import SequenceCollator
    from hfseq.data.labels.schema import LabelSchema
    from hfseq.data.sources.loading import load_source

__all__ = ["LabelSchema", "SequenceCollator", "load_source"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LabelSchema": ".labels.schema",
        "SequenceCollator": ".batching.collation",
        "load_source": ".sources.loading",
    },
)
