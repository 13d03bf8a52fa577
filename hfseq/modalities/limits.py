"""How large one example may be once it is decoded: a small file can claim to hold terabytes.

This file is copied next to a saved model, so that it loads where hfseq is not installed.
"""

from dataclasses import dataclass


@dataclass
class Limits:
    """Limits of this process, which the settings `max_media_values` and `max_music_steps` change.

    Attributes:
        media_values (`int`): numbers in a decoded image, video or recording; 2**28 of them take 1 GiB.
        music_steps (`int`): time steps of a MIDI file.
    """

    media_values: int = 1 << 28
    music_steps: int = 100_000


LIMITS = Limits()


class FileSizeError(ValueError):
    """A file claims to hold more than the limits allow."""


def check_values(count: int, what: str) -> None:
    """Refuses an example before it is decoded, if it claims too many numbers.

    Args:
        count (`int`): the numbers.
        what (`str`): the example, for the message.

    Raises:
        FileSizeError: there are more than `LIMITS.media_values`.
    """
    if count > LIMITS.media_values:
        raise FileSizeError(
            f"{what} would take {count:,} numbers in memory, and at most {LIMITS.media_values:,} are allowed. If the "
            "file is right, raise --max_media_values"
        )
