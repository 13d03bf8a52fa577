"""Reads and checks tagged sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, find_column
from hfseq.data.sources.cells import check_readable
from hfseq.data.sources.list_cells import parse_list_column
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.modalities.rows import load_rows
from hfseq.modalities.shared_settings import TruncationSettings
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source
from hfseq.tasks.token_classification.conll import read_conll, tokens_and_tags
from hfseq.tasks.token_classification.settings import TokenClassificationSettings
from hfseq.tasks.token_classification.tag_conversion import TagConversion, convert_splits
from hfseq.tasks.token_classification.tag_files import tag_files
from hfseq.tasks.token_classification.word_rows import join_words

TOKEN_NAMES = ("tokens", "words", "token", "word", "text", "sentence")
TAG_NAMES = (
    "tags", "ner_tags", "pos_tags", "upos", "labels", "ner", "pos", "tag", "label", "xpos", "chunk_tags", "chunks",
)  # fmt: skip


@dataclass
class TaggedData(TaskData):
    """Raw splits of tagged sentences.

    Attributes:
        tags (`tuple[str, ...]`): names of the tags, in the order of their ids.
        violations (`str`, *optional*): description of how many training tags violate their tag scheme.
    """

    tags: tuple[str, ...] = ()
    violations: str | None = None


def read_tag_files(path: Path, arguments: DataArguments) -> DatasetDict | None:
    """The splits of a file, or a folder of files, with one token per line: see [`read_conll`].

    Args:
        path (`Path`): a file, which becomes the split `train`, or a folder whose file names determine the splits.
        arguments (`DataArguments`): `target_column` is the column of the tag, `input_column` the column of the token.

    Returns:
        `datasets.DatasetDict`, *optional*: `None` if the path is neither.

    Raises:
        HfseqError: if a file is damaged, two files belong to the same split, or the type of the files is unknown.
    """
    files = tag_files(path)
    if not files:
        return None
    wanted = arguments.target_column or arguments.label_column
    names = {"tokens": arguments.input_column or "tokens", "tags": wanted or "tags"}
    splits = {}
    for split, file in files.items():
        rows = read_conll(file, wanted, tags_required=False, input_column=arguments.input_column)
        splits[split] = rows.rename_columns({name: names[name] for name in rows.column_names})
    return DatasetDict(splits)


def resolve_tag_columns(column_names: list[str], arguments: DataArguments, require_tags: bool = True) -> Columns:
    """The columns of tokens and tags. The tokens may also be a column of texts.

    Raises:
        HfseqError: if a given column does not exist, no column is found, or both columns are the same.
    """
    given = arguments.input_column or arguments.text_column
    if given is not None and given.isdecimal() and given not in column_names:
        given = None  # the number of a column in files without names
    tokens = find_column(column_names, given, TOKEN_NAMES, "input")
    wanted = arguments.target_column or arguments.label_column
    if not require_tags and wanted not in column_names:
        wanted = None  # data for prediction may lack the column of the training data
    tags = find_column(column_names, wanted, TAG_NAMES, "target", required=require_tags, taken=(tokens,))
    if tokens == tags:
        raise HfseqError(f"column {tokens!r} cannot be both input and target; columns: {', '.join(column_names)}")
    return Columns(str(tokens), None, tags)


def read_tagged_rows(split: Dataset, arguments: DataArguments, where: str) -> tuple[Dataset, Columns]:
    """The sentences of a split with the name of the tag of each token. Empty sentences are removed.

    Args:
        split (`datasets.Dataset`): raw rows.
        arguments (`DataArguments`): name the columns. If each row has one word, `id_column` identifies its sentence.
        where (`str`): name of the split in error messages.

    Raises:
        HfseqError: if a column is missing, or a row is damaged.
    """
    if len(split.column_names) == 1:
        first = str(split[0][split.column_names[0]])[:40]
        raise HfseqError(
            f"{where} has tokens and no tags, for example {first!r}: a text file needs a token and its tag on each "
            "line, separated by a tab or a space, and a table needs a column of tags"
        )
    columns = resolve_tag_columns(split.column_names, arguments)
    assert columns.label is not None  # required above
    check_readable(split, [columns.text, columns.label])
    split = join_sentences(split, columns, arguments, where)
    for name in (columns.text, columns.label):
        split = parse_list_column(split, name, where)
    rows = tokens_and_tags(split, columns.text, columns.label, where)
    # In two steps, because the column of the tokens may be named `tags`.
    rows = rows.rename_columns({"tokens": "_tokens", "tags": "_tags"})
    return rows.rename_columns({"_tokens": columns.text, "_tags": columns.label}), columns


def join_sentences(rows: Dataset, columns: Columns, arguments: DataArguments, where: str) -> Dataset:
    """Rows with one sentence each, also if the table has one word per row: see [`join_words`]."""
    return join_words(
        rows,
        columns.text,
        (columns.text, columns.label),
        arguments.group(TokenClassificationSettings).id_column,
        where,
    )


def load_tagged(arguments: DataArguments) -> TaggedData:
    """Loads a data set of tagged sentences and checks that a model can be trained and tested on it.

    Args:
        arguments (`DataArguments`): name of the data set, and how to read and split it.

    Raises:
        HfseqError: if the data is missing, damaged or unsuitable for training; the message names the file, column
            or row.
    """
    settings = arguments.group(TruncationSettings)
    dataset, modality = arguments.dataset, find_modality(arguments)
    if not modality.has_words:
        raise HfseqError(f"token_classification reads sentences of words (text), not {modality.name}")
    if settings.truncation != "head":
        raise HfseqError(
            f"truncation {settings.truncation!r}: token_classification always keeps the beginning of a sentence that "
            "is too long: leave it at 'head', or raise --max_length"
        )
    raw = load_rows(arguments, modality, read_tag_files)
    splits = DatasetDict()
    for name, split in raw.items():
        splits[name], columns = read_tagged_rows(split, arguments, f"split {name!r} of {dataset!r}")
    _reject_single_words(raw["train"], splits["train"], columns.text, dataset)
    inner = getattr(raw["train"].features.get(columns.label), "feature", None)
    declared = inner.names if isinstance(inner, ClassLabel) else []
    converted = convert_splits(
        splits, str(columns.label), arguments.group(TokenClassificationSettings).tag_scheme, declared, dataset
    )
    tags, notes = _tag_names(declared, converted, splits, str(columns.label), dataset)
    splits, cuts = cut_splits(splits, columns, arguments)
    notes += cuts + overlap_notes(splits, columns.texts)
    return TaggedData(
        splits,
        modality,
        columns,
        fingerprint=fingerprint_splits(splits, [columns.text, str(columns.label)]),
        description=describe_source(dataset, f"{len(tags)} tags"),
        notes=[*converted.notes, *notes],
        tags=tags,
        violations=converted.violations,
    )


def _reject_single_words(raw: Dataset, train: Dataset, column: str, dataset: str) -> None:
    """Rejects a table with one word per row, which would be read as sentences of one word."""
    is_text = getattr(raw.features[column], "dtype", "") == "string"
    if is_text and len(train) > 1 and set(map(len, train[column])) == {1}:
        raise HfseqError(
            f"split 'train' of {dataset!r}: each row has a single word in column {column!r}. Name the column that "
            "identifies the sentence of each word with --id_column, or write one sentence per row, with spaces "
            "between the words"
        )


def _tag_names(
    declared: list[str], converted: TagConversion, splits: DatasetDict, column: str, dataset: str
) -> tuple[tuple[str, ...], list[str]]:
    """The names of all tags, and a note on tags that are missing in the training split."""
    seen = {name: _distinct(split[column]) for name, split in splits.items()}
    if declared:
        every = set().union(*seen.values())
        names = dict.fromkeys(map(converted.to_standard, declared))
        # The conversion to another scheme may remove some of the declared tags and add new ones.
        used = [name for name in names if name in every or not converted.is_converted]
        return (*used, *sorted(every - set(used))), []
    train = sorted(seen["train"])
    if len(train) < 2:
        raise HfseqError(
            f"split 'train' of {dataset!r}, column {column!r}: there is only one tag, {train[0]!r}; at least two are "
            "needed"
        )
    unseen = sorted(set().union(*seen.values()) - set(train))
    if not unseen:
        return tuple(train), []
    listed = ", ".join(map(repr, unseen[:5])) + (", ..." if len(unseen) > 5 else "")
    verb = "tag occurs" if len(unseen) == 1 else "tags occur"
    note = f"{len(unseen)} {verb} only in the validation or test split and cannot be learned: {listed}"
    return (*train, *unseen), [note]


def _distinct(rows: Iterable[list[str]]) -> set[str]:
    return {tag for tags in rows for tag in tags}
