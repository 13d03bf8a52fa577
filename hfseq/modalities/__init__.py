"""Modalities: the kinds of sequences that a model can read. One folder per modality.

Names are imported when they are first used, so that `hfseq.modalities.<name>.settings` needs no torch.
"""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.modalities.base import Modality
    from hfseq.modalities.guess import Guess
    from hfseq.modalities.lookup import MODALITIES, find_modality, guess_modality

__all__ = ["MODALITIES", "Guess", "Modality", "find_modality", "guess_modality"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "MODALITIES": ".lookup",
        "Guess": ".guess",
        "Modality": ".base",
        "find_modality": ".lookup",
        "guess_modality": ".lookup",
    },
)
