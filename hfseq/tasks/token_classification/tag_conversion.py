"""Tags of spans in one scheme: recognised, converted, and checked when a data set is read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

from datasets import Dataset, DatasetDict

from hfseq.errors import HfseqError
from hfseq.span_tags import (
    BIOES,
    IOB1,
    IOB2,
    KEEP,
    OUTSIDE,
    TAG_SCHEMES,
    Notation,
    count_scheme_violations,
    find_notation,
    find_spans,
    write_tags,
)

Rows = list[list[str]]

# A few broken tags in a small split do not show another scheme.
_CLEARLY_MORE = 5


@dataclass
class TagConversion:
    """What became of the tags of a data set.

    Attributes:
        standard (`Callable`): gives the converted name of a tag.
        by_spans (`bool`): whether tags were converted from one scheme to another, and not only renamed.
        notes (`list[str]`): what was converted, and which share of the tags breaks their scheme.
        breaks (`str`, *optional*): how many tags of the training split break the scheme that they are in now.
    """

    standard: Callable[[str], str] = str
    by_spans: bool = False
    notes: list[str] = field(default_factory=list)
    breaks: str | None = None


def convert_splits(
    splits: DatasetDict, column: str, tag_scheme: str | None, names: Iterable[str], dataset: str
) -> TagConversion:
    """Converts the tags of all splits, in place, to IOB2 or BIOES if they mark spans.

    Args:
        splits (`datasets.DatasetDict`): the splits, with lists of tags by name.
        column (`str`): the column of the tags.
        tag_scheme (`str`, *optional*): one of `TAG_SCHEMES`. By default IOB1 becomes IOB2, and other notations (BILOU,
            BMES, `PER-B`, `b-per`) become IOB2 or, if they mark the end of a span, BIOES.
        names (`Iterable[str]`): names of tags that the data set declares.
        dataset (`str`): the data set, for messages.

    Raises:
        HfseqError: a scheme is given, and the tags do not mark spans.
    """
    rows = {name: [list(tags) for tags in split[column]] for name, split in splits.items()}
    notation = find_notation({*names, *chain.from_iterable(chain.from_iterable(rows.values()))})
    wanted = None if tag_scheme is None else TAG_SCHEMES[tag_scheme]
    if notation is None:
        if wanted in (None, KEEP):
            return TagConversion()
        found = ", ".join(map(repr, sorted(set(chain.from_iterable(rows["train"])))[:5]))
        raise HfseqError(
            f"tag_scheme {tag_scheme!r} is for tags of spans such as 'B-PER' and 'O', but {dataset!r} has {found}: "
            "leave it out"
        )
    target = BIOES if notation.marks_ends else IOB2
    if wanted in (IOB2, BIOES):
        target = wanted
    result = TagConversion(str if wanted == KEEP else notation.to_standard)
    origins, usual = set(), IOB2
    for name, tags in sorted(rows.items(), key=lambda item: item[0] != "train"):
        standard = [[notation.to_standard(tag) for tag in row] for row in tags]
        source = scheme_of(standard, notation, None if name == "train" else usual)
        usual = source if name == "train" else usual
        broken = count_all_breaks(standard, source)
        repaired = wanted in (IOB2, BIOES) and (broken > 0 or source != target)
        new = tags if wanted == KEEP else standard
        if repaired or (wanted is None and source == IOB1):
            new = [write_tags(find_spans(row), len(row), target) for row in standard]
            result.by_spans = True
        if broken:
            result.notes.append(_broken_note(name, broken, standard, source, repaired, target))
        if new != tags:
            origins.add(_origin(notation, source))
            splits[name] = _with_tags(splits[name], column, new)
        elif wanted == KEEP and (source == IOB1 or not notation.is_standard):
            result.notes.append(f"the tags of split {name!r} are in {_origin(notation, source)} and are kept so")
        if name == "train":
            final = standard if wanted == KEEP else new
            left = count_all_breaks(final, target)
            result.breaks = f"{left:,} of {_count_tags(final):,} tags of spans break {target}" if left else None
    if origins:
        result.notes.insert(
            0,
            f"the tags were converted from {' and '.join(sorted(origins))} to {target}; --tag_scheme keep leaves them "
            "as they are",
        )
    return result


def convert_like(rows: Dataset, column: str, known: tuple[str, ...]) -> Dataset:
    """Rows with their tags in the scheme that a model was trained on; unchanged if one side does not mark spans.

    Args:
        rows (`datasets.Dataset`): rows with lists of tags by name.
        column (`str`): the column of the tags.
        known (`tuple[str, ...]`): the tags of the model.
    """
    tags = [list(row) for row in rows[column]]
    trained, found = find_notation(known), find_notation(set(chain.from_iterable(tags)))
    if trained is None or found is None or not trained.is_standard:
        return rows
    standard = [[found.to_standard(tag) for tag in row] for row in tags]
    target = BIOES if trained.marks_ends else IOB2
    if scheme_of(standard, found) != target:
        standard = [write_tags(find_spans(row), len(row), target) for row in standard]
    return rows if standard == tags else _with_tags(rows, column, standard)


def scheme_of(rows: Rows, notation: Notation, usual: str | None = None) -> str:
    """The scheme of tags in standard notation: of IOB1 and IOB2, the one that fewer tags break.

    Args:
        rows (`list[list[str]]`): the tags of each sequence.
        notation (`Notation`): how they were written.
        usual (`str`, *optional*): the scheme unless clearly more tags break it than the other one.
    """
    if notation.marks_ends:
        return BIOES
    breaks = {scheme: count_all_breaks(rows, scheme) for scheme in (IOB2, IOB1)}
    if usual is not None and breaks[usual] - min(breaks.values()) < _CLEARLY_MORE:
        return usual
    return IOB1 if breaks[IOB1] < breaks[IOB2] else IOB2


def count_all_breaks(rows: Rows, scheme: str) -> int:
    """How many tags of all sequences break a scheme: see [`count_scheme_violations`]."""
    return sum(count_scheme_violations(row, scheme) for row in rows)


def _count_tags(rows: Rows) -> int:
    return sum(tag != OUTSIDE for row in rows for tag in row)


def _broken_note(name: str, broken: int, rows: Rows, source: str, repaired: bool, target: str) -> str:
    total = _count_tags(rows)
    end = "were repaired" if repaired else f"were kept; --tag_scheme {target.lower()} repairs them"
    return (
        f"{broken:,} of {total:,} tags of spans in split {name!r} ({100 * broken / total:.1f} %) break the scheme "
        f"{source}, and {end}"
    )


def _origin(notation: Notation, source: str) -> str:
    """How tags are called in a note: by their scheme and, if that is not all, by their notation."""
    if notation.is_standard:
        return source
    written = str(notation)
    return written.replace("IOB", source, 1) if not notation.marks_ends else written


def _with_tags(rows: Dataset, column: str, tags: Rows) -> Dataset:
    return Dataset.from_dict({**rows.to_dict(), column: tags}, features=rows.features)
