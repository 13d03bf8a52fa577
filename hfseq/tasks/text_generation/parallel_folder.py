"""Folders of parallel texts: one file per split and language; lines with the same number are translations."""

from pathlib import Path

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.visible_files import visible_entries, visible_files
from hfseq.errors import HfseqError
from hfseq.modalities.text.plain_text import numbered_lines, read_parallel
from hfseq.tasks.text_generation.settings import TextGenerationSettings

LINE_FILES = (".txt", ".text")


def read_parallel_folder(path: Path, arguments: DataArguments) -> DatasetDict | None:
    """The splits of a folder with one file per language, or the sources of a text file.

    Args:
        path (`Path`): a folder of `train.en`, `train.de`, ..., or a file with one source per line.
        arguments (`DataArguments`): name the languages.

    Returns:
        `datasets.DatasetDict`, *optional*: `None` if the path is neither.

    Raises:
        HfseqError: if the languages are not named, or [`read_parallel`] raises it.
    """
    settings = arguments.group(TextGenerationSettings)
    source, target = settings.source_language, settings.target_language
    name = path.name.lower().removesuffix(".gz")
    if path.is_file():
        if not name.endswith((*LINE_FILES, *([f".{source}"] if source else []))):
            return None
        features = Features({"source": Value("string")})
        return DatasetDict(
            {"train": Dataset.from_dict({"source": [line for _, line in numbered_lines(path)]}, features)}
        )
    found = _languages(path)
    if source and target and {source, target} <= found:
        return read_parallel(path, source, target)
    if len(found) < 2:
        return None
    raise HfseqError(
        f"{path} contains the languages {', '.join(sorted(found))}: choose the language to translate from with "
        "--source_language, and the language to translate to with --target_language"
    )


def parallel_notes(path: Path, arguments: DataArguments) -> list[str]:
    """A note on which of several test sets in a folder of parallel texts is used."""
    settings = arguments.group(TextGenerationSettings)
    ending = f".{settings.source_language}"
    if not path.is_dir() or settings.source_language not in _languages(path):
        return []
    names = {
        entry.name.removesuffix(".gz").removesuffix(ending) for entry in visible_entries(path) if ending in entry.name
    }
    tests = sorted(name for name in names if name.startswith("test"))
    if len(tests) < 2:
        return []
    return [f"the folder has the test sets {', '.join(tests)}; only the first is used"]


def _languages(folder: Path) -> set[str]:
    """The endings of the files named `train`, except those of tables."""
    names = (entry.name.removesuffix(".gz") for entry in visible_files(folder))
    return {
        ending
        for stem, _, ending in (name.partition(".") for name in names)
        if stem == "train" and ending and "." not in ending and not data_extension(f"train.{ending}")
    }
