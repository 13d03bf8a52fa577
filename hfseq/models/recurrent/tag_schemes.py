"""Allowed transitions between tags in the schemes BIO and BIOES."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Letters after which a span is open, and letters that continue an open span.
_OPEN = "BI"
_CONTINUE = {"bio": "I", "bioes": "IE"}
_LETTERS = {"bio": "BI", "bioes": "BIES"}
_BEGIN = {"bio": "B", "bioes": "BS"}


def forbidden_transitions(tags: Sequence[str], scheme: str) -> tuple[Tensor, Tensor, Tensor]:
    """Transitions that a tagging scheme does not allow (Ramshaw & Marcus 1995).

    `"bio"`: `I-X` must follow `B-X` or `I-X`. `"bioes"`: `I-X` and `E-X` must follow `B-X` or `I-X`, and `B-X` and
    `I-X` must be followed by `I-X` or `E-X`. A tag without a letter of the scheme (`O`, a part of speech) is allowed
    wherever no span is open.

    Args:
        tags (`Sequence[str]`): names of the tags, for example `["O", "B-PER", "I-PER"]`.
        scheme (`str`): `"bio"` or `"bioes"`.

    Returns:
        `tuple[torch.Tensor, torch.Tensor, torch.Tensor]`: True where not allowed: transitions from one tag
        to another `(num_tags, num_tags)`, first tags `(num_tags,)`, and last tags `(num_tags,)`.

    Raises:
        ValueError: no tag begins a span, a tag that begins or ends a span is missing, or the scheme is `"bio"` but
            the tags are in `"bioes"`.
    """
    spans = [_span(tag, scheme) for tag in tags]
    _check_complete(tags, spans, scheme)
    continues = [letter in _CONTINUE[scheme] for letter, _ in spans]
    is_open = [letter in _OPEN for letter, _ in spans]
    must_close = [scheme == "bioes" and flag for flag in is_open]
    between = [
        [
            (continues[after] or must_close[before])
            and not (is_open[before] and continues[after] and spans[before][1] == spans[after][1])
            for after in range(len(tags))
        ]
        for before in range(len(tags))
    ]
    # On the CPU, even if the model is being created on the meta device.
    begin, end = (torch.tensor(flags, dtype=torch.bool, device="cpu") for flags in (continues, must_close))
    return torch.tensor(between, dtype=torch.bool, device="cpu").view(len(tags), len(tags)), begin, end


def _span(tag: str, scheme: str) -> tuple[str, str]:
    """The letter of a tag and the type of its span. The letter is `-` for a tag outside spans."""
    letter, _, kind = tag.partition("-")
    return (letter, kind) if letter and letter in tuple(_LETTERS[scheme]) else ("-", tag)


def _check_complete(tags: Sequence[str], spans: list[tuple[str, str]], scheme: str) -> None:
    if not any(letter in tuple(_BEGIN[scheme]) for letter, _ in spans):
        shown = ", ".join(map(repr, tags[:5])) + (", ..." if len(tags) > 5 else "")
        raise ValueError(
            f"no label begins a span, as 'B-...' does, so they are not in the {scheme.upper()} scheme: {shown}. "
            "Do not set crf_constraints, or set the names of the labels"
        )
    if scheme == "bio":
        _check_no_ends(tags, spans)
    for tag, (letter, kind) in zip(tags, spans, strict=True):
        needed = ["B"] if letter in _CONTINUE[scheme] else []
        needed += ["E"] if scheme == "bioes" and letter in _OPEN else []
        for other in needed:
            if (other, kind) not in spans:
                missing = f"{other}-{kind}" if kind else other
                raise ValueError(
                    f"the labels have {tag!r} but no {missing!r}, so they are not in the {scheme.upper()} scheme: "
                    "do not set crf_constraints, or set it to the scheme of the labels"
                )


def _check_no_ends(tags: Sequence[str], spans: list[tuple[str, str]]) -> None:
    for tag in tags:
        letter, _, kind = tag.partition("-")
        if letter in tuple("ESLUM") and ("B", kind) in spans:
            begin = f"B-{kind}" if kind else "B"
            scheme = "BIOES" if letter in "ES" else "BILOU" if letter in "LU" else "BMES"
            raise ValueError(
                f"the labels have {tag!r} and {begin!r}, so they are in the {scheme} scheme, not in BIO: set "
                + ("crf_constraints to 'bioes'" if scheme == "BIOES" else "tag_scheme to 'iob2' or 'bioes'")
            )
