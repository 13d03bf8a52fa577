"""From a data set's name to padded batches: sources, columns, labels, splits, tokenizers, encoding, collation."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.data.batching.collation import SequenceCollator
    from hfseq.modalities.text.encoding import encode_texts
    from hfseq.data.labels.inference import LabelSchema
    from hfseq.data.sources.loading import load_source
    from hfseq.modalities.text.tokenizers import train_tokenizer

__all__ = ["LabelSchema", "SequenceCollator", "encode_texts", "load_source", "train_tokenizer"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LabelSchema": ".schema",
        "SequenceCollator": ".collation",
        "encode_texts": ".encoding",
        "load_source": ".sources",
        "train_tokenizer": ".tokenizers",
    },
)
