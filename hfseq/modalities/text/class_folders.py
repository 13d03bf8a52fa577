"""Texts to classify in one folder per class, with one text per file, as the IMDb reviews are published."""

from pathlib import Path

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.sources.split_files import table_files
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.visible_files import visible_entries, walk_files
from hfseq.errors import HfseqError
from hfseq.modalities.natural_order import natural_order
from hfseq.modalities.text.files import is_about, is_text_file
from hfseq.modalities.text.plain_text import read_text

# Names of folders of texts without a class.
_UNLABELLED = ("unsup", "unsupervised", "unlabeled", "unlabelled")


def read_class_folders(path: Path) -> DatasetDict | None:
    """Reads a folder of texts with one folder per class.

    Args:
        path (`Path`): a folder with one folder per class, or with folders such as `train` and `test` that have one
            folder per class each. Files beside the folders of classes are ignored, and so is a folder of texts
            without classes (`unsup`).

    Returns:
        `datasets.DatasetDict` or `None`: splits with the columns `text` and `label`; `None` if the training part has
        fewer than two folders with text files, or if there are tables in the folder itself.

    Raises:
        HfseqError: a file in the folder of a class is not a text file, is empty, or is not UTF-8.
    """
    classes = _classes_by_split(path)
    return DatasetDict({split: _read(folders) for split, folders in classes.items()}) if classes else None


def class_folder_notes(path: Path) -> list[str]:
    """A sentence about folders of texts without a class, which [`read_class_folders`] ignores."""
    if not _classes_by_split(path):
        return []
    left = [
        folder.relative_to(path).as_posix()
        for part in (split_folders(path) or {"train": path}).values()
        for folder in visible_entries(part)
        if folder.is_dir() and folder.name.lower() in _UNLABELLED
    ]
    return [f"the texts in {', '.join(left)} have no class and are not used"] if left else []


def _classes_by_split(path: Path) -> dict[str, list[Path]]:
    """The folders of the classes of each split. Empty if the path is not such a data set."""
    if not path.is_dir() or table_files(path):
        return {}
    parts = split_folders(path) or {"train": path}
    classes = {split: _classes(part) for split, part in parts.items()}
    return {split: found for split, found in classes.items() if found} if len(classes["train"]) >= 2 else {}


def _classes(part: Path) -> list[Path]:
    folders = [folder for folder in visible_entries(part) if folder.is_dir()]
    folders = [folder for folder in folders if folder.name.lower() not in _UNLABELLED]
    return [folder for folder in folders if any(map(is_text_file, walk_files(folder)))]


def _read(classes: list[Path]) -> Dataset:
    columns: dict[str, list[str]] = {"text": [], "label": []}
    for folder in classes:
        for file in sorted(walk_files(folder), key=natural_order):
            if is_about(file):
                continue
            if not is_text_file(file):
                raise HfseqError(f"{file} is not a .txt file: the folder of a class must only hold text files.")
            columns["text"].append(_document(file))
            columns["label"].append(folder.name)
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))


def _document(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    # Unusual files are handled, or their errors reported, by the reader of text files.
    return text if text.strip() else read_text(file)[0]["text"]
