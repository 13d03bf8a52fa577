"""Notations and schemes of span tags, compared with each other and with seqeval."""

import random

import pytest
from seqeval.metrics.sequence_labeling import get_entities

from hfseq.span_tags import BIOES, IOB1, IOB2, Span, count_scheme_violations, find_notation, find_spans, write_tags


@pytest.mark.parametrize(
    ("tags", "name", "standard"),
    [
        (["O", "B-X", "I-X"], "IOB", ["O", "B-X", "I-X"]),
        (["I-X", "O"], "IOB", ["I-X", "O"]),
        (["B-X", "I-X"], "IOB", ["B-X", "I-X"]),
        (["X-B", "X-I", "O"], "IOB, letter last", ["B-X", "I-X", "O"]),
        (["b-x", "i-x", "o"], "IOB, in lower case", ["B-x", "I-x", "O"]),
        (["X_B", "X_S", "O"], "BIOES, letter last, with '_'", ["B-X", "S-X", "O"]),
        (["B-X", "I-X", "L-X", "U-Y-Z", "O"], "BILOU", ["B-X", "I-X", "E-X", "S-Y-Z", "O"]),
        (["B-X", "M-X", "E-X", "S-X", "O"], "BMES", ["B-X", "I-X", "E-X", "S-X", "O"]),
        (["B", "M", "E", "S"], "BMES", ["B", "I", "E", "S"]),
        (["b", "i", "o"], "IOB, in lower case", ["B", "I", "O"]),
        (["E-X", "S-X", "I-X", "B-X", "O"], "BIOES", ["E-X", "S-X", "I-X", "B-X", "O"]),
    ],
)
def test_find_notation_recognises_each_notation(tags, name, standard):
    notation = find_notation(tags)
    assert str(notation) == name
    assert [notation.to_standard(tag) for tag in tags] == standard
    assert notation.is_standard == (tags == standard)
    assert notation.marks_ends == (not name.startswith("IOB"))


@pytest.mark.parametrize(
    "tags",
    [
        ["NOUN", "VERB"],
        ["NOUN", "I"],
        ["I", "O"],
        ["O"],
        ["a", "b", "c"],
        ["X-Y", "O"],
        ["x-b", "y-i"],
        ["B-X", "NN"],
        [],
    ],
)
def test_find_notation_of_other_tags_is_none(tags):
    assert find_notation(tags) is None


def random_spans(rng, length):
    spans, index = [], 0
    while index < length:
        if rng.random() < 0.6:
            end = min(index + rng.randrange(3), length - 1)
            spans.append(Span(rng.choice("XY"), index, end))
            index = end
        index += 1
    return spans


def test_spans_are_unchanged_by_writing_and_reading_tags():
    rng = random.Random(0)
    for _ in range(200):
        length = rng.randrange(1, 9)
        spans = random_spans(rng, length)
        for scheme in (IOB2, BIOES):
            tags = write_tags(spans, length, scheme)
            assert find_spans(tags) == spans and count_scheme_violations(tags, scheme) == 0


def test_find_spans_of_invalid_tags_equals_seqeval():
    rng = random.Random(1)
    names = ["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "XY")]
    for _ in range(500):
        tags = rng.choices(names, k=rng.randrange(1, 9))
        assert [tuple(span) for span in find_spans(tags)] == get_entities(tags), tags


@pytest.mark.parametrize(
    ("tags", "scheme", "violations"),
    [
        ("O B-X I-X O", IOB2, 0), ("O I-X I-X B-Y I-X", IOB2, 2), ("I-X", IOB2, 1),
        ("I-X B-X I-X I-Y", IOB1, 0), ("B-X O I-X", IOB1, 1), ("I-Y B-X", IOB1, 1),
        ("B-X I-X E-X S-Y O", BIOES, 0), ("B-X O", BIOES, 1), ("I-X E-X", BIOES, 1), ("B-X E-Y", BIOES, 2),
        ("B I E S", BIOES, 0),
    ],
)  # fmt: skip
def test_scheme_violations_equal_hand_counted_numbers(tags, scheme, violations):
    assert count_scheme_violations(tags.split(), scheme) == violations
