"""The modality of a data set: the one that the settings name, or the one that its files suggest."""

from pathlib import Path

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_modality
from hfseq.data.sources.loading import BUILTIN_PREFIX
from hfseq.data.sources.readers import check_regular
from hfseq.modalities.base import Modality
from hfseq.modalities.guess import Guess, guess_path
from hfseq.modalities.text.modality import Text
from hfseq.registry import get_modality, modalities


def find_modality(arguments: DataArguments) -> Modality:
    """The modality that the settings name, or that the built-in data set or the files tell; else text."""
    if arguments.modality is not None:
        return get_modality(arguments.modality)
    if arguments.dataset.startswith(BUILTIN_PREFIX):
        return get_modality(builtin_modality(arguments.dataset.removeprefix(BUILTIN_PREFIX)))
    guess = guess_modality(arguments)
    return get_modality(Text.name if guess is None else guess.modality)


def guess_modality(arguments: DataArguments) -> Guess | None:
    """What the files of a data set seem to be: see [`guess_path`]; `None` if the settings or its name say it, or it
    is not on disk."""
    if arguments.modality is not None or arguments.dataset.startswith(BUILTIN_PREFIX):
        return None
    path = Path(arguments.dataset).expanduser()
    if not path.exists():
        return None
    if not path.is_dir():
        check_regular(path)
    return guess_path(path, arguments.task, modalities())
