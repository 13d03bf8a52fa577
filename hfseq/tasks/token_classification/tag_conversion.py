"""Recognises, converts and checks the scheme of span tags when a data set is read."""

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

# A split is assumed to have another scheme than the training split only if at least this many fewer tags violate it.
_MIN_DIFFERENCE = 5


@dataclass
class TagConversion:
    """Result of the conversion of tags.

    Attributes:
        to_standard (`Callable`): returns the converted name of a tag.
        is_converted (`bool`): whether tags were converted to another scheme, and not only renamed.
        notes (`list[str]`): notes on the conversion, and on the share of tags that violate their scheme.
        violations (`str`, *optional*): description of how many training tags violate the scheme after the conversion.
    """

    to_standard: Callable[[str], str] = str
    is_converted: bool = False
    notes: list[str] = field(default_factory=list)
    violations: str | None = None


def convert_splits(
    splits: DatasetDict, column: str, tag_scheme: str | None, names: Iterable[str], dataset: str
) -> TagConversion:
    """Converts the tags of all splits in place to IOB2 or BIOES if they mark spans.

    Args:
        splits (`datasets.DatasetDict`): the splits, with lists of tags by name.
        column (`str`): the column of the tags.
        tag_scheme (`str`, *optional*): one of `TAG_SCHEMES`. By default IOB1 becomes IOB2, and other notations (BILOU,
            BMES, `PER-B`, `b-per`) become IOB2 or, if they mark the end of a span, BIOES.
        names (`Iterable[str]`): names of the tags that the data set declares.
        dataset (`str`): name of the data set in error messages.

    Raises:
        HfseqError: if a scheme is given, but the tags do not mark spans.
    """
    rows = {name: [list(tags) for tags in split[column]] for name, split in splits.items()}
    notation = find_notation({*names, *chain.from_iterable(chain.from_iterable(rows.values()))})
    wanted = None if tag_scheme is None else TAG_SCHEMES[tag_scheme]
    if notation is None:
        if wanted in (None, KEEP):
            return TagConversion()
        found = ", ".join(map(repr, sorted(set(chain.from_iterable(rows["train"])))[:5]))
        raise HfseqError(
            f"tag_scheme {tag_scheme!r} is for tags of spans such as 'B-PER' and 'O', but {dataset!r} has {found}. "
            "Leave it out"
        )
    target = BIOES if notation.marks_ends else IOB2
    if wanted in (IOB2, BIOES):
        target = wanted
    result = TagConversion(str if wanted == KEEP else notation.to_standard)
    origins, default = set(), IOB2
    for name, tags in sorted(rows.items(), key=lambda item: item[0] != "train"):
        standard = [[notation.to_standard(tag) for tag in row] for row in tags]
        source = scheme_of(standard, notation, None if name == "train" else default)
        default = source if name == "train" else default
        violation_count = count_all_violations(standard, source)
        repaired = wanted in (IOB2, BIOES) and (violation_count > 0 or source != target)
        new = tags if wanted == KEEP else standard
        if repaired or (wanted is None and source == IOB1):
            new = [write_tags(find_spans(row), len(row), target) for row in standard]
            result.is_converted = True
        if violation_count:
            result.notes.append(_violation_note(name, violation_count, standard, source, repaired, target))
        if new != tags:
            origins.add(_origin(notation, source))
            splits[name] = _with_tags(splits[name], column, new)
        elif wanted == KEEP and (source == IOB1 or not notation.is_standard):
            result.notes.append(f"the tags of split {name!r} are in {_origin(notation, source)} and are not converted")
        if name == "train":
            final = standard if wanted == KEEP else new
            left = count_all_violations(final, target)
            result.violations = f"{left:,} of {_count_tags(final):,} tags of spans violate {target}" if left else None
    if origins:
        result.notes.insert(
            0,
            f"the tags were converted from {' and '.join(sorted(origins))} to {target}; --tag_scheme keep prevents "
            "the conversion",
        )
    return result


def convert_to_known_scheme(rows: Dataset, column: str, known: tuple[str, ...]) -> Dataset:
    """Converts tags to the scheme of a trained model. Rows are unchanged if one of the two does not mark spans.

    Args:
        rows (`datasets.Dataset`): rows with lists of tag names.
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


def scheme_of(rows: Rows, notation: Notation, default: str | None = None) -> str:
    """The scheme of tags in standard notation: BIOES, or the one of IOB1 and IOB2 that fewer tags violate.

    Args:
        rows (`list[list[str]]`): the tags of each sequence.
        notation (`Notation`): the original notation of the tags.
        default (`str`, *optional*): scheme that is assumed unless clearly more tags violate it than the other scheme.
    """
    if notation.marks_ends:
        return BIOES
    violations = {scheme: count_all_violations(rows, scheme) for scheme in (IOB2, IOB1)}
    if default is not None and violations[default] - min(violations.values()) < _MIN_DIFFERENCE:
        return default
    return IOB1 if violations[IOB1] < violations[IOB2] else IOB2


def count_all_violations(rows: Rows, scheme: str) -> int:
    """Number of tags in all sequences that violate a scheme: see [`count_scheme_violations`]."""
    return sum(count_scheme_violations(row, scheme) for row in rows)


def _count_tags(rows: Rows) -> int:
    return sum(tag != OUTSIDE for row in rows for tag in row)


def _violation_note(name: str, violation_count: int, rows: Rows, source: str, repaired: bool, target: str) -> str:
    total = _count_tags(rows)
    end = "were repaired" if repaired else f"were kept; --tag_scheme {target.lower()} repairs them"
    share = 100 * violation_count / total
    return (
        f"{violation_count:,} of {total:,} tags of spans in split {name!r} ({share:.1f} %) violate the scheme "
        f"{source} and {end}"
    )


def _origin(notation: Notation, source: str) -> str:
    """Description of the original tags in a note: their scheme, and their notation if it is not the standard one."""
    if notation.is_standard:
        return source
    written = str(notation)
    return written.replace("IOB", source, 1) if not notation.marks_ends else written


def _with_tags(rows: Dataset, column: str, tags: Rows) -> Dataset:
    return Dataset.from_dict({**rows.to_dict(), column: tags}, features=rows.features)
