"""TF-IDF features of texts (Salton & Buckley 1988)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError

# Maximum number of features. The most frequent ones are kept.
MAX_FEATURES = 200_000
# The vocabulary is made from training texts with about this number of characters, which takes less than a minute.
_VOCABULARY_CHARACTERS = 20_000_000

Unit = Literal["words", "characters"]
_OPTIONS: dict[Unit, dict[str, Any]] = {
    # A word is any run of letters or digits, also of a single one.
    "words": {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}
UNIT_NAMES: dict[Unit, str] = {"words": "words and pairs of words", "characters": "2 to 5 characters within words"}


class TextFeatures:
    """TF-IDF features of words and pairs of words, or of 2 to 5 characters within words.

    Term frequencies are logarithmic, and each row has length 1. The texts of a pair have separate features.

    Args:
        unit (`str`): `"words"` or `"characters"`.
        max_features (`int`, *optional*, defaults to 200,000): maximum number of features per text column.
    """

    def __init__(self, unit: Unit, max_features: int = MAX_FEATURES):
        self.unit: Unit = unit
        self.max_features = max_features
        self.vectorizers: list[TfidfVectorizer] = []

    def fit(self, rows: Mapping[str, list], columns: Columns) -> "TextFeatures":
        """Makes the vocabulary of each text column.

        Args:
            rows (`dict[str, list]`): the training texts, by column.
            columns (`Columns`): the text columns.

        Raises:
            HfseqError: the texts have no words.
        """
        for name in columns.texts:
            vectorizer = TfidfVectorizer(
                sublinear_tf=True, max_features=self.max_features, dtype=np.float32, **_OPTIONS[self.unit]
            )
            try:
                vectorizer.fit(_some(rows[name]))
            except ValueError as error:  # the vocabulary is empty
                raise HfseqError(f"the texts of column {name!r} have no {self.unit} for TF-IDF features") from error
            self.vectorizers.append(vectorizer)
        return self

    def __call__(self, rows: Mapping[str, list], columns: Columns) -> sparse.csr_matrix:
        """The features of texts, a sparse matrix of shape `(rows, features)`."""
        parts = [
            vectorizer.transform(rows[name])
            for name, vectorizer in zip(columns.texts, self.vectorizers, strict=True)
        ]  # fmt: skip
        return sparse.csr_matrix(sparse.hstack(parts)) if len(parts) > 1 else parts[0]

    @property
    def size(self) -> int:
        """Number of features."""
        return sum(len(vectorizer.vocabulary_) for vectorizer in self.vectorizers)


def _some(texts: Sequence[str]) -> Sequence[str]:
    """Random texts, up to a total number of characters; all, if there are not more."""
    lengths = np.array([len(text) for text in texts])
    if lengths.sum() <= _VOCABULARY_CHARACTERS:
        return texts
    order = np.random.default_rng(0).permutation(len(texts))
    count = int(np.searchsorted(np.cumsum(lengths[order]), _VOCABULARY_CHARACTERS))
    return [texts[row] for row in order[: max(count, 1)]]
