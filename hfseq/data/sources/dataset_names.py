"""Names of data sets: built-in, in memory, a path, or an id on the Hub. The data is not read here."""

import difflib
import re
from pathlib import Path

from hfseq.data.builtin import check_builtin
from hfseq.data.sources.readers import check_regular, data_extension
from hfseq.errors import HfseqError

BUILTIN_PREFIX = "builtin:"
MEMORY_PREFIX = "memory:"

# Extensions of files that only some tasks or modalities read. No data set on the Hub has such a name.
_FILE_NAME = re.compile(r"\.(txt|conll|conllu|ts|fasta|fa|wav|flac|midi?|npz|gif|png|jpe?g)(\.gz)?$")


def looks_like_path(dataset: str) -> bool:
    """Whether the name of a data set is a path, even if the path does not exist. Other names may be ids on the Hub."""
    return (
        dataset.startswith((".", "/", "~"))
        or data_extension(dataset) is not None
        or _FILE_NAME.search(dataset.lower()) is not None
        or Path(dataset).exists()
        or dataset.endswith("/")
        or "\\" in dataset
    )


def is_missing(dataset: str) -> bool:
    """Whether the name of a data set is the path of a file or folder that does not exist."""
    named = dataset.startswith((BUILTIN_PREFIX, MEMORY_PREFIX))
    return not named and looks_like_path(dataset) and not Path(dataset).expanduser().exists()


def check_dataset_name(dataset: str) -> None:
    """Checks that a data set exists, as far as possible without network and without importing libraries.

    Args:
        dataset (`str`): name of the data set (see [`load_source`]).

    Raises:
        HfseqError: the name is empty, the file, folder or built-in data set does not exist, or the path is not a
            regular file.
    """
    if not dataset.strip():
        raise HfseqError("the name of the data set is empty: use a file, a folder, a Hub id, or builtin:docstrings.")
    if dataset.startswith(BUILTIN_PREFIX):
        check_builtin(dataset.removeprefix(BUILTIN_PREFIX))
    elif not dataset.startswith(MEMORY_PREFIX) and looks_like_path(dataset):
        path = Path(dataset).expanduser().absolute()
        if not path.exists():
            raise HfseqError(_missing_path(dataset, path))
        if not path.is_dir():
            check_regular(path)


def _missing_path(dataset: str, path: Path) -> str:
    message = f"no such file or folder: {dataset!r} (that is {path})."
    if not path.parent.is_dir():
        return f"{message} The folder {path.parent} does not exist either."
    names = sorted(entry.name for entry in path.parent.iterdir())
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    near = near or [name for name in names if data_extension(name)][:5]
    return f"{message} The folder contains {', '.join(map(repr, near)) or 'no data file'}."
