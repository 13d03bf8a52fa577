"""The one exception a person is meant to read."""

import difflib
from collections.abc import Iterable


class HfseqError(ValueError):
    """Something in the user's input is wrong, and the message says what, where, and what would do.

    Commands print the message without a traceback and exit with code 2.
    """


def nearest(word: str, choices: Iterable[str]) -> str:
    """A clause that names the choice nearest to a mistyped word, or the valid choices where none is near.

    Args:
        word (`str`): what was given.
        choices (`Iterable[str]`): what is valid.

    Returns:
        `str`: for example ``did you mean 'lstm'?`` or ``choose from 'gru', 'lstm'``.
    """
    choices = sorted(choices)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "choose from " + ", ".join(repr(choice) for choice in choices)


def first_line(error: Exception) -> str:
    """The first line of a library's error message, without its full stop, to be quoted in one of ours."""
    return str(error).strip().partition("\n")[0].rstrip(". ")
