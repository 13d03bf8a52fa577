import pytest

from hfseq.formatting import count, percent, seconds, size


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (34_210, "34.2 k"), (1_234_567, "1.23 M"), (7e9, "7 G")],
)
def test_count_is_formatted_with_unit(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12, "12 B"), (47_123, "47.1 kB"), (2_900_000, "2.9 MB"), (90_900_000, "90.9 MB"), (1.5e9, "1.5 GB")],
)
def test_size_is_formatted_with_unit(value, text):
    assert size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01713, "0.0171 s"),
        (9.876, "9.88 s"),
        (38.2, "38 s"),
        (119.4, "119 s"),
        (120, "2 min 00 s"),
        (310, "5 min 10 s"),
        (7199, "119 min 59 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_seconds_are_formatted_with_unit(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.25, "25.0%"), (0.0314, "3.1%"), (0.001, "0.1%"), (0.0003, "under 0.1%")]
)
def test_percent_is_formatted_with_one_decimal(share, text):
    assert percent(share) == text
