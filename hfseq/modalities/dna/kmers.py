"""Counts of k-mers of DNA sequences."""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.modalities.dna.tokenization_dna import reverse_complement

# Sequences may contain letters for several bases, so there may be more than 4^k k-mers.
_MOST_FEATURES = 20_000


class KmerFeatures:
    """Logarithmic counts of the k-mers of sequences, in rows of length 1.

    Args:
        k (`int`): number of letters.
        both_strands (`bool`): whether the k-mers of the reverse complement are counted as well, so that a sequence and
            its reverse complement have the same features.
    """

    def __init__(self, k: int, both_strands: bool):
        self.k, self.both_strands = k, both_strands
        self.counts = CountVectorizer(
            analyzer="char", ngram_range=(k, k), max_features=_MOST_FEATURES, dtype=np.float32
        )

    def fit(self, sequences: Iterable[str]) -> "KmerFeatures":
        """Finds the k-mers of the training sequences.

        Raises:
            HfseqError: all sequences are shorter than k.
        """
        try:
            self.counts.fit(sequence.upper() for sequence in sequences)
        except ValueError as error:
            raise HfseqError(f"all sequences are shorter than {self.k} letters") from error
        return self

    def __call__(self, rows: Mapping[str, list], columns: Columns) -> sparse.csr_matrix:
        """The features of sequences, a sparse matrix of shape `(rows, features)`."""
        sequences = [sequence.upper() for sequence in rows[columns.text]]
        counts = self.counts.transform(sequences)
        if self.both_strands:
            counts = counts + self.counts.transform([reverse_complement(sequence) for sequence in sequences])
        return normalize(counts.log1p())
