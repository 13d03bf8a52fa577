"""Sources and targets: their columns, and checks of their values."""

from pathlib import Path

from datasets import Dataset, Features, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import TEXT_NAMES, Columns, find_column
from hfseq.data.sources.cells import check_readable
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.modalities import Modality
from hfseq.modalities.rows import Reader, load_rows
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source
from hfseq.tasks.text_generation.parallel_folder import parallel_notes
from hfseq.tasks.text_generation.settings import TextGenerationSettings

# Column names of sources and targets in published data sets.
PAIRS = (
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("input", "output"),
    ("inputs", "targets"),
    ("input", "target"),
    ("question", "answer"),
    ("prompt", "completion"),
    ("instruction", "output"),
    ("document", "summary"),
    ("article", "highlights"),
    ("dialogue", "summary"),
    ("text", "summary"),
    ("text", "target"),
)
SOURCE_NAMES = tuple(dict.fromkeys([*(source for source, _ in PAIRS), *TEXT_NAMES]))
TARGET_NAMES = tuple(dict.fromkeys(target for _, target in PAIRS))
CAPTION_NAMES = ("captions", "caption", "sentences", "sentence", "description", "text", "transcript", "transcription")
TRANSLATION = "translation"


def load_pairs(
    arguments: DataArguments, modality: Modality, target_names: tuple[str, ...], readers: tuple[Reader, ...] = ()
) -> TaskData:
    """Loads sources with their targets, and checks them.

    Args:
        arguments (`DataArguments`): name of the data set, and how to read and split it.
        modality (`Modality`): modality of the sources.
        target_names (`tuple[str, ...]`): usual column names of the targets.
        readers (`tuple`, *optional*): further functions that read files: see [`load_rows`].

    Returns:
        `TaskData`: the column `text` is the source, `label` the target.

    Raises:
        HfseqError: if the data is missing or damaged; the message names the file, column or row.
    """
    dataset = arguments.dataset
    splits = load_rows(arguments, modality, *readers)
    for name, split in splits.items():
        splits[name] = split_translations(split, arguments, f"split {name!r} of {dataset!r}")
    columns = resolve_pair(splits["train"].column_names, arguments, modality, target_names)
    for name, split in splits.items():
        splits[name] = check_pairs(split, modality, columns, f"split {name!r} of {dataset!r}")
    splits, cuts = cut_splits(splits, columns, arguments)
    notes = [*parallel_notes(Path(dataset).expanduser(), arguments), *cuts]
    return TaskData(
        splits,
        modality,
        columns,
        fingerprint=fingerprint_splits(splits, [columns.text, str(columns.label)]),
        description=describe_source(dataset, f"{columns.text} to {columns.label}"),
        notes=[*notes, *overlap_notes(splits, columns.texts, modality.content)],
    )


def resolve_pair(
    column_names: list[str],
    arguments: DataArguments,
    modality: Modality,
    target_names: tuple[str, ...],
    required: bool = True,
) -> Columns:
    """Finds the columns of sources and targets.

    Args:
        column_names (`list[str]`): the data set's columns.
        arguments (`DataArguments`): may name the columns, or the languages that are the names of the columns.
        modality (`Modality`): modality of the sources.
        target_names (`tuple[str, ...]`): usual column names of the targets.
        required (`bool`, *optional*, defaults to `True`): whether a missing target is an error.

    Returns:
        `Columns`: `text` is the source, and `label` the target.

    Raises:
        HfseqError: if a given column does not exist, no column is found, or both columns are the same.
    """
    settings = arguments.group(TextGenerationSettings)
    given_target = arguments.target_column or arguments.label_column
    if modality.trains_tokenizer:
        given_source = arguments.input_column or arguments.text_column
        by_name = {name.lower(): name for name in reversed(column_names)}
        languages = (settings.source_language, settings.target_language)
        pair = next((names for names in (languages, *PAIRS) if all(name in by_name for name in names)), (None, None))
        given_target = given_target or (by_name[pair[1]] if pair[1] and given_source is None else None)
        given_source = given_source or by_name.get(pair[0] or settings.source_language or "")
        source = find_column(column_names, given_source, SOURCE_NAMES, "input", taken=(given_target,))
    else:
        source = modality.resolve(column_names, arguments, require_label=False).text
    target = find_column(column_names, given_target, target_names, "target", required=required, taken=(source,))
    if source == target:
        raise HfseqError(f"column {source!r} cannot be both source and target; name them with --input_column and "
                         "--target_column")  # fmt: skip
    return Columns(str(source), None, target)


def split_translations(rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
    """Replaces a column `translation`, which data sets on the Hub use for all languages, by one column per language.

    Args:
        rows (`datasets.Dataset`): raw rows.
        arguments (`DataArguments`): name the two languages.
        where (`str`): name of the rows in error messages.

    Raises:
        HfseqError: if the languages are not named, or do not exist.
    """
    feature = rows.features.get(TRANSLATION)
    languages = list(feature) if isinstance(feature, dict) else list(getattr(feature, "languages", ()))
    if not languages:
        return rows
    for role in ("source_language", "target_language"):
        if arguments.get(role) not in languages:
            raise HfseqError(
                f"{where}: column {TRANSLATION!r} contains the languages {', '.join(languages)}; choose the language "
                f"to translate {'from' if role.startswith('source') else 'to'} with --{role}"
            )
    values = rows[TRANSLATION][:]
    columns = {name: rows[name][:] for name in rows.column_names if name != TRANSLATION}
    columns |= {language: [(row or {}).get(language) for row in values] for language in languages}
    kinds = {name: kind for name, kind in rows.features.items() if name != TRANSLATION}
    return Dataset.from_dict(columns, features=Features({**kinds, **dict.fromkeys(languages, Value("string"))}))


def check_pairs(rows: Dataset, modality: Modality, columns: Columns, where: str) -> Dataset:
    """Checks sources and targets, and converts targets that are numbers to strings.

    Args:
        rows (`datasets.Dataset`): raw rows.
        modality (`Modality`): modality of the sources.
        columns (`Columns`): their columns. A target is a text, or a list of alternative texts.
        where (`str`): name of the rows in error messages.

    Raises:
        HfseqError: if a source is damaged, or a target is missing or not a text; the message names the row.
    """
    check_readable(rows, [columns.text, columns.label])
    rows, column = modality.check(rows, Columns(columns.text), where), str(columns.label)
    if getattr(rows.features[column], "dtype", "").startswith(("int", "float")):
        rows = rows.cast_column(column, Value("string"))
    for row, value in enumerate(rows[column]):
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            found = "missing" if value in (None, []) else f"{value!r}, which is neither a text nor a list of texts"
            raise HfseqError(
                f"{where}, row {row}: the target in column {column!r} is {found}; fill it in or drop the row, or name "
                "the column that holds the target with --target_column"
            )
    return rows


def references_of(rows: Dataset, column: str) -> list[list[str]]:
    """All reference texts of each row."""
    return [[value] if isinstance(value, str) else list(value) for value in rows[column]]
