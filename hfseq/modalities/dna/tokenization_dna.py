"""Tokenizer of DNA, and reverse complements.

This file is saved with the tokenizer, so that it loads where hfseq is not installed.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizer

from hfseq.modalities.remote_code import RemoteCodeMixin

BASES = "ACGT"
AMBIGUOUS = "RYSWKMBDHVN"
MAX_K = 8

_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
# IUPAC codes (Cornish-Bowden, Nucleic Acids Research 13, 1985): R is A or G, so its complement is Y, which is T or C.
_FROM, _TO = "ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN"
_COMPLEMENT = str.maketrans(_FROM + _FROM.lower(), _TO + _TO.lower())
_RNA_COMPLEMENT: dict[int, int | str] = {**_COMPLEMENT, ord("A"): "U", ord("a"): "u"}


class DNATokenizer(RemoteCodeMixin, PreTrainedTokenizer):  # type: ignore[misc]
    """Splits DNA into k-mers. The vocabulary only depends on `k`, so the tokenizer needs no training.

    The case is ignored, U is read as T, and white space is skipped. With `k=1`, every IUPAC code is a token. With
    larger `k`, the vocabulary is the 4**k k-mers of A, C, G and T; k-mers with other letters become `[UNK]`. Letters
    at the end that do not fill a k-mer are dropped. A sequence shorter than `k` becomes one `[UNK]`, so that only an
    empty sequence has no tokens.

    Args:
        k (`int`, *optional*, defaults to 1): number of letters per token, 1 to 8.
        stride (`int`, *optional*, defaults to 1): distance between the starts of two tokens, 1 to `k`. 1 gives
            overlapping k-mers, `k` gives k-mers without overlap.
        add_cls_sep (`bool`, *optional*, defaults to `False`): whether to add `[CLS]` before a sequence and `[SEP]`
            after it.
        kwargs: arguments of every tokenizer of transformers, such as `model_max_length`.

    Raises:
        ValueError: `k` or `stride` is out of range.
    """

    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012 - transformers' own declaration
    vocab_files_names: dict[str, str] = {}  # noqa: RUF012 - likewise
    _auto_class = "AutoTokenizer"

    def __init__(self, k: int = 1, stride: int = 1, add_cls_sep: bool = False, **kwargs: Any):
        if not 1 <= k <= MAX_K:
            raise ValueError(f"k must be 1 to {MAX_K}, got {k}.")
        if not 1 <= stride <= k:
            raise ValueError(f"stride must be 1 to k ({k}), got {stride}.")
        self.k = k
        self.stride = stride
        self.add_cls_sep = add_cls_sep
        words = list(BASES + AMBIGUOUS) if k == 1 else ["".join(letters) for letters in product(BASES, repeat=k)]
        self._tokens = [*_SPECIAL.values(), *words]
        self._ids = {token: index for index, token in enumerate(self._tokens)}
        settings = {
            **_SPECIAL,
            "special_tokens_pattern": "cls_sep" if add_cls_sep else "none",
            **kwargs,
        }
        super().__init__(k=k, stride=stride, add_cls_sep=add_cls_sep, **settings)

    @property
    def vocab_size(self) -> int:
        """The number of tokens, including special tokens."""
        return len(self._tokens)

    def get_vocab(self) -> dict[str, int]:
        """The id of each token."""
        return {**self._ids, **self.added_tokens_encoder}

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Writes nothing, because the vocabulary only depends on `k`."""
        return ()

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The sequence of the tokens, without special tokens. `[UNK]` becomes N for each of its letters."""
        special = set(self.all_special_tokens) - {self.unk_token}
        letters = ""
        for token in (token for token in tokens if token not in special):
            kmer = "N" * self.k if token == self.unk_token else token
            letters += kmer[-self.stride :] if letters else kmer
        return letters

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        letters = "".join(text.split()).upper().replace("U", "T")
        kmers = [letters[start : start + self.k] for start in range(0, len(letters) - self.k + 1, self.stride)]
        if letters and not kmers:
            return [str(self.unk_token)]
        return [kmer if kmer in self._ids else str(self.unk_token) for kmer in kmers]

    def _convert_token_to_id(self, token: str) -> int:
        return self._ids.get(token, self._ids["[UNK]"])

    def _convert_id_to_token(self, index: int) -> str:
        return self._tokens[index] if 0 <= index < len(self._tokens) else str(self.unk_token)


def reverse_complement(sequence: str) -> str:
    """The reverse complement: the other strand, read in its own direction.

    Args:
        sequence (`str`): IUPAC letters. Their case is kept, and other characters are not changed. A sequence with U
            and without T is RNA, and so is its result.

    Returns:
        `str`: for example `"AACGN"` for `"NCGTT"`.
    """
    letters = set(sequence.upper())
    rna = "U" in letters and "T" not in letters
    other = sequence.translate(_RNA_COMPLEMENT) if rna else sequence.translate(_COMPLEMENT)
    return other[::-1]


def randomly_reverse_complement(
    sequences: Sequence[str], generator: np.random.Generator, probability: float = 0.5
) -> list[str]:
    """Replaces each sequence of a batch by its reverse complement with some probability.

    It is an augmentation of training data whose labels do not depend on the strand.

    Args:
        sequences (`Sequence[str]`): the batch.
        generator (`numpy.random.Generator`): the random generator.
        probability (`float`, *optional*, defaults to 0.5): probability of replacing a sequence.

    Raises:
        ValueError: `probability` is not between 0 and 1.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"probability must be between 0 and 1, got {probability}.")
    replaced = generator.random(len(sequences)) < probability
    return [reverse_complement(one) if replace else one for one, replace in zip(sequences, replaced, strict=True)]
