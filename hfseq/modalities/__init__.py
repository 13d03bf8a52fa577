"""Modalities: kinds of examples. Each folder holds everything of one modality."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.modalities.base import Modality
    from hfseq.modalities.guess import Guess
    from hfseq.modalities.selection import find_modality, guess_modality

__all__ = ["Guess", "Modality", "find_modality", "guess_modality"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Guess": ".guess",
        "Modality": ".base",
        "find_modality": ".selection",
        "guess_modality": ".selection",
    },
)
