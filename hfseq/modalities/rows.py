"""Raw rows for a task: from a built-in set, from files of the modality's or the task's own kind, or from tables."""

from collections.abc import Callable
from pathlib import Path

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.file_format import TABLE_SETTINGS, file_format
from hfseq.data.sources.files import READING_NOTE
from hfseq.data.sources.loading import load_source
from hfseq.data.sources.places import BUILTIN_PREFIX
from hfseq.data.sources.readers import TABLE_EXTENSIONS, TEXT_EXTENSIONS, check_regular, data_extension
from hfseq.data.sources.split_files import tables_by_split
from hfseq.errors import HfseqError
from hfseq.modalities import Modality
from hfseq.modalities.limits import LIMITS
from hfseq.modalities.music.settings import MusicSettings
from hfseq.modalities.shared_settings import MediaSettings

Reader = Callable[[Path, DataArguments], DatasetDict | None]


def apply_limits(arguments: DataArguments) -> None:
    """Makes the limits on the size of an example that the settings name those of this process."""
    LIMITS.media_values = arguments.group(MediaSettings).max_media_values
    LIMITS.music_steps = arguments.group(MusicSettings).max_music_steps


def load_rows(arguments: DataArguments, modality: Modality, *readers: Reader) -> DatasetDict:
    """Loads the splits of a data set, as the modality has them, under the names `train`, `validation` and `test`.

    Args:
        arguments (`DataArguments`): the settings.
        modality (`Modality`): what an example is.
        readers (`Reader`): what else knows how to read a path; each gives `None` for what is not its own.

    Raises:
        HfseqError: where the data cannot be had, is damaged, or has no training split.
    """
    _check_format(arguments)
    splits = read_splits(arguments.dataset, arguments, modality, *readers)
    if "train" not in splits:
        raise HfseqError(f"{arguments.dataset!r} has no training split, only {', '.join(splits)}")
    return splits


def read_splits(
    dataset: str, arguments: DataArguments, modality: Modality, *readers: Reader, labelled: bool = True
) -> DatasetDict:
    """As [`load_rows`], of any data set, which need not have a training split.

    With `labelled` `False`, as of what is to be predicted, no column of a table is taken for the label.
    """
    apply_limits(arguments)
    path = None if dataset.startswith(BUILTIN_PREFIX) else Path(dataset).expanduser()
    if path is not None and path.exists():
        if not path.is_dir():
            check_regular(path)
        # Tables named after splits are the data set, whatever other files are beside them.
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
        # What a column is for is found out in one split alone, which is that of the training where there is one.
        modality = modality.after(rows[name])
        if split.info.description.startswith(READING_NOTE):
            rows[name].info.description = split.info.description
    return rows


def reading_notes(splits: DatasetDict) -> list[str]:
    """What was found out about how tables are written, and was not said by a setting."""
    notes = (split.info.description for split in splits.values())
    return list(dict.fromkeys(note for note in notes if note.startswith(READING_NOTE)))


def _check_format(arguments: DataArguments) -> None:
    """Raises `HfseqError` for a setting of files that the data set has none of."""
    given, dataset = file_format(arguments).given, arguments.dataset
    if not given:
        return
    path = Path(dataset).expanduser()
    files = [path] if path.is_file() else list(path.rglob("*")) if path.is_dir() else []
    kinds = {data_extension(file.name) for file in files if file.is_file()}
    for names, known in ((TABLE_SETTINGS, TABLE_EXTENSIONS), (given, TEXT_EXTENSIONS)):
        wrong = [name for name in given if name in names]
        if wrong and not kinds & set(known):
            raise HfseqError(f"--{wrong[0]} is for {', '.join(known)} files, and {dataset!r} has none: leave it out.")
