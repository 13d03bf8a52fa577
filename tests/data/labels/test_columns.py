"""Roles of the columns of examples that are not texts."""

import pytest

from hfseq.data.labels.columns import Columns, find_column, resolve_inputs
from hfseq.errors import HfseqError

USUAL = ("series", "values")


@pytest.mark.parametrize(
    ("names", "given", "found"),
    [
        (["id", "Values", "LABEL"], {}, Columns("Values", None, "LABEL")),
        (["values", "series", "y"], {}, Columns("series", None, "y")),
        (["ecg", "label"], {"input_column": "ECG"}, Columns("ecg", None, "label")),
        (["series", "gold", "label"], {"label_column": "gold"}, Columns("series", None, "gold")),
        (["series", "values"], {"label_column": "series"}, Columns("values", None, "series")),
        (["label", "class"], {"input_column": "label"}, Columns("label", None, "class")),
        (["series", "id"], {"require_label": False}, Columns("series", None, None)),
    ],
)
def test_resolve_inputs_finds_input_and_label(names, given, found):
    assert resolve_inputs(names, USUAL, **given) == found


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (
            ["ecg", "label"],
            {},
            "no column looks like the input among 'ecg', 'label' (looked for series, values). Name it with "
            "--input_column",
        ),
        (
            ["series", "kind"],
            {},
            "no column looks like the label among 'series', 'kind' (looked for label, labels, target, class, "
            "category, intent). Name it with --label_column",
        ),
        (
            ["series", "label"],
            {"input_column": "serie"},
            "--input_column: there is no column 'serie', did you mean 'series'? Columns: 'series', 'label'.",
        ),
        (
            ["series", "label"],
            {"label_column": "quality"},
            "--label_column: there is no column 'quality', choose from 'label', 'series' Columns: 'series', 'label'.",
        ),
        (
            ["series", "label"],
            {"input_column": "label", "label_column": "Label"},
            "column 'label' cannot be both input and label; columns: 'series', 'label'.",
        ),
    ],
)
def test_resolve_inputs_rejects_missing_columns(names, given, message):
    with pytest.raises(HfseqError) as error:
        resolve_inputs(names, USUAL, **given)
    assert str(error.value) == message


def test_find_column_of_a_given_role():
    names = ["Source", "target", "source"]
    assert find_column(names, None, ("source", "target"), "source") == "Source"
    assert find_column(names, "source", ("target",), "source") == "source"
    assert find_column(names, None, ("source", "target"), "target", taken=("Source", "source")) == "target"
    assert find_column(names, None, ("caption",), "target", required=False) is None
    with pytest.raises(HfseqError, match=r"like the target among .* \(looked for caption\)\. Name it with --target_c"):
        find_column(names, None, ("caption",), "target")
    with pytest.raises(HfseqError, match="--target_column: there is no column 'SOURCE', "):
        find_column(names, "SOURCE", ("caption",), "target")
