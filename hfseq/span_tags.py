"""Tags that mark spans: in which notation and scheme they are, and how they are converted to IOB2 or BIOES.

A notation says how a tag is written: `B-PER`, `PER-B`, `b-per`, or with the letters of BILOU or BMES. A scheme says
where a span begins and ends: in IOB2, each span begins with `B-`; in IOB1, only one that directly follows another of
its type; in BIOES, `E-` ends a span and `S-` is a span of one token (Ramshaw & Marcus 1995; Ratinov & Roth 2009).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

OUTSIDE = "O"
IOB1, IOB2, BIOES = "IOB1", "IOB2", "BIOES"

# Values of the setting `tag_scheme`; `bio` is another name of IOB2.
KEEP = "keep"
TAG_SCHEMES = {"iob2": IOB2, "bio": IOB2, "bioes": BIOES, KEEP: KEEP}

# Name of a notation's letters, and which letter of BIOES each of them stands for.
_ALPHABETS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("IOB", {"B": "B", "I": "I"}),
    ("BIOES", {"B": "B", "I": "I", "E": "E", "S": "S"}),
    ("BILOU", {"B": "B", "I": "I", "L": "E", "U": "S"}),
    ("BMES", {"B": "B", "M": "I", "E": "E", "S": "S", "W": "S"}),
)


class Span(NamedTuple):
    """A span: its type, and its first and last token."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Notation:
    """How tags are written.

    Attributes:
        name (`str`): the letters: `"IOB"`, `"BIOES"`, `"BILOU"` or `"BMES"`.
        letters (`dict[str, str]`): the letter of BIOES for each letter, in the case of the tags.
        suffix (`bool`): whether the letter comes last, as in `PER-B`.
        separator (`str`): what stands between letter and type.
    """

    name: str
    letters: Mapping[str, str]
    suffix: bool = False
    separator: str = "-"

    @property
    def marks_ends(self) -> bool:
        """Whether the end of a span has a letter of its own."""
        return self.name != "IOB"

    @property
    def is_standard(self) -> bool:
        """Whether tags are written as `B-PER`, with the letters of IOB or BIOES."""
        return not self.suffix and self.separator == "-" and all(own == to for own, to in self.letters.items())

    def standard(self, tag: str) -> str:
        """The tag in the notation of BIOES, such as `B-PER`; a tag that is not in this notation is kept."""
        if tag == OUTSIDE.lower():
            return OUTSIDE
        letter, kind = _parts(tag, self.suffix, self.separator)
        if letter not in self.letters:
            return tag
        return f"{self.letters[letter]}-{kind}" if kind else self.letters[letter]

    def __str__(self) -> str:
        written = ["letter last" if self.suffix else "", f"with {self.separator!r}" if self.separator != "-" else ""]
        written.append("in lower case" if any(letter.islower() for letter in self.letters) else "")
        return self.name + "".join(f", {part}" for part in written if part)


def find_notation(tags: Iterable[str]) -> Notation | None:
    """The notation of a data set's tags; `None` if they do not mark spans.

    Tags such as `B-PER` are read as spans without any `O` among them. Other notations need an `O`, or the letters
    `B` and `E` by themselves as in word segmentation, since parts of speech may look like them.

    Args:
        tags (`Iterable[str]`): the names of all tags.
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
    """The spans of one sequence in standard notation, whichever scheme it is in, and where it breaks a scheme.

    As the script of CoNLL-2000 counts, `I-` or `E-` begins a span if none of its type is open.

    Args:
        tags (`list[str]`): a tag per token.
    """
    spans: list[Span] = []
    start, open_kind = 0, None
    for place, tag in enumerate([*tags, OUTSIDE]):
        letter, kind = _parts(tag, False, "-")
        is_span = letter in set("BIES")
        if open_kind is not None and (not is_span or letter in "BS" or kind != open_kind):
            spans.append(Span(open_kind, start, place - 1))
            open_kind = None
        if not is_span:
            continue
        if open_kind is None:
            start, open_kind = place, kind
        if letter in "ES":
            spans.append(Span(kind, start, place))
            open_kind = None
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """The tags of a sequence with these spans.

    Args:
        spans (`Iterable[Span]`): spans that do not overlap.
        length (`int`): the number of tokens.
        scheme (`str`): `IOB2` or `BIOES`.
    """
    tags = [OUTSIDE] * length
    for kind, start, end in spans:
        letters = ["B", *"I" * (end - start)]
        if scheme == BIOES:
            letters[-1] = "E" if end > start else "S"
        tags[start : end + 1] = [f"{letter}-{kind}" if kind else letter for letter in letters]
    return tags


def count_breaks(tags: list[str], scheme: str) -> int:
    """How many tags of a sequence, in standard notation, cannot stand where they do in a scheme.

    Args:
        tags (`list[str]`): a tag per token.
        scheme (`str`): `IOB1`, `IOB2` or `BIOES`.
    """
    parts = [_parts(tag, False, "-") for tag in tags]
    breaks = 0
    for place, (letter, kind) in enumerate(parts):
        before = parts[place - 1] if place else ("", "")
        after = parts[place + 1] if place + 1 < len(parts) else ("", "")
        continues = before[0] in ("B", "I") and before[1] == kind
        if scheme == IOB1:
            breaks += letter == "B" and not continues
        elif scheme == IOB2:
            breaks += letter == "I" and not continues
        else:
            goes_on = after[0] in ("I", "E") and after[1] == kind
            breaks += (letter in ("I", "E") and not continues) or (letter in ("B", "I") and not goes_on)
    return breaks


def _parts(tag: str, suffix: bool, separator: str) -> tuple[str, str]:
    """Letter and type of a tag; the type is empty where the tag is a letter alone."""
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
            # Without types, something must begin a span: a single letter I may be a word class.
            if letters <= set(cased) and (has_types or {cased[letter] for letter in letters} & {"B", "S"}):
                return Notation(name, {letter: cased[letter] for letter in sorted(letters)}, suffix, separator)
    return None
