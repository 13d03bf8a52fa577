"""Format of data files, as given by the settings."""

import codecs
from dataclasses import dataclass
from typing import Any

from hfseq.errors import HfseqError

DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space"}
_DELIMITERS = {**{name: character for character, name in DELIMITER_NAMES.items()}, "\\t": "\t"}
# Settings that only apply to csv and tsv files.
TABLE_SETTINGS = ("column_names", "no_header", "delimiter", "decimal")


@dataclass(frozen=True)
class FileFormat:
    """Format of csv, tsv, json and jsonl files. Values that are not given are inferred from the file.

    Args:
        column_names (`tuple[str, ...]`, *optional*): names of the columns of a table without a header. If the first
            row contains only names from this list, it is a header.
        no_header (`bool`, *optional*): whether a table has no header. By default, a first row of numbers is an error.
        delimiter (`str`, *optional*): character between cells, or its name. By default, it is inferred from the file.
        decimal (`str`, *optional*): decimal sign, `.` or `,`. By default, it is a comma if the delimiter is a
            semicolon.
        encoding (`str`, *optional*, defaults to `"utf-8"`): encoding of the file.
        max_cell_mb (`int`, *optional*, defaults to 64): maximum size of a cell of a table, or of a line of a jsonl
            file, in MB.

    Raises:
        HfseqError: a value is not valid.
    """

    column_names: tuple[str, ...] | None = None
    no_header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str = "utf-8"
    max_cell_mb: int = 64

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", _DELIMITERS.get(self.delimiter.lower(), self.delimiter))
            if len(str(self.delimiter)) != 1 or str(self.delimiter) in '"\r\n':
                known = ", ".join(_DELIMITERS)
                raise HfseqError(f"delimiter must be one character, or one of {known}; not {self.delimiter!r}")
        if self.decimal not in (None, ".", ","):
            raise HfseqError(f"decimal must be '.' or ',', not {self.decimal!r}")
        if self.decimal is not None and self.decimal == self.delimiter:
            raise HfseqError(f"decimal and delimiter cannot both be {self.decimal!r}")
        names = self.column_names or ()
        if repeated := [name for name in names if names.count(name) > 1 or not name]:
            raise HfseqError(f"column_names must be distinct and not empty; check {repeated[0]!r}")
        if names and self.no_header is False:
            raise HfseqError(
                "column_names are for tables without a header, but no_header is false: remove one of them"
            )
        if not 1 <= self.max_cell_mb < 2048:
            raise HfseqError(f"max_cell_mb must be from 1 to 2047, not {self.max_cell_mb}")
        try:
            codecs.lookup(self.encoding)
            "".encode(self.encoding)
        except (LookupError, ValueError):
            raise HfseqError(
                f"encoding {self.encoding!r} is not known: use, for example, utf-8, latin-1, cp1252 or utf-16"
            ) from None

    @property
    def given(self) -> list[str]:
        """Names of the settings that differ from their default."""
        usual = FileFormat.__dataclass_fields__
        return [name for name, item in usual.items() if getattr(self, name) != item.default]


def file_format(arguments: Any) -> FileFormat:
    """Creates the file format from the settings of a run.

    Args:
        arguments (`DataArguments`): the settings. `column_names` may be one string with commas between the names.

    Raises:
        HfseqError: a value is not valid.
    """
    names = arguments.column_names
    if names is not None:
        names = tuple(name.strip() for word in names for name in word.split(","))
    return FileFormat(
        names, arguments.no_header, arguments.delimiter, arguments.decimal, arguments.encoding, arguments.max_cell_mb
    )
