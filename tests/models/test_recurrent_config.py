import json

import pytest
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from hfseq import RecurrentConfig


def test_defaults_are_valid():
    config = RecurrentConfig()
    assert (config.cell_type, config.bidirectional, config.pooling) == ("lstm", True, "mean")
    assert config.vocab_size is None and config.input_features is None
    config.validate()


@pytest.mark.parametrize(
    ("bidirectional", "directions", "size"), [(True, 2, 14), (False, 1, 7)], ids=["both ways", "one way"]
)
def test_output_size_depends_on_directions(bidirectional, directions, size):
    config = RecurrentConfig(hidden_size=7, bidirectional=bidirectional)
    assert (config.num_directions, config.output_size) == (directions, size)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": "8"}, "'hidden_size' expected int, got str"),
        ({"hidden_size": True}, "'hidden_size' expected int, got bool"),
        ({"vocab_size": 3.0}, "'vocab_size' expected int, got float"),
        ({"dropout": "0.1"}, "'dropout' expected float, got str"),
        ({"bidirectional": 1}, "'bidirectional' expected bool, got int"),
        ({"cell_type": "lstmm"}, "cell_type must be one of rnn, lstm, gru, .*, not 'lstmm': did you mean 'lstm'"),
        ({"pooling": "first"}, r"expected one of \('last', 'mean', 'max', 'attention'\), got first"),
        ({"class_weights": "balanced"}, "'class_weights'.*got str"),
        ({"vocab_size": 9, "pad_token_id": 9}, r"pad_token_id \(9\) must be below vocab_size \(9\)"),
        *(
            ({name: 0}, f"{name} must be at least 1, not 0")
            for name in ("vocab_size", "input_features", "embedding_size", "hidden_size", "num_hidden_layers")
        ),
        *(
            ({name: value}, f"{name} must be at least 0 and below 1, not {value}")
            for name in ("dropout", "embedding_dropout", "recurrent_dropout", "classifier_dropout", "label_smoothing")
            for value in (1, 1.5, -0.1)
        ),
        *(
            (
                {"cell_type": cell_type, "recurrent_dropout": 0.5},
                f"recurrent_dropout must be 0 for the cell '{cell_type}', not 0.5",
            )
            for cell_type in ("mingru", "minlstm")
        ),
        (
            {"problem_type": "ranking"},
            "problem_type must be one of single_label_classification, multi_label_classification, regression, "
            "not 'ranking'",
        ),
        ({"class_weights": [1.0, 2.0], "num_labels": 3}, "class_weights has 2 values for 3 labels"),
        (
            {"problem_type": "regression", "label_smoothing": 0.1},
            "label_smoothing are for classification, not for reg",
        ),
        (
            {"problem_type": "regression", "num_labels": 1, "class_weights": [2.0]},
            "are for classification, not for reg",
        ),
    ],
    ids=str,
)
def test_config_rejects_invalid_values(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        RecurrentConfig(**values)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("hiden_size", "hidden_size"), ("dropouts", "dropout"), ("class_weight", "class_weights"), ("poling", "pooling")],
)
def test_config_rejects_a_mistyped_field(name, meant):
    with pytest.raises(ValueError, match=f"RecurrentConfig has no field '{name}': did you mean '{meant}'?"):
        RecurrentConfig(**{name: 1})


def test_integers_are_accepted_for_float_fields():
    config = RecurrentConfig(dropout=0, forget_gate_bias=2, class_weights=[1, 3])
    assert (config.dropout, config.forget_gate_bias, config.class_weights) == (0, 2, [1, 3])


def test_config_is_saved_and_loaded(tmp_path):
    config = RecurrentConfig(
        input_features=3,
        cell_type="gru",
        pooling="last",
        dropout=0.25,
        locked_dropout=True,
        class_weights=[0.5, 1.5, 1.0],
        problem_type="single_label_classification",
        id2label={0: "low", 1: "mid", 2: "high"},
        label2id={"low": 0, "mid": 1, "high": 2},
    )
    config.save_pretrained(tmp_path)
    loaded = RecurrentConfig.from_pretrained(tmp_path)
    # Loading stores the origin of a configuration.
    assert {**loaded.to_dict(), "_name_or_path": ""} == {**config.to_dict(), "_name_or_path": ""}
    assert loaded.id2label == config.id2label and loaded.num_labels == 3
    assert RecurrentConfig.from_pretrained(tmp_path, dropout=0.5).dropout == 0.5


def test_config_file_from_elsewhere_keeps_unknown_keys(tmp_path):
    values = {"model_type": "hfseq_recurrent", "vocab_size": 5, "tokens_seen": 123, "origin": {"run": "a"}}
    (tmp_path / "config.json").write_text(json.dumps(values))
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is RecurrentConfig
    assert (config.tokens_seen, config.origin, config.vocab_size) == (123, {"run": "a"}, 5)
    assert config.to_dict()["tokens_seen"] == 123


def test_config_file_with_invalid_values_is_rejected(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "hfseq_recurrent", "hidden_size": -3}))
    with pytest.raises(StrictDataclassError, match="hidden_size must be at least 1, not -3"):
        AutoConfig.from_pretrained(tmp_path)
