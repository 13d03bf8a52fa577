"""Selects the modality of a data set: from the settings, or from its files."""

from pathlib import Path

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_modality
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX, MEMORY_PREFIX
from hfseq.data.sources.memory import load_memory
from hfseq.data.sources.readers import check_regular
from hfseq.modalities.base import Modality
from hfseq.modalities.guess import Guess, guess_features, guess_path
from hfseq.modalities.text.modality import Text
from hfseq.registry import get_modality, modalities


def find_modality(arguments: DataArguments) -> Modality:
    """The modality in the settings, of the built-in data set, or guessed from the files. By default text."""
    if arguments.modality is not None:
        return get_modality(arguments.modality)
    if arguments.dataset.startswith(BUILTIN_PREFIX):
        return get_modality(builtin_modality(arguments.dataset.removeprefix(BUILTIN_PREFIX)))
    guess = guess_modality(arguments)
    return get_modality(Text.name if guess is None else guess.modality)


def guess_modality(arguments: DataArguments) -> Guess | None:
    """Guesses the modality from the files or columns of a data set: see [`guess_path`] and [`guess_features`].

    Returns `None` if the settings name the modality, if the data set is a built-in one, or if it is on the Hub.
    """
    if arguments.modality is not None or arguments.dataset.startswith(BUILTIN_PREFIX):
        return None
    if arguments.dataset.startswith(MEMORY_PREFIX):
        splits = load_memory(arguments.dataset)
        return guess_features(next(iter(splits.values())).features, "its columns in memory", modalities())
    path = Path(arguments.dataset).expanduser()
    if not path.exists():
        return None
    if not path.is_dir():
        check_regular(path)
    return guess_path(path, arguments.task, modalities())
