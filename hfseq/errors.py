"""The exception for errors that users can fix."""

import difflib
from collections.abc import Iterable


class HfseqError(ValueError):
    """An error in the user's input. The message says what is wrong, where, and how to fix it.

    Commands print the message without a traceback and exit with code 2.
    """


def nearest(word: str, choices: Iterable[str]) -> str:
    """Suggests the choice that is nearest to a mistyped word, or lists all choices if none is similar.

    Args:
        word (`str`): the invalid value.
        choices (`Iterable[str]`): the valid values.

    Returns:
        `str`: for example ``did you mean 'lstm'?`` or ``choose from 'gru', 'lstm'``.
    """
    choices = sorted(choices)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "choose from " + ", ".join(repr(choice) for choice in choices)


def last_line(error: Exception) -> str:
    """Last line of the error message of a library, where validation errors of configurations give the reason."""
    return str(error).strip().splitlines()[-1].strip().removeprefix("ValueError: ").removeprefix("TypeError: ")


def first_line(error: Exception) -> str:
    """First line of the error message of a library, without its full stop, for use inside another message."""
    return str(error).strip().partition("\n")[0].rstrip(". ")
