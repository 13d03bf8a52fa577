"""Tags that mark spans: detection of their notation and scheme, and conversion to IOB2 or BIOES.

A notation defines how tags are written: `B-PER`, `PER-B`, `b-per`, or with the letters of BILOU or BMES. A scheme
defines how spans are marked (Ramshaw & Marcus 1995; Ratinov & Roth 2009):

- IOB2: each span starts with `B-`.
- IOB1: a span starts with `B-` only if it directly follows another span of the same type, else with `I-`.
- BIOES: as IOB2, but `E-` ends a span, and `S-` is a span of one token.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

OUTSIDE = "O"
IOB1, IOB2, BIOES = "IOB1", "IOB2", "BIOES"

# Values of the setting `tag_scheme`. `bio` is another name of IOB2.
KEEP = "keep"
TAG_SCHEMES = {"iob2": IOB2, "bio": IOB2, "bioes": BIOES, KEEP: KEEP}

# Name of a set of letters, and the letter of BIOES that corresponds to each of them.
_ALPHABETS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("IOB", {"B": "B", "I": "I"}),
    ("BIOES", {"B": "B", "I": "I", "E": "E", "S": "S"}),
    ("BILOU", {"B": "B", "I": "I", "L": "E", "U": "S"}),
    ("BMES", {"B": "B", "M": "I", "E": "E", "S": "S", "W": "S"}),
)


class Span(NamedTuple):
    """A span: its type, and the indices of its first and last token."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Notation:
    """Notation of tags.

    Attributes:
        name (`str`): name of the letters: `"IOB"`, `"BIOES"`, `"BILOU"` or `"BMES"`.
        letters (`dict[str, str]`): letter of the tags (lower or upper case) -> letter of BIOES.
        suffix (`bool`, *optional*, defaults to `False`): whether the letter comes last, as in `PER-B`.
        separator (`str`, *optional*, defaults to `"-"`): separator between letter and type.
    """

    name: str
    letters: Mapping[str, str]
    suffix: bool = False
    separator: str = "-"

    @property
    def marks_ends(self) -> bool:
        """Whether the last token of a span has its own letter."""
        return self.name != "IOB"

    @property
    def is_standard(self) -> bool:
        """Whether tags have the form `B-PER`, with the letters of IOB or BIOES."""
        return not self.suffix and self.separator == "-" and all(own == to for own, to in self.letters.items())

    def to_standard(self, tag: str) -> str:
        """Converts a tag to the form `B-PER` with the letters of BIOES. Tags of another notation are unchanged."""
        if tag == OUTSIDE.lower():
            return OUTSIDE
        letter, kind = _parts(tag, self.suffix, self.separator)
        if letter not in self.letters:
            return tag
        return f"{self.letters[letter]}-{kind}" if kind else self.letters[letter]

    def __str__(self) -> str:
        details = ["letter last" if self.suffix else "", f"with {self.separator!r}" if self.separator != "-" else ""]
        details.append("in lower case" if any(letter.islower() for letter in self.letters) else "")
        return self.name + "".join(f", {detail}" for detail in details if detail)


def find_notation(tags: Iterable[str]) -> Notation | None:
    """Finds the notation of the tags of a data set; `None` if the tags do not mark spans.

    Tags such as `B-PER` always mark spans. Tags in other notations only mark spans if `O` is one of the tags, or if
    the letters `B` and `E` occur without a type (word segmentation). Otherwise, they could be parts of speech.

    Args:
        tags (`Iterable[str]`): names of all tags.
    """
    known = set(tags)
    inside = known - {OUTSIDE, OUTSIDE.lower()}
    for separator in "-_":
        for suffix in (False, True):
            notation = _notation(inside, suffix, separator)
            if notation is not None and (notation.is_standard or inside < known or {"B", "E"} <= inside):
                return notation
    return None


def find_spans(tags: list[str]) -> list[Span]:
    """Finds the spans of one sequence of tags in standard notation, for every scheme.

    Tags that violate the scheme are accepted too. As in the script of CoNLL-2000, `I-` or `E-` starts a span if no
    span of its type is open.

    Args:
        tags (`list[str]`): one tag per token.
    """
    spans: list[Span] = []
    start, open_kind = 0, None
    for index, tag in enumerate([*tags, OUTSIDE]):
        letter, kind = _parts(tag, False, "-")
        is_span = letter in set("BIES")
        if open_kind is not None and (not is_span or letter in "BS" or kind != open_kind):
            spans.append(Span(open_kind, start, index - 1))
            open_kind = None
        if not is_span:
            continue
        if open_kind is None:
            start, open_kind = index, kind
        if letter in "ES":
            spans.append(Span(kind, start, index))
            open_kind = None
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Converts the spans of a sequence to tags.

    Args:
        spans (`Iterable[Span]`): spans that do not overlap.
        length (`int`): number of tokens.
        scheme (`str`): `IOB2` or `BIOES`.

    Returns:
        `list[str]`: one tag per token.
    """
    tags = [OUTSIDE] * length
    for kind, start, end in spans:
        letters = ["B", *"I" * (end - start)]
        if scheme == BIOES:
            letters[-1] = "E" if end > start else "S"
        tags[start : end + 1] = [f"{letter}-{kind}" if kind else letter for letter in letters]
    return tags


def count_scheme_violations(tags: list[str], scheme: str) -> int:
    """Counts the tags of a sequence in standard notation that violate a scheme.

    Args:
        tags (`list[str]`): one tag per token.
        scheme (`str`): `IOB1`, `IOB2` or `BIOES`.
    """
    parts = [_parts(tag, False, "-") for tag in tags]
    violations = 0
    for index, (letter, kind) in enumerate(parts):
        previous = parts[index - 1] if index else ("", "")
        following = parts[index + 1] if index + 1 < len(parts) else ("", "")
        continues_span = previous[0] in ("B", "I") and previous[1] == kind
        if scheme == IOB1:
            violations += letter == "B" and not continues_span
        elif scheme == IOB2:
            violations += letter == "I" and not continues_span
        else:
            is_continued = following[0] in ("I", "E") and following[1] == kind
            violations += (letter in ("I", "E") and not continues_span) or (letter in ("B", "I") and not is_continued)
    return violations


def _parts(tag: str, suffix: bool, separator: str) -> tuple[str, str]:
    """Letter and type of a tag. The type is empty if the tag is only a letter."""
    if len(tag) == 1:
        return tag, ""
    kind, _, letter = tag.rpartition(separator) if suffix else tag.partition(separator)[::-1]
    return (letter, kind) if kind else ("", tag)


def _notation(tags: set[str], suffix: bool, separator: str) -> Notation | None:
    parts = [_parts(tag, suffix, separator) for tag in tags]
    letters = {letter for letter, _ in parts}
    if not parts or (suffix and not any(kind for _, kind in parts)):
        return None
    has_types = any(kind for _, kind in parts)
    for name, alphabet in _ALPHABETS:
        for cased in (alphabet, {own.lower(): to for own, to in alphabet.items()}):
            # Tags without types must include one that starts a span: `I` alone may be a part of speech.
            if letters <= set(cased) and (has_types or {cased[letter] for letter in letters} & {"B", "S"}):
                return Notation(name, {letter: cased[letter] for letter in sorted(letters)}, suffix, separator)
    return None
