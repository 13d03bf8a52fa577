import pytest

from hfseq.formatting import count, figure, figure_range, percent, seconds, size


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
        (0.00103, "1.03 ms"),
        (0.01713, "17.1 ms"),
        (0.1, "0.1 s"),
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
    ("share", "text"), [(0.25, "25.0 %"), (0.0314, "3.1 %"), (0.001, "0.1 %"), (0.0003, "under 0.1 %"), (0, "0 %")]
)
def test_percent_is_formatted_with_one_decimal(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.76, 0.0131, "0.760"),
        (0.76, 0.13, "0.76"),
        (76.04, 1.3, "76.0"),
        (0.00031, 0.00002, "0.000310"),
        (0.5, 0.0996, "0.50"),
        (0.5, 0.000999, "0.5000"),
        (1234.5, 118.0, "1,230"),
        (12.0, 1.0, "12.0"),
        (0.0, 0.01, "0.000"),
        (-0.0001, 0.01, "0.000"),
        (1.234e-7, 2e-9, "1.234e-07"),
        (2.5e11, 3e10, "2.50e+11"),
    ],
)
def test_figure_has_two_significant_digits_of_its_error(value, error, text):
    assert figure(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.76, "0.760"),
        (0.00031, "0.000310"),
        (30.123, "30.1"),
        (1234.5, "1,230"),
        (0, "0"),
        (1, "1.00"),
        (0.9996, "1.00"),
        (3.1e-9, "3.10e-09"),
        (float("nan"), "nan"),
    ],
)
@pytest.mark.parametrize("error", [None, 0.0, float("nan"), float("inf")])
def test_figure_has_three_significant_digits_if_its_error_is_unknown(value, error, text):
    assert figure(value, error, show_error=True) == text


def test_figure_shows_its_error_on_request():
    assert figure(0.7604, 0.0131, show_error=True) == "0.760 ± 0.013"
    assert figure(0.00031, 0.00002, show_error=True) == "0.000310 ± 0.000020"


def test_figure_range_has_the_digits_of_half_its_width():
    assert figure_range(0.74712, 0.7731) == "0.747 to 0.773"
    assert figure_range(0.0, 0.1) == "0.000 to 0.100"
