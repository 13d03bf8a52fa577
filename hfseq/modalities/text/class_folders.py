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

# Folders of texts that have no class.
_UNLABELLED = ("unsup", "unsupervised", "unlabeled", "unlabelled")


def read_class_folders(path: Path) -> DatasetDict | None:
    """Reads one text per file, whose folder is its class.

    Args:
        path (`Path`): a folder with one folder per class, or with folders such as `train` and `test` that have one
            folder per class each. Files beside the folders of classes are passed over, and so is a folder of texts
            without classes (`unsup`).

    Returns:
        `datasets.DatasetDict` or `None`: splits with the columns `text` and `label`; `None` where the training part
        has fewer than two folders with text files, or where tables lie in the folder itself.

    Raises:
        HfseqError: a file in the folder of a class is no text file, is empty, or is not UTF-8.
    """
    classes = _classes_by_split(path)
    return DatasetDict({split: _read(folders) for split, folders in classes.items()}) if classes else None


def class_folder_notes(path: Path) -> list[str]:
    """A sentence on folders of texts that [`read_class_folders`] leaves out, since they have no class."""
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
    """The folders of classes of each split; empty where a path is no such data set."""
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
                raise HfseqError(f"{file} is no .txt file: the folder of a class holds text files alone.")
            columns["text"].append(_document(file))
            columns["label"].append(folder.name)
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))


def _document(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    # Whatever is unusual about a file is read, or reported, as it is elsewhere.
    return text if text.strip() else read_text(file)[0]["text"]
