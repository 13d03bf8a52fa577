"""The sequence stores of the data sets of a trainer. Each is made once."""

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from datasets import Dataset

from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.padding import PaddingRules, find_padding_obstacle
from hfseq.data.batching.sequence_store import SequenceStore, find_obstacle

logger = logging.getLogger(__name__)


class StoreCache:
    """Makes sequence stores, and keeps each as long as its data set exists, for example for the next evaluation.

    A new store is made if the format of the data set or the padding has changed.
    """

    def __init__(self) -> None:
        self._stores: WeakKeyDictionary[Dataset, tuple[Any, SequenceStore | None]] = WeakKeyDictionary()

    def get(
        self, dataset: Dataset, collator: SequenceCollator, prepare: Callable[[Dataset], Dataset]
    ) -> SequenceStore | None:
        """The store of a data set, or `None` if the collator must make the batches. The reason is logged.

        Args:
            dataset (`datasets.Dataset`): encoded examples.
            collator (`SequenceCollator`): the collator whose batches the store makes.
            prepare (`Callable[[datasets.Dataset], datasets.Dataset]`): removes unused columns.
        """
        processor = collator.processing_class
        padding = find_padding_obstacle(processor) or PaddingRules.from_processor(
            processor, collator.pad_to_multiple_of
        )
        state = (dataset._fingerprint, padding, collator.label_padding)
        known = self._stores.get(dataset)
        if known is None or known[0] != state:
            known = self._stores[dataset] = (state, _make_store(prepare(dataset), collator))
        return known[1]


def _make_store(dataset: Dataset, collator: SequenceCollator) -> SequenceStore | None:
    obstacle = find_obstacle(dataset, collator.processing_class, collator.label_padding)
    if obstacle is None:
        return SequenceStore.from_dataset(
            dataset, collator.processing_class, collator.pad_to_multiple_of, collator.label_padding
        )
    logger.info("Examples are collated one by one, which takes longer, because %s.", obstacle)
    return None
