"""Recordings with their transcripts."""

from collections.abc import Iterable
from itertools import pairwise

from datasets import Dataset, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, find_column
from hfseq.data.sources.cells import check_readable
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.modalities import Modality
from hfseq.modalities.rows import load_rows
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source

TRANSCRIPT_NAMES = (
    "text", "transcript", "transcription", "sentence", "utterance", "normalized_text", "raw_text", "target", "label",
)  # fmt: skip


def load_transcripts(arguments: DataArguments, modality: Modality) -> TaskData:
    """Loads recordings with their transcripts, and checks them.

    Args:
        arguments (`DataArguments`): name of the data set, and how to read and split it.
        modality (`Modality`): modality of the recordings.

    Raises:
        HfseqError: if the data is missing or damaged; the message names the file, column or row.
    """
    dataset = arguments.dataset
    splits = load_rows(arguments, modality)
    columns = resolve_transcripts(splits["train"].column_names, arguments, modality)
    for name, split in splits.items():
        splits[name] = check_recordings(split, modality, columns, f"split {name!r} of {dataset!r}")
    splits, cuts = cut_splits(splits, columns, arguments)
    return TaskData(
        splits,
        modality,
        columns,
        fingerprint=fingerprint_splits(splits, [columns.text, str(columns.label)]),
        description=describe_source(dataset, f"{columns.text} with transcripts"),
        notes=[*cuts, *overlap_notes(splits, columns.texts, "content")],
    )


def check_recordings(rows: Dataset, modality: Modality, columns: Columns, where: str) -> Dataset:
    """The rows with checked recordings and transcripts: see [`check_transcripts`] and [`Modality.check`]."""
    rows = check_transcripts(rows, str(columns.label), where)
    return modality.check(rows, columns, where)


def resolve_transcripts(
    column_names: list[str], arguments: DataArguments, modality: Modality, require_transcript: bool = True
) -> Columns:
    """Finds the columns of recordings and transcripts.

    Args:
        column_names (`list[str]`): the columns of the data set.
        arguments (`DataArguments`): may name the columns.
        modality (`Modality`): modality of the recordings.
        require_transcript (`bool`, *optional*, defaults to `True`): whether a missing transcript is an error.

    Returns:
        `Columns`: `text` is the recording, and `label` the transcript.

    Raises:
        HfseqError: if a given column does not exist, no column is found, or both columns are the same.
    """
    recording = find_column(column_names, arguments.input_column, modality.column_names, "input")
    wanted = arguments.target_column or arguments.label_column
    if not require_transcript and wanted not in column_names:
        wanted = None  # data for prediction may lack the column of the training data
    transcript = find_column(
        column_names, wanted, TRANSCRIPT_NAMES, "target", required=require_transcript, taken=(recording,)
    )
    if recording == transcript:
        raise HfseqError(
            f"column {recording!r} cannot be both recording and transcript; name them with --input_column and "
            "--target_column"
        )
    return Columns(str(recording), None, transcript)


def check_transcripts(rows: Dataset, column: str, where: str) -> Dataset:
    """Checks transcripts, converts numbers to strings, and replaces sequences of white space by one space.

    Args:
        rows (`datasets.Dataset`): raw rows.
        column (`str`): the column of the transcripts.
        where (`str`): name of the rows in error messages.

    Raises:
        HfseqError: if a transcript is missing, empty or not a text; the message names the row.
    """
    check_readable(rows, [column])
    if getattr(rows.features[column], "dtype", "").startswith(("int", "float")):
        rows = rows.cast_column(column, Value("string"))
    texts = []
    for row, text in enumerate(rows[column]):
        if not isinstance(text, str) or not text.strip():
            found = f"{text!r}, which is not a text" if text and not isinstance(text, str) else "missing"
            raise HfseqError(
                f"{where}, row {row}: the transcript in column {column!r} is {found}; add it, remove the row, or name "
                "the column of the transcripts with --target_column"
            )
        texts.append(" ".join(text.split()))
    return rows.remove_columns(column).add_column(column, texts)


def min_steps(tokens: list[int]) -> int:
    """Minimum number of steps that CTC needs for a transcript, including a blank between two equal tokens."""
    return len(tokens) + sum(one == other for one, other in pairwise(tokens))


def short_recordings_note(lengths: Iterable[int], labels: Iterable[list[int]]) -> str | None:
    """A note on training recordings that are too short for their transcripts; `None` if there are none.

    Args:
        lengths (`Iterable[int]`): number of steps of each recording.
        labels (`Iterable[list[int]]`): tokens of each transcript.

    Raises:
        HfseqError: if all recordings are too short.
    """
    short = [length < min_steps(tokens) for length, tokens in zip(lengths, labels, strict=True)]
    if all(short):
        raise HfseqError(
            "all recordings of the training split have fewer steps than their transcripts have symbols: use a smaller "
            "--frame_stack, or a larger --max_steps_per_example"
        )
    if not any(short):
        return None
    return (
        f"{sum(short):,} of {len(short):,} training recordings have fewer steps than their transcripts need and are "
        "ignored; a smaller frame_stack or a larger max_steps_per_example gives them more steps"
    )
