"""Pieces that the model of a finished run generates."""

from pathlib import Path

from hfseq.inference.music_files import require_midi, write_pieces
from hfseq.inference.predictor import Predictor


def write_samples(folder: str | Path, count: int = 3) -> list[Path]:
    """Generates pieces with the model of a run, and writes them into its folder: `sample-1.mid`, ...

    Args:
        folder (`str` or `Path`): the folder of a run.
        count (`int`, *optional*, defaults to 3): number of pieces.

    Raises:
        HfseqError: the model is not a language model of music, or mido is missing.
    """
    require_midi()
    # A temperature a little below 1 keeps the pieces in their key, and they still differ.
    pieces = Predictor.load(str(folder)).generate(temperature=0.9, num_return_sequences=count)
    return write_pieces([piece.values or [] for piece in pieces], Path(folder) / "sample.mid")
