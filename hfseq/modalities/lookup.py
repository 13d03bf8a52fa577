"""The table of modalities, and the modality of a data set."""

from pathlib import Path

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_modality
from hfseq.data.sources.places import BUILTIN_PREFIX
from hfseq.data.sources.readers import check_regular
from hfseq.modalities.audio.modality import Audio
from hfseq.modalities.base import Modality
from hfseq.modalities.dna.modality import DNA
from hfseq.modalities.guess import Guess, guess_path
from hfseq.modalities.image.modality import Image
from hfseq.modalities.music.modality import Music
from hfseq.modalities.series.modality import Series
from hfseq.modalities.text.modality import Text
from hfseq.modalities.video.modality import Video

MODALITIES: dict[str, Modality] = {
    modality.name: modality for modality in (Text(), DNA(), Series(), Video(), Image(), Music(), Audio())
}


def find_modality(arguments: DataArguments) -> Modality:
    """The modality that the settings name, or that the built-in data set or the files tell; else text."""
    if arguments.modality is not None:
        return MODALITIES[arguments.modality]
    if arguments.dataset.startswith(BUILTIN_PREFIX):
        return MODALITIES[builtin_modality(arguments.dataset.removeprefix(BUILTIN_PREFIX))]
    guess = guess_modality(arguments)
    return MODALITIES[Text.name if guess is None else guess.modality]


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
    return guess_path(path, arguments.task, MODALITIES)
