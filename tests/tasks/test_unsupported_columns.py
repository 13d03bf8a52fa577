"""Settings of columns that a task does not read."""

import pytest

from hfseq.errors import HfseqError
from hfseq.registry import get_task
from hfseq.tasks import SequenceClassification, Task


@pytest.mark.parametrize(
    ("task", "setting", "hint"),
    [
        ("sequence_classification", "target_column", "name the label with --label_column"),
        ("token_classification", "text_pair_column", "leave it out"),
        ("sequence_to_sequence", "text_pair_column", "leave it out"),
        ("captioning", "text_pair_column", "leave it out"),
        ("ctc", "text_pair_column", "leave it out"),
        ("causal_lm", "label_column", "leave it out"),
        ("forecasting", "label_column", "name the columns to read with --input_column"),
    ],
)
def test_check_columns_rejects_unsupported_columns(task, setting, hint):
    with pytest.raises(HfseqError, match=rf"{task} has no {setting} \('note'\): .*{hint}"):
        get_task(task).check_columns({setting: "note"})
    get_task(task).check_columns({setting: None, "input_column": "note"})


def test_check_columns_accepts_all_columns_by_default():
    columns = {"label_column": "a", "target_column": "b", "text_pair_column": "c"}
    Task.check_columns(columns)
    SequenceClassification.check_columns({**columns, "target_column": None})
