"""Recordings and what is said in them."""

from collections.abc import Iterable
from itertools import pairwise

from datasets import Dataset, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, find_column
from hfseq.data.sources.cells import check_readable
from hfseq.errors import HfseqError
from hfseq.modalities import Modality

TRANSCRIPT_NAMES = (
    "text", "transcript", "transcription", "sentence", "utterance", "normalized_text", "raw_text", "target", "label",
)  # fmt: skip


def resolve_transcripts(
    column_names: list[str], arguments: DataArguments, modality: Modality, require_transcript: bool = True
) -> Columns:
    """Finds the columns of recordings and transcripts.

    Args:
        column_names (`list[str]`): the data set's columns.
        arguments (`DataArguments`): may name them.
        modality (`Modality`): what a recording is.
        require_transcript (`bool`, *optional*, defaults to `True`): whether it is an error to find no transcript.

    Returns:
        `Columns`: `text` is the recording, and `label` the transcript.

    Raises:
        HfseqError: a given column is not there, none is found, or both are the same.
    """
    recording = find_column(column_names, arguments.input_column, modality.column_names, "input")
    wanted = arguments.target_column or arguments.label_column
    if not require_transcript and wanted not in column_names:
        wanted = None  # what was trained on need not be in what is only read
    transcript = find_column(
        column_names, wanted, TRANSCRIPT_NAMES, "target", required=require_transcript, taken=(recording,)
    )
    if recording == transcript:
        raise HfseqError(
            f"column {recording!r} cannot be both recording and transcript; name them with --input_column and "
            "--target_column"
        )
    return Columns(str(recording), None, transcript)


def checked_transcripts(rows: Dataset, column: str, where: str) -> Dataset:
    """The rows, their transcripts made of strings, with runs of white space made one space.

    Args:
        rows (`datasets.Dataset`): raw rows.
        column (`str`): the transcripts; numbers of JSON or parquet become strings.
        where (`str`): what an error calls the rows.

    Raises:
        HfseqError: where a transcript is missing, empty or no text, naming the row.
    """
    check_readable(rows, [column])
    if getattr(rows.features[column], "dtype", "").startswith(("int", "float")):
        rows = rows.cast_column(column, Value("string"))
    texts = []
    for row, text in enumerate(rows[column]):
        if not isinstance(text, str) or not text.strip():
            found = f"{text!r}, which is not a text" if text and not isinstance(text, str) else "missing"
            raise HfseqError(
                f"{where}, row {row}: the transcript in column {column!r} is {found}; fill it in or drop the row, or "
                "name the column that holds the transcript with --target_column"
            )
        texts.append(" ".join(text.split()))
    return rows.remove_columns(column).add_column(column, texts)


def steps_needed(tokens: list[int]) -> int:
    """The fewest steps in which a transcript can be read by CTC: between two equal tokens there is a blank."""
    return len(tokens) + sum(one == other for one, other in pairwise(tokens))


def note_too_short(lengths: Iterable[int], labels: Iterable[list[int]]) -> str | None:
    """A sentence on training recordings that have fewer steps than their transcripts need; `None` where none has.

    Args:
        lengths (`Iterable[int]`): the steps of each recording.
        labels (`Iterable[list[int]]`): the tokens of each transcript.

    Raises:
        HfseqError: where all have.
    """
    short = [length < steps_needed(tokens) for length, tokens in zip(lengths, labels, strict=True)]
    if all(short):
        raise HfseqError(
            "no recording of the training split has as many steps as its transcript needs, one a symbol: give a "
            "smaller --frame_stack, or a larger --max_steps_per_example"
        )
    if not any(short):
        return None
    return (
        f"{sum(short):,} of {len(short):,} training recordings have fewer steps than their transcripts need, and "
        "teach nothing; a smaller frame_stack, or a larger max_steps_per_example, gives them more"
    )
