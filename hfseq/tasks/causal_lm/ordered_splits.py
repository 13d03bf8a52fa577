"""Splits of one running text, cut in its order: shuffled, its parts would tell of each other."""

from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError

# In the order in which they are cut from the end.
_FROM_THE_END = ("test", "validation")

# What counts as one example of a running text where only so many are wanted.
CHARACTERS_PER_EXAMPLE = 256


def is_running_text(splits: DatasetDict) -> bool:
    """Whether splits are missing, and all there is to cut them from is one document."""
    return len(splits["train"]) == 1 and any(name not in splits for name in _FROM_THE_END)


def cut_in_order(splits: DatasetDict, column: str, arguments: DataArguments) -> tuple[DatasetDict, list[str]]:
    """Completes the splits of a data set whose training split is one document.

    Args:
        splits (`datasets.DatasetDict`): the splits; `train` has one row.
        column (`str`): where the text stands.
        arguments (`DataArguments`): the share of the text that each missing split gets.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a sentence on each cut. The test split is the
        end of the text, the validation split what stands before it.

    Raises:
        HfseqError: the text is too short, or the shares leave nothing to train on.
    """
    text = splits["train"][0][column]
    fractions = {"test": arguments.test_fraction, "validation": arguments.validation_fraction}
    missing = {name: fractions[name] for name in _FROM_THE_END if name not in splits}
    if sum(missing.values()) >= 1:
        shares = " and ".join(f"{name}_fraction={fraction}" for name, fraction in missing.items())
        raise HfseqError(f"{shares} leave nothing to train on: their sum must lie below 1.")
    complete, notes, end = dict(splits), [], len(text)
    for name, fraction in missing.items():
        start = end - int(fraction * len(text))
        if end - start < 2:
            raise HfseqError(
                f"{arguments.dataset!r} is one text of {len(text):,} characters, too short to cut a {name} split of "
                f"{100 * fraction:g} % from it. Give a longer text, or a {name} split of your own."
            )
        complete[name] = _with_text(splits["train"], column, text[start:end])
        where = "the end of the training text" if end == len(text) else "what stands before it in the training text"
        notes.append(
            f"no {name} split: {where}, {100 * fraction:g} % of it ({end - start:,} of {len(text):,} characters), was "
            "set aside"
        )
        end = start
    complete["train"] = _with_text(splits["train"], column, text[:end])
    return DatasetDict({name: complete[name] for name in ("train", "validation", "test")}), notes


def limit_running_text(split: Dataset, column: str, max_samples: int | None) -> Dataset:
    """The beginning of a split's one document: so many times 256 characters, whatever blocks a model cuts it into."""
    if max_samples is None or len(split) != 1:
        return split
    return _with_text(split, column, split[0][column][: max_samples * CHARACTERS_PER_EXAMPLE])


def _with_text(split: Dataset, column: str, text: str) -> Dataset:
    return Dataset.from_dict({column: [text]}, features=split.select_columns([column]).features)
