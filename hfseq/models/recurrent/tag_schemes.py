"""Which tag may follow which, where tags mark spans: BIO and BIOES."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Letters after which a span is still open, and letters that go on with an open span.
_OPEN = "BI"
_CONTINUE = {"bio": "I", "bioes": "IE"}
_LETTERS = {"bio": "BI", "bioes": "BIES"}
_BEGIN = {"bio": "B", "bioes": "BS"}


def forbidden_transitions(tags: Sequence[str], scheme: str) -> tuple[Tensor, Tensor, Tensor]:
    """What a scheme of span tags forbids (Ramshaw & Marcus 1995).

    `"bio"`: `I-X` follows `B-X` or `I-X` only, and begins no sequence. `"bioes"`: so do `I-X` and `E-X`; moreover
    `B-X` and `I-X` are followed by `I-X` or `E-X`, and end no sequence. A tag that bears none of the scheme's letters
    (`O`, a part of speech) may stand wherever no span is open.

    Args:
        tags (`Sequence[str]`): the tags' names, for example `["O", "B-PER", "I-PER"]`.
        scheme (`str`): `"bio"` or `"bioes"`.

    Returns:
        `tuple[torch.Tensor, torch.Tensor, torch.Tensor]`: booleans, True where it is forbidden: `(num_tags, num_tags)`
        of going from one tag to another, `(num_tags,)` of beginning with a tag, `(num_tags,)` of ending with one.

    Raises:
        ValueError: if no tag begins a span; a span could not be begun or ended, because the tag that does so is
            missing; or tags are those of `"bioes"` where the scheme is `"bio"`.
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
    # On the CPU, also where a model is being laid out on the meta device.
    begin, end = (torch.tensor(flags, dtype=torch.bool, device="cpu") for flags in (continues, must_close))
    return torch.tensor(between, dtype=torch.bool, device="cpu").view(len(tags), len(tags)), begin, end


def _span(tag: str, scheme: str) -> tuple[str, str]:
    """The letter of a tag and the kind of span it marks; `-` for a tag that marks none."""
    letter, _, kind = tag.partition("-")
    return (letter, kind) if letter and letter in tuple(_LETTERS[scheme]) else ("-", tag)


def _check_complete(tags: Sequence[str], spans: list[tuple[str, str]], scheme: str) -> None:
    if not any(letter in tuple(_BEGIN[scheme]) for letter, _ in spans):
        shown = ", ".join(map(repr, tags[:5])) + (", ..." if len(tags) > 5 else "")
        raise ValueError(
            f"no label begins a span, as one with 'B-' does, so they are not in the {scheme.upper()} scheme: {shown}. "
            "Leave crf_constraints out, or name the labels"
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
                    "leave crf_constraints out, or choose the scheme that they are in"
                )


def _check_no_ends(tags: Sequence[str], spans: list[tuple[str, str]]) -> None:
    for tag in tags:
        letter, _, kind = tag.partition("-")
        if letter in tuple("ESLUM") and ("B", kind) in spans:
            begin = f"B-{kind}" if kind else "B"
            scheme = "BIOES" if letter in "ES" else "BILOU" if letter in "LU" else "BMES"
            raise ValueError(
                f"the labels have {tag!r} beside {begin!r}, so they are in the {scheme} scheme, not in BIO: set "
                + ("crf_constraints to 'bioes'" if scheme == "BIOES" else "tag_scheme to 'iob2' or 'bioes'")
            )
