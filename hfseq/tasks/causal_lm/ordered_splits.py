"""Splits of a single text in its order. Shuffled parts of one text would leak information between the splits."""

from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError

# In the order in which they are taken from the end of the text.
_FROM_THE_END = ("test", "validation")

# Length of one example when the number of examples is limited.
CHARACTERS_PER_EXAMPLE = 256


def is_single_document(splits: DatasetDict) -> bool:
    """Whether splits are missing, and the training split is a single document."""
    return len(splits["train"]) == 1 and any(name not in splits for name in _FROM_THE_END)


def split_in_order(splits: DatasetDict, column: str, arguments: DataArguments) -> tuple[DatasetDict, list[str]]:
    """Makes the missing splits of a data set whose training split is a single document.

    Args:
        splits (`datasets.DatasetDict`): the splits; `train` has one row.
        column (`str`): the column of the text.
        arguments (`DataArguments`): the share of the text for each missing split.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a note on each new split. The test split is
            the end of the text, and the validation split is the part before it.

    Raises:
        HfseqError: if the text is too short, or the shares leave nothing to train on.
    """
    text = splits["train"][0][column]
    fractions = {"test": arguments.test_fraction, "validation": arguments.validation_fraction}
    missing = {name: fractions[name] for name in _FROM_THE_END if name not in splits}
    if sum(missing.values()) >= 1:
        shares = " and ".join(f"{name}_fraction={fraction}" for name, fraction in missing.items())
        raise HfseqError(f"{shares} leave nothing to train on: their sum must be less than 1.")
    complete, notes, end = dict(splits), [], len(text)
    for name, fraction in missing.items():
        start = end - int(fraction * len(text))
        if end - start < 2:
            raise HfseqError(
                f"{arguments.dataset!r} is a single text of {len(text):,} characters, which is too short for a {name} "
                f"split of {100 * fraction:g} %. Use a longer text, or provide a {name} split."
            )
        complete[name] = _with_text(splits["train"], column, text[start:end])
        place = "from the end of the training text" if end == len(text) else "from the training text before the test"
        notes.append(
            f"no {name} split: {100 * fraction:g} % ({end - start:,} of {len(text):,} characters) were taken {place}"
        )
        end = start
    complete["train"] = _with_text(splits["train"], column, text[:end])
    return DatasetDict({name: complete[name] for name in ("train", "validation", "test")}), notes


def limit_running_text(split: Dataset, column: str, max_samples: int | None) -> Dataset:
    """Limits a split of a single document to its first `max_samples` times 256 characters."""
    if max_samples is None or len(split) != 1:
        return split
    return _with_text(split, column, split[0][column][: max_samples * CHARACTERS_PER_EXAMPLE])


def _with_text(split: Dataset, column: str, text: str) -> Dataset:
    return Dataset.from_dict({column: [text]}, features=split.select_columns([column]).features)
