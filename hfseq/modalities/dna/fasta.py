"""Reads DNA and RNA from FASTA files, with biopython."""

import re
from collections.abc import Iterable
from pathlib import Path

from datasets import Dataset, Features, Value

from hfseq.data.sources.readers import inspect_file
from hfseq.data.sources.series_rows import open_text
from hfseq.data.sources.visible_files import visible_files
from hfseq.errors import HfseqError, first_line
from hfseq.extras import require

FASTA_EXTENSIONS = (".fasta", ".fa", ".fna", ".ffn", ".frn")

_LETTERS = "ACGTU, or the ambiguous letters RYSWKMBDHVN"
_UNKNOWN = re.compile(r"[^ACGTURYSWKMBDHVN\s]", re.IGNORECASE)
_LABEL = re.compile(r'(?:^|\s)label=(?:"([^"]+)"|(\S+))', re.IGNORECASE)
# Prefixes of accession numbers of public databases, such as gb|M73307.1. No label follows the bar after them.
_DATABASES = re.compile(
    "bbm|bbs|dbj|emb|gb|gi|gim|gnl|gp|lcl|nat|pat|pdb|pgp|pir|prf|ref|sp|tpd|tpe|tpg|tr", re.IGNORECASE
)


def read_fasta(path: Path) -> Dataset:
    """Reads a FASTA file, or a folder with one FASTA file per class.

    Args:
        path (`Path`): a file, which may be compressed with gzip; or a folder, in which the name of each file is the
            label of its records (`promoter.fasta`).

    Returns:
        `datasets.Dataset`: `id`, the first word of the header; `sequence`; `description`, the rest of the header; and
        `label` if all headers have one: `>id label=promoter`, or `>id|promoter`.

    Raises:
        HfseqError: biopython is not installed, the file is malformed or has no record, a sequence is empty or has a
            letter that is not a nucleotide, or only some headers have a label. The message names the record.
    """
    rows = _read_folder(path) if path.is_dir() else _with_labels(_read_file(path), path)
    features = Features({name: Value("string") for name in rows[0]})
    return Dataset.from_dict({name: [row[name] for row in rows] for name in features}, features=features)


def is_fasta(path: Path) -> bool:
    """Whether the name of a file says that it is FASTA, with or without gzip."""
    return path.name.lower().removesuffix(".gz").endswith(FASTA_EXTENSIONS)


def check_dna(sequences: Iterable[str | None], where: str) -> None:
    """Checks that sequences are DNA or RNA in IUPAC letters of either case. White space is ignored.

    Args:
        sequences (`Iterable[str]`): the sequences.
        where (`str`): split and data set, for error messages. Rows are counted from 0, positions from 1.

    Raises:
        HfseqError: a sequence is missing or empty, or has another letter. The message names the row and the position.
    """
    for row, sequence in enumerate(sequences):
        _check(sequence, f"{where}, row {row}")


def _check(sequence: str | None, where: str) -> None:
    if sequence is None or not isinstance(sequence, str):
        raise HfseqError(f"{where}: expected a sequence of letters, got {sequence!r}.")
    if not sequence.strip():
        raise HfseqError(f"{where}: the sequence is empty. Drop the row.")
    unknown = _UNKNOWN.search(sequence)
    if unknown:
        position = len("".join(sequence[: unknown.start()].split())) + 1
        raise HfseqError(f"{where}: {unknown[0]!r} at position {position} is not a nucleotide: expected {_LETTERS}.")


def _read_folder(folder: Path) -> list[dict[str, str]]:
    files = [entry for entry in visible_files(folder) if is_fasta(entry)]
    if not files:
        raise HfseqError(f"{folder} has no FASTA file ({', '.join(FASTA_EXTENSIONS)}; .gz as well).")
    rows = []
    classes: dict[str, Path] = {}
    for path in files:
        label = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE).rpartition(".")[0]
        if label in classes:
            raise HfseqError(f"{folder} has two files for class {label!r}: {classes[label].name} and {path.name}.")
        classes[label] = path
        rows += [{**row, "label": label} for row in _read_file(path)]
    return rows


def _read_file(path: Path) -> list[dict[str, str]]:
    parse = require("Bio.SeqIO", "dna").parse
    inspect_file(path)
    rows: list[dict[str, str]] = []
    with open_text(path) as stream:
        try:
            for number, record in enumerate(parse(stream, "fasta"), start=1):
                if not record.id:
                    raise HfseqError(f"{path}, record {number}: the header has no name, expected '>name'.")
                sequence = str(record.seq)
                _check(sequence, f"{path}, record {number} ({record.id})")
                description = record.description.removeprefix(record.id).strip()
                rows.append({"id": record.id, "sequence": sequence, "description": description})
        except HfseqError:
            raise
        except ValueError as error:
            raise HfseqError(
                f"{path} is not a FASTA file: {first_line(error)}. Expected '>name' before the first sequence."
            ) from error
    if not rows:
        raise HfseqError(f"{path} has no record: expected '>name' and the sequence below it.")
    return rows


def _with_labels(rows: list[dict[str, str]], path: Path) -> list[dict[str, str]]:
    labels = [_label(row) for row in rows]
    unlabelled = [number for number, label in enumerate(labels, start=1) if label is None]
    if not unlabelled:
        return [{**row, "label": str(label)} for row, label in zip(rows, labels, strict=True)]
    if len(unlabelled) < len(rows):
        raise HfseqError(
            f"{path}, record {unlabelled[0]} ({rows[unlabelled[0] - 1]['id']}): the header has no label, but "
            f"{len(rows) - len(unlabelled)} other headers have one. Write all as '>name label=class', or none."
        )
    return rows


def _label(row: dict[str, str]) -> str | None:
    match = _LABEL.search(row["description"])
    if match:
        return match[1] or match[2]
    name, *rest = row["id"].split("|")
    return rest[0] if len(rest) == 1 and rest[0] and not _DATABASES.fullmatch(name) else None
