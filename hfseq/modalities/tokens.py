"""Base class of modalities that a model reads as tokens."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import cached_file

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError, first_line
from hfseq.modalities.base import Modality
from hfseq.modalities.shared_settings import TruncationSettings
from hfseq.modalities.token_encoding import encode_texts

# Special tokens in a model's configuration, apart from `pad_token_id`.
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")

# Names of files that hold a vocabulary.
_VOCABULARIES = frozenset(
    {
        "tokenizer.json", "vocab.txt", "vocab.json", "vocab.bpe", "tokenizer.model", "spiece.model", "spm.model",
        "sentencepiece.bpe.model", "sentencepiece.model", "source.spm", "bpe.codes", "tekken.json",
    }
)  # fmt: skip


class Tokens(Modality):
    """A modality whose processor is a tokenizer."""

    is_tokens = True

    @abstractmethod
    def texts_of(
        self, batch: Mapping[str, list], columns: Columns, arguments: DataArguments
    ) -> tuple[list[str], list[str] | None]:
        """The texts that the tokenizer reads, and the second texts of pairs."""

    def load_processor(self, source: str, **options: Any) -> Any:
        """The tokenizer."""
        return load_tokenizer(source, **options)

    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """Token ids: see [`encode_texts`]."""
        texts, pairs = self.texts_of(batch, columns, arguments)
        encoded, cut = encode_texts(
            texts, pairs, processor, arguments.token_limit, arguments.group(TruncationSettings).truncation
        )
        return {**encoded, LENGTH_COLUMN: [len(ids) for ids in encoded["input_ids"]], TRUNCATED_COLUMN: cut}

    def config_values(self, processor: Any) -> dict[str, Any]:
        """Size of the vocabulary, and the special tokens."""
        special = {name: getattr(processor, name) for name in SPECIAL_IDS}
        return {"vocab_size": len(processor), "pad_token_id": processor.pad_token_id, **special}


def load_tokenizer(source: str, **options: Any) -> PreTrainedTokenizerBase:
    """Loads a saved tokenizer with `AutoTokenizer`, and checks that it has a vocabulary.

    Args:
        source (`str`): a folder, or an id on the Hub.
        options: those of `AutoTokenizer.from_pretrained`.

    Raises:
        OSError: there is no tokenizer.
        HfseqError: the tokenizer has no vocabulary, or cannot be loaded.
    """
    known = {name: options[name] for name in ("revision", "cache_dir") if options.get(name) is not None}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except OSError:
        raise
    except Exception as error:  # tokenizers raises plain exceptions for damaged files
        _check_has_vocabulary(PreTrainedTokenizerFast, source, known)
        raise HfseqError(f"the tokenizer of {source!r} cannot be loaded: {first_line(error)}") from error
    _check_has_vocabulary(type(tokenizer), source, known)
    return tokenizer


def _check_has_vocabulary(kind: type[PreTrainedTokenizerBase], source: str, options: dict[str, Any]) -> None:
    """
    Raises:
        HfseqError: there is no file of a vocabulary. The tokenizer would load, but each word would be unknown.
    """
    own = set(kind.vocab_files_names.values())
    quiet = {f"_raise_exceptions_for_{what}": False for what in ("missing_entries", "gated_repo", "connection_errors")}
    if own and not any(cached_file(source, name, **options, **quiet) for name in sorted(own | _VOCABULARIES)):
        raise HfseqError(
            f"{source!r} has no tokenizer: there is no tokenizer.json in it. Copy the files of the tokenizer that the "
            "model was trained with into the folder. Models that do not read tokens have no tokenizer"
        )
