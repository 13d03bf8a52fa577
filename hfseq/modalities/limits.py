"""Limits on the size of a decoded example. A small file can claim to hold terabytes.

This file is saved with processors that need it.
"""

import threading
from dataclasses import dataclass


@dataclass
class Limits(threading.local):
    """Limits of this thread. The settings `max_media_values` and `max_music_steps` change them.

    Attributes:
        media_values (`int`): maximum number of values in a decoded image, video or recording. 2**28 values take 1 GiB.
        music_steps (`int`): maximum number of time steps in a MIDI file.
    """

    media_values: int = 1 << 28
    music_steps: int = 100_000


LIMITS = Limits()


class FileSizeError(ValueError):
    """A file claims to hold more values than the limits allow."""


def check_values(count: int, what: str) -> None:
    """Checks the size that an example claims, before it is decoded.

    Args:
        count (`int`): number of values.
        what (`str`): name of the example in the error message.

    Raises:
        FileSizeError: there are more than `LIMITS.media_values` values.
    """
    if count > LIMITS.media_values:
        raise FileSizeError(
            f"{what} has {count:,} values, but the limit is {LIMITS.media_values:,}. If the file is correct, raise "
            "--max_media_values"
        )
