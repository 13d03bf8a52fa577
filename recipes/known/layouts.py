"""Converts public data sets whose published layout hfseq does not read."""

import csv
import gzip
import json
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Row = Sequence[str]


def tinyshakespeare(source: Path, output: Path) -> None:
    """karpathy/char-rnn, input.txt. The first nine tenths are the training split, the rest is the test split."""
    text = (source / "input.txt").read_text(encoding="utf-8")
    cut = len(text) * 9 // 10
    (output / "train.txt").write_text(text[:cut], encoding="utf-8")
    (output / "test.txt").write_text(text[cut:], encoding="utf-8")


def fsdd(source: Path, output: Path) -> None:
    """Jakobovski/free-spoken-digit-dataset. Test split: recordings 0 to 4 per speaker and digit (as documented)."""
    unpack(source, "recordings", output)
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    splits: dict[str, list[Row]] = {"train": [], "test": []}
    for path in sorted((output / "recordings").glob("*.wav")):
        digit, _, number = path.stem.split("_")
        splits["test" if int(number) < 5 else "train"].append((f"recordings/{path.name}", words[int(digit)]))
    for split, rows in splits.items():
        write_table(output / f"{split}.csv", ("audio", "text"), rows)


def indoor(source: Path, output: Path) -> None:
    """UCI 348, indoor user movement prediction. A random third of the sequences is the test split."""
    unpack(source, "dataset", output)
    with next(output.glob("dataset/*target.csv")).open(newline="", encoding="utf-8") as file:
        labels = [(number.strip(), label.strip()) for number, label in list(csv.reader(file))[1:]]
    random.Random(0).shuffle(labels)
    rows = [(f"dataset/MovementAAL_RSS_{number}.csv", label) for number, label in labels]
    write_table(output / "test.csv", ("file", "label"), rows[: len(rows) // 3])
    write_table(output / "train.csv", ("file", "label"), rows[len(rows) // 3 :])


def nlupp(source: Path, output: Path) -> None:
    """PolyAI-LDN/task-specific-datasets, nlupp/data.

    For both domains, folds 0 to 15 are for training, 16 and 17 for validation, 18 and 19 for test.
    """
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for fold, example in nlupp_examples(source):
        split = "train" if fold < 16 else "validation" if fold < 18 else "test"
        line = {"text": example["text"], "intents": example.get("intents", [])}
        splits[split].append(json.dumps(line, ensure_ascii=False))
    for split, lines in splits.items():
        (output / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def nlupp_examples(source: Path) -> Iterable[tuple[int, dict]]:
    """Yields each example with its fold, from one JSON lines file per domain or from one JSON file per fold."""
    for domain in ("banking", "hotels"):
        if (source / f"{domain}.jsonl").is_file():
            lines = (source / f"{domain}.jsonl").read_text(encoding="utf-8").splitlines()
            yield from ((example["fold"], example) for example in map(json.loads, lines))
            continue
        for fold in range(20):
            path = source / domain / f"fold{fold}.json"
            yield from ((fold, example) for example in json.loads(path.read_text(encoding="utf-8")))


def wnut17(source: Path, output: Path) -> None:
    """leondz/emerging_entities_17. The three files are renamed to the names of their splits."""
    files = {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}
    for split, name in files.items():
        shutil.copyfile(source / name, output / f"{split}.conll")


def flickr8k(source: Path, output: Path) -> None:
    """Hodosh et al. (2013), with the captions of Flickr8k.token*.txt.

    The published list of training images is the training split, and the list of development images is the test split.
    Images that are not in the download are left out.
    """
    unpack(source, "images", output)
    available = {path.name for path in (output / "images").iterdir()}
    captions: dict[str, list[str]] = {}
    path = next(source.glob("Flickr8k.token*"))
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            name, caption = line.rstrip("\n").split("\t")
            captions.setdefault(name.partition("#")[0], []).append(caption)
    for split, part in (("train", "train"), ("test", "dev")):
        listed = (source / f"Flickr_8k.{part}Images.txt").read_text(encoding="utf-8").split()
        rows = [(f"images/{name}", text) for name in sorted(available.intersection(listed)) for text in captions[name]]
        write_table(output / f"{split}.csv", ("image", "caption"), rows)


# Name of a data set -> function that prepares it: (downloaded folder, output folder).
LAYOUTS: dict[str, Callable[[Path, Path], None]] = {
    layout.__name__: layout for layout in (tinyshakespeare, fsdd, indoor, nlupp, wnut17, flickr8k)
}


def unpack(source: Path, name: str, output: Path) -> None:
    """Copies the folder `name` of a download to another folder, or extracts it from an archive in the download."""
    if (source / name).is_dir():
        shutil.copytree(source / name, output / name, dirs_exist_ok=True)
        return
    for path in sorted(source.iterdir()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(output)
        elif path.name.startswith(f"{name}.tar"):
            with tarfile.open(path) as archive:
                _extract_files(archive, output.resolve())
    if not (output / name).is_dir():
        raise FileNotFoundError(f"{source / name}, and no archive that contains it")


def _extract_files(archive: tarfile.TarFile, output: Path) -> None:
    """Extracts the files of an archive, without links, below a folder. (Before 3.11.4, Python has no `filter`.)

    Raises:
        tarfile.TarError: a file is not below the folder.
    """
    for member in archive:
        source = archive.extractfile(member) if member.isfile() else None
        if source is None:
            continue
        path = (output / member.name).resolve()
        if not path.is_relative_to(output):
            raise tarfile.ExtractError(f"{member.name} is not inside the folder of the archive")
        path.parent.mkdir(parents=True, exist_ok=True)
        with source, path.open("wb") as file:
            shutil.copyfileobj(source, file)


def write_table(path: Path, header: Row, rows: Iterable[Row]) -> None:
    """Writes a csv file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
