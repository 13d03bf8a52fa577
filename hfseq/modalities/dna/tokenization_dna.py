"""DNA as tokens: single letters or k-mers, and the reverse strand.

The file travels to the Hub beside a model: it imports nothing but numpy and transformers.
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
# The IUPAC's codes (Cornish-Bowden, Nucleic Acids Research 13, 1985): R is A or G, so its complement is Y, T or C.
_FROM, _TO = "ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN"
_COMPLEMENT = str.maketrans(_FROM + _FROM.lower(), _TO + _TO.lower())
_RNA_COMPLEMENT: dict[int, int | str] = {**_COMPLEMENT, ord("A"): "U", ord("a"): "u"}


class DNATokenizer(RemoteCodeMixin, PreTrainedTokenizer):
    """Splits DNA into k-mers; its vocabulary follows from `k` and needs no training.

    Upper and lower case are the same, U is T, and white space is passed over. With `k=1` every IUPAC code is a token
    of its own. With larger `k` the vocabulary is the 4**k k-mers of A, C, G and T, and a k-mer with an ambiguous
    letter is `[UNK]`, as is one with a letter that is no IUPAC code. Letters at the end that fill no k-mer are left
    out, but a sequence shorter than `k` is one `[UNK]`, so that only an empty one has no token.

    Args:
        k (`int`, *optional*, defaults to 1): letters in a token, 1 to 8.
        stride (`int`, *optional*, defaults to 1): letters from the start of a token to that of the next, 1 to `k`: 1
            gives overlapping k-mers, `k` gives k-mers side by side.
        add_cls_sep (`bool`, *optional*, defaults to `False`): whether to put `[CLS]` before a sequence and `[SEP]`
            after it.
        kwargs: as for any tokenizer of transformers, such as `model_max_length`.

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
        """The number of tokens, the special ones included."""
        return len(self._tokens)

    def get_vocab(self) -> dict[str, int]:
        """Id by token."""
        return {**self._ids, **self.added_tokens_encoder}

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        """Writes nothing: the vocabulary follows from `k`."""
        return ()

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The letters that the tokens were made from, without special tokens.

        An unknown k-mer, which `[UNK]` does not tell, is written as as many N as it adds letters.
        """
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
    """The other strand, read in its own direction.

    Args:
        sequence (`str`): IUPAC letters, in either case, which is kept; other characters stay as they are. A sequence
            with U and without T is taken for RNA, and gives RNA.

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
    """A batch in which each sequence is replaced by its reverse complement with some probability.

    For training data whose label does not depend on the strand: drawn anew for each batch.

    Args:
        sequences (`Sequence[str]`): the batch.
        generator (`numpy.random.Generator`): where the chance comes from.
        probability (`float`, *optional*, defaults to 0.5): how likely a sequence is replaced.

    Raises:
        ValueError: `probability` is not between 0 and 1.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"probability must be between 0 and 1, got {probability}.")
    turned = generator.random(len(sequences)) < probability
    return [reverse_complement(one) if turn else one for one, turn in zip(sequences, turned, strict=True)]
