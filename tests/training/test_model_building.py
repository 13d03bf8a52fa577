"""Checkpoints made ready for a task: what of them is kept, what is trained, and what does not fit."""

import json

import pytest
import torch
from small import TINY

from hfseq import run_training
from hfseq.errors import HfseqError
from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.settings import resolve

SMALL = {"max_train_samples": 32, "max_eval_samples": 8, "max_predict_samples": 8}
GPT2 = {"model": None, "model_type": "gpt2", "config_overrides": "n_embd=8,n_head=2,n_layer=1"}
DATES = {
    "dataset": "builtin:dates",
    "config_overrides": json.dumps({"hidden_size": 8, "embedding_size": 8, "encoder": {"hidden_size": 8}}),
    "max_length": 64,
}
BART = {
    **DATES, "model": None, "model_type": "bart",
    "config_overrides": "d_model=8,encoder_layers=1,decoder_layers=1,encoder_attention_heads=2,"
    "decoder_attention_heads=2,encoder_ffn_dim=8,decoder_ffn_dim=8",
}  # fmt: skip
SERIES = {"dataset": "builtin:seasonal", "config_overrides": "hidden_size=8"}


@pytest.fixture
def build(tmp_path):
    """Prepares a run, up to its first step."""

    def prepared(**settings):
        values = {**TINY, **SMALL, "output_dir": str(tmp_path / "run"), **settings}
        arguments = resolve(parse_mapping(values, where="test"))
        return prepare(arguments, load_data(arguments.data))

    return prepared


@pytest.fixture
def save(build, tmp_path):
    """Makes a checkpoint of a model that was not trained."""

    def saved(**settings):
        run = build(**settings)
        run.built.model.save_pretrained(tmp_path / "checkpoint")
        run.processor.save_pretrained(tmp_path / "checkpoint")
        return {"model": str(tmp_path / "checkpoint"), "model_type": None, "config_overrides": None}

    return saved


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one two three four five six seven eight nine ten " * 60)
    return {"dataset": str(path), "task": "causal_lm", "max_length": 16}


def trained_names(run):
    return {name for name, value in run.built.model.named_parameters() if value.requires_grad}


@pytest.mark.parametrize("settings", [DATES, BART], ids=["recurrent", "bart"])
def test_frozen_encoder_decoder_trains_its_decoder(settings, save, build):
    run = build(**{**settings, **save(**settings)}, finetuning="frozen")
    encoder = {id(value) for value in run.built.model.get_encoder().parameters()}
    for name, value in run.built.model.named_parameters():
        assert value.requires_grad == (id(value) not in encoder), name
    assert any("attn" in name or "attention" in name for name in trained_names(run))


@pytest.mark.parametrize("settings", [{}, GPT2], ids=["recurrent", "gpt2"])
def test_frozen_language_model_is_rejected(settings, save, build, text):
    with pytest.raises(HfseqError, match=r"`frozen` leaves nothing to train: .* has no head apart"):
        build(**text, **save(**text, **settings), finetuning="frozen")


def test_head_of_the_checkpoint_is_trained_if_frozen(save, build, text):
    untied = "hidden_size=8,embedding_size=8,tie_word_embeddings=false"
    run = build(**text, **save(**text, config_overrides=untied), finetuning="frozen")
    assert trained_names(run) == {"lm_head.weight", "lm_head.bias"}


@pytest.mark.parametrize("settings", [DATES, SERIES], ids=["encoder-decoder", "forecaster"])
def test_another_size_does_not_fit_the_weights(settings, save, build):
    given = {**settings, **save(**settings), "config_overrides": "hidden_size=12"}
    with pytest.raises(HfseqError, match=r"have another shape than its configuration says: \S+, \S+"):
        build(**given)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("cell_type=foo", "do not fit .*: cell_type must be one of"),
        ("dropout=2", "do not fit .*: dropout must be at least 0 and below 1, not 2"),
        ("droput=0.1", "has no 'droput'.*dropout"),
    ],
)
def test_overrides_of_a_checkpoint_are_checked(overrides, message, save, build):
    with pytest.raises(HfseqError, match=message):
        build(**{**SERIES, **save(**SERIES), "config_overrides": overrides})


def test_overrides_of_a_sub_configuration(save, build):
    given = {**DATES, **save(**DATES)}
    run = build(**{**given, "config_overrides": '{"encoder": {"dropout": 0.3}}'})
    encoder = run.built.model.config.encoder
    assert (encoder.dropout, encoder.hidden_size) == (0.3, 8)
    with pytest.raises(HfseqError, match="has no 'dropuot'"):
        build(**{**given, "config_overrides": '{"encoder": {"dropuot": 0.3}}'})


def test_checkpoint_keeps_its_tokenizer_on_built_in_data(save, build):
    given = save(**DATES)
    run = build(**{**DATES, **given})
    assert run.processor.get_vocab() == build(**DATES).processor.get_vocab()
    with pytest.raises(HfseqError, match="tokenizer_name 'bpe' is trained anew, but"):
        build(**{**DATES, **given}, tokenizer_name="bpe")


def test_generation_settings_are_applied(save, build, tmp_path):
    """A summariser's lengths and penalties are not kept, its special tokens are."""
    given = save(**BART)
    path = tmp_path / "checkpoint" / "generation_config.json"
    values = {**json.loads(path.read_text()), "bad_words_ids": [[5]]}
    path.write_text(
        json.dumps({**values, "num_beams": 4, "min_length": 56, "early_stopping": True, "length_penalty": 2.0,
                    "no_repeat_ngram_size": 3, "max_length": 142})
    )  # fmt: skip
    config = build(**{**BART, **given}, max_target_length=20, num_beams=1).built.model.generation_config
    assert (config.num_beams, config.max_new_tokens, config.bad_words_ids) == (1, 20, [[5]])
    assert config.eos_token_id == values["eos_token_id"]
    named = ("max_length", "min_length", "early_stopping", "length_penalty", "no_repeat_ngram_size")
    assert not any(getattr(config, name) for name in named)
    config.validate(strict=True)


def test_saved_crf_rejects_class_weights(save, build, tmp_path):
    path = tmp_path / "tags.conll"
    path.write_text("\n".join(f"anna\tB-P\ngoes\tO\nto\tO\ntown{number}\tO\n" for number in range(30)))
    tagged = {"dataset": str(path), "task": "token_classification"}
    given = save(**tagged, config_overrides="hidden_size=8,embedding_size=8,use_crf=true")
    for settings in ({"label_smoothing_factor": 0.1}, {"class_weights": "1,2"}):
        with pytest.raises(HfseqError, match="cannot be combined with use_crf"):
            build(**tagged, **given, **settings)
    plain = save(**tagged, config_overrides="hidden_size=8,embedding_size=8")
    with pytest.raises(HfseqError, match="cannot be combined with use_crf"):
        build(**{**tagged, **plain, "config_overrides": "use_crf=true"}, class_weights="1,2")


@pytest.mark.parametrize("quantiles", [None, "0.1,0.5,0.9"])
def test_forecaster_gets_the_configured_head(quantiles, save, build):
    given = save(**SERIES, quantiles="0.5,0.8" if quantiles is None else None)
    run = build(**{**SERIES, **given}, quantiles=quantiles, prediction_length=6)
    expected = None if quantiles is None else [0.1, 0.5, 0.9]
    assert (run.built.model.config.quantiles, run.built.model.config.prediction_length) == (expected, 6)
    size = 6 * (3 if quantiles else 1)
    assert run.built.model.forecast.weight.size(0) % size == 0


def test_forecaster_of_other_channels_or_context_is_rejected(save, build, tmp_path):
    given = save(**SERIES)
    (tmp_path / "one.csv").write_text("a\n" + "\n".join(str(step % 7) for step in range(300)))
    with pytest.raises(HfseqError, match=r"the model has input_features 3, but the data has 1: .*--input_column"):
        build(**given, dataset=str(tmp_path / "one.csv"), task="forecasting")
    transformer = {**SERIES, "model": "transformer", "config_overrides": None}
    with pytest.raises(HfseqError, match=r"the model has context_length 48, but the data has 24: "):
        build(**{**SERIES, **save(**transformer)}, context_length=24)


def test_model_for_another_task_is_rejected(tiny_bert, build):
    """It is found, but it is not for the task: the connection is not to blame."""
    dates = {**DATES, "model": str(tiny_bert), "config_overrides": None, "max_length": 32}
    with pytest.raises(HfseqError, match=r"cannot be loaded as a model for sequence_to_sequence: .*BertConfig"):
        build(**dates)


def test_adapter_of_a_language_model_has_its_task_type(save, text, tmp_path):
    peft = pytest.importorskip("peft")
    settings = {**TINY, **text, **save(**text, **GPT2), "finetuning": "lora", "lora_r": 2}
    run_training({**settings, "output_dir": str(tmp_path / "run")})
    loaded = peft.AutoPeftModelForCausalLM.from_pretrained(tmp_path / "run" / "adapter")
    assert torch.isfinite(loaded(input_ids=torch.tensor([[1, 2, 3]])).logits).all()
