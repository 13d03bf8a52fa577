"""Folders of parallel texts: a file for each split and language, line by line translations of each other."""

from pathlib import Path

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.visible_files import visible_entries, visible_files
from hfseq.errors import HfseqError
from hfseq.modalities.text.plain_text import numbered_lines, read_parallel

LINE_FILES = (".txt", ".text")


def read_parallel_folder(path: Path, arguments: DataArguments) -> DatasetDict | None:
    """The splits of a folder with a file for each language, or the sources in a file of lines.

    Args:
        path (`Path`): a folder of `train.en`, `train.de`, ..., or a file of sources, one a line.
        arguments (`DataArguments`): name the languages.

    Returns:
        `datasets.DatasetDict`, *optional*: `None` where it is neither.

    Raises:
        HfseqError: the languages are not named, or what [`read_parallel`] finds wrong.
    """
    source, target = arguments.source_language, arguments.target_language
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
        f"{path} holds the languages {', '.join(sorted(found))}: say with --source_language which of them is to be "
        "read, and with --target_language which is to be written"
    )


def parallel_notes(path: Path, arguments: DataArguments) -> list[str]:
    """What a reader has to know of a folder of parallel texts: which of several test sets was taken."""
    ending = f".{arguments.source_language}"
    if not path.is_dir() or arguments.source_language not in _languages(path):
        return []
    names = {
        entry.name.removesuffix(".gz").removesuffix(ending) for entry in visible_entries(path) if ending in entry.name
    }
    tests = sorted(name for name in names if name.startswith("test"))
    if len(tests) < 2:
        return []
    return [f"of the test sets {', '.join(tests)}, the first is used"]


def _languages(folder: Path) -> set[str]:
    """The endings of the files called `train`, where they are of no kind of table."""
    names = (entry.name.removesuffix(".gz") for entry in visible_files(folder))
    return {
        ending
        for stem, _, ending in (name.partition(".") for name in names)
        if stem == "train" and ending and "." not in ending and not data_extension(f"train.{ending}")
    }
