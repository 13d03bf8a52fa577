"""Loads raw examples from built-in data sets, from tables, or from files in a format of the modality or the task."""

from collections.abc import Callable
from pathlib import Path

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX
from hfseq.data.sources.file_format import TABLE_SETTINGS, file_format
from hfseq.data.sources.files import READING_NOTE
from hfseq.data.sources.loading import load_source
from hfseq.data.sources.readers import TABLE_EXTENSIONS, TEXT_EXTENSIONS, check_regular, data_extension
from hfseq.data.sources.split_files import tables_by_split
from hfseq.errors import HfseqError
from hfseq.modalities import Modality
from hfseq.modalities.limits import LIMITS
from hfseq.modalities.music.settings import MusicSettings
from hfseq.modalities.shared_settings import MediaSettings

Reader = Callable[[Path, DataArguments], DatasetDict | None]


def apply_limits(arguments: DataArguments) -> None:
    """Sets the limits on the size of an example, for this process, from the settings."""
    LIMITS.media_values = arguments.group(MediaSettings).max_media_values
    LIMITS.music_steps = arguments.group(MusicSettings).max_music_steps


def load_rows(arguments: DataArguments, modality: Modality, *readers: Reader) -> DatasetDict:
    """Loads the splits of a data set under the names `train`, `validation` and `test`.

    Args:
        arguments (`DataArguments`): the settings.
        modality (`Modality`): the modality of the examples.
        readers (`Reader`): further functions that read a path. They are tried first, and return `None` for paths in
            another format.

    Raises:
        HfseqError: the data cannot be loaded, is damaged, or has no training split.
    """
    _check_format(arguments)
    splits = read_splits(arguments.dataset, arguments, modality, *readers)
    if "train" not in splits:
        raise HfseqError(f"{arguments.dataset!r} has no training split, only {', '.join(splits)}")
    return splits


def read_splits(
    dataset: str, arguments: DataArguments, modality: Modality, *readers: Reader, labelled: bool = True
) -> DatasetDict:
    """As [`load_rows`], for a data set that needs no training split.

    With `labelled=False`, as for prediction, no column of a table is used as the label because of its name.
    """
    apply_limits(arguments)
    path = None if dataset.startswith(BUILTIN_PREFIX) else Path(dataset).expanduser()
    if path is not None and path.exists():
        if not path.is_dir():
            check_regular(path)
        # Tables named after splits are the data set. Other files beside them are ignored.
        own = [] if path.is_dir() and "train" in tables_by_split(path) else [modality.read_path]
        for reader in (*readers, *own):
            splits = reader(path, arguments)
            if splits is not None:
                return splits
    splits = load_source(
        dataset,
        dataset_config_name=arguments.dataset_config_name,
        revision=arguments.dataset_revision,
        cache_dir=arguments.cache_dir,
        form=file_format(arguments),
    )
    local = path if path is not None and path.exists() else None
    rows = DatasetDict()
    for name, split in splits.items():
        rows[name] = modality.from_table(split, local, arguments, f"split {name!r} of {dataset!r}", labelled)
        # The roles of the columns are found in the first split only, and used for the others.
        modality = modality.with_roles_of(rows[name])
        if split.info.description.startswith(READING_NOTE):
            rows[name].info.description = split.info.description
    return rows


def reading_notes(splits: DatasetDict) -> list[str]:
    """Notes about the format of tables, as far as it was detected and not set."""
    notes = (split.info.description for split in splits.values())
    return list(dict.fromkeys(note for note in notes if note.startswith(READING_NOTE)))


def _check_format(arguments: DataArguments) -> None:
    """
    Raises:
        HfseqError: a setting describes files of a format that the data set does not have.
    """
    given, dataset = file_format(arguments).given, arguments.dataset
    if not given:
        return
    path = Path(dataset).expanduser()
    files = [path] if path.is_file() else list(path.rglob("*")) if path.is_dir() else []
    kinds = {data_extension(file.name) for file in files if file.is_file()}
    for names, known in ((TABLE_SETTINGS, TABLE_EXTENSIONS), (given, TEXT_EXTENSIONS)):
        wrong = [name for name in given if name in names]
        if wrong and not kinds & set(known):
            raise HfseqError(f"--{wrong[0]} is for {', '.join(known)} files, but {dataset!r} has none: leave it out.")
