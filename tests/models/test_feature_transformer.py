"""The transformers for numeric inputs: padding, losses, saving, and invalid inputs."""

import re

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from ragged import assert_all_close, assert_near, gradients, make_rows, pad_rows, scalar
from test_remote_code import run_without_hfseq
from transformers import AutoConfig, AutoModel, AutoModelForCTC, AutoModelForSequenceClassification, set_seed
from transformers.dynamic_module_utils import get_imports
from transformers.utils import find_labels

from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor
from hfseq.models.feature_transformer import (
    FeatureTransformerConfig,
    FeatureTransformerForCTC,
    FeatureTransformerForSequenceClassification,
    FeatureTransformerModel,
)

SMALL = {"input_features": 3, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 12, "num_labels": 3}
CTC = {"vocab_size": 5, "pad_token_id": 2}
# The second layer of the first attends to two steps on each side. The second has position embeddings and a pooler.
ENCODERS = {"modernbert": {"encoder_config": {"local_attention": 4}}, "bert": {"encoder_type": "bert"}}


def make_model(model_class, **config):
    set_seed(0)
    return model_class(FeatureTransformerConfig(**SMALL | config)).eval()


def batch_of(side, extra=0):
    batch, mask = pad_rows(make_rows(features=3), side, extra)
    return {"input_features": batch, "attention_mask": mask}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_padding_does_not_change_results(encoder):
    model = make_model(FeatureTransformerForSequenceClassification, **encoder).double()
    rows = make_rows(features=3)
    expected = torch.cat([model(row[None]).logits for row in rows])
    expected_gradients = gradients(model, scalar(list(expected)))
    for side, extra in (("left", 0), ("right", 3), ("mixed", 2)):
        logits = model(**batch_of(side, extra)).logits
        torch.testing.assert_close(logits, expected, rtol=1e-8, atol=1e-8)
        # Rotary angles are always in single precision.
        found = gradients(model, scalar(list(logits)))
        # A bias of the keys changes all scores of a query equally, so its gradient is only rounding errors.
        kept = [name for name in found if not name.endswith("key.bias")]
        assert_near({name: found[name] for name in kept}, {name: expected_gradients[name] for name in kept}, 1e-6)


def test_hidden_states_are_at_the_positions_of_their_steps():
    model = make_model(FeatureTransformerModel).double()
    inputs = batch_of("mixed", 2)
    outputs = model(**inputs, output_hidden_states=True)
    assert len(outputs.hidden_states) == 3
    real = inputs["attention_mask"].bool()
    for number, row in enumerate(make_rows(features=3)):
        alone = model(row[None], output_hidden_states=True)
        for found, states in zip(outputs.hidden_states, alone.hidden_states, strict=True):
            torch.testing.assert_close(found[number, real[number]], states[0], rtol=1e-7, atol=1e-7)
    assert not outputs.last_hidden_state[~real].any()


def test_row_without_steps_does_not_change_the_others():
    model = make_model(FeatureTransformerForSequenceClassification)
    features, mask = torch.randn(2, 5, 3), torch.tensor([[0] * 5, [1] * 5])
    logits = model(features, mask).logits
    torch.testing.assert_close(logits[1:], model(features[1:]).logits)
    assert torch.equal(logits[0], model.classifier.bias)
    assert all(value.isfinite().all() for value in gradients(model, logits.sum()).values())


def test_padding_of_ctc_logits_is_the_blank():
    model = make_model(FeatureTransformerForCTC, **CTC).double()
    labels = torch.randint(3, 5, (7, 2)).masked_fill(torch.tensor([[0, 0], [0, 0], *[[0, 1]] * 5]).bool(), -100)
    outputs = [model(**batch_of(side, extra), labels=labels) for side, extra in (("left", 0), ("mixed", 2))]
    torch.testing.assert_close(outputs[0].loss, outputs[1].loss)
    padding = batch_of("mixed", 2)["attention_mask"] == 0
    assert torch.equal(outputs[1].logits[padding].softmax(-1)[:, 2], torch.ones(int(padding.sum())).double())
    alone = model(make_rows(features=3)[0][None]).logits
    torch.testing.assert_close(outputs[1].logits[0][~padding[0]], alone[0], rtol=1e-7, atol=1e-7)


def test_ctc_loss_equals_that_of_torch():
    model = make_model(FeatureTransformerForCTC, **CTC)
    features, labels = torch.randn(2, 6, 3), torch.tensor([[1, 4, 4], [3, -100, -100]])
    outputs = model(features, labels=labels)
    log_probs = outputs.logits.log_softmax(-1).transpose(0, 1)
    lengths = torch.tensor([6, 6]), torch.tensor([3, 1])
    expected = torch.nn.functional.ctc_loss(log_probs, labels.clamp(min=0), *lengths, blank=2, reduction="sum")
    torch.testing.assert_close(outputs.loss, expected / 4)
    # Four symbols with one repetition need five steps.
    assert model(features[:1, :3], labels=labels[:1]).loss == 0
    with pytest.raises(
        ValueError, match=re.escape("a transcript has the symbol 2: symbols must be at least 0 and below")
    ):
        model(features, labels=torch.tensor([[1], [2]]))


@pytest.mark.parametrize("kind", ["single_label_classification", "multi_label_classification", "regression", "ctc"])
def test_loss_does_not_depend_on_the_split_of_a_batch(kind):
    inputs = {name: value.float() for name, value in batch_of("right").items()}
    random = torch.Generator().manual_seed(0)
    if kind == "ctc":
        model = make_model(FeatureTransformerForCTC, **CTC)
        labels = torch.randint(3, 5, (7, 1), generator=random)
        labels = torch.cat([labels, torch.tensor([[1]] + [[-100]] * 6)], dim=1)
    else:
        model = make_model(FeatureTransformerForSequenceClassification, problem_type=kind)
        labels = torch.randint(0, 2, (7, 3), generator=random).float()
        labels = torch.tensor([0, 1, 2, -100, 1, 0, 2]) if kind.startswith("single") else labels
    whole = model(**inputs, labels=labels).loss
    items = labels.ne(-100).sum()
    losses = [
        model(**{name: value[part] for name, value in inputs.items()}, labels=labels[part], num_items_in_batch=items)
        for part in (slice(0, 5), slice(5, None))
    ]
    torch.testing.assert_close(losses[0].loss + losses[1].loss, whole)
    assert_all_close(gradients(model, losses[0].loss + losses[1].loss), gradients(model, whole), 1e-5)
    # Trainer finds both by their names.
    assert find_labels(type(model)) == ["labels"] and model.accepts_loss_kwargs


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_all_parameters_have_gradients(encoder):
    model = make_model(FeatureTransformerForSequenceClassification, **encoder)
    found = gradients(model, model(torch.randn(4, 9, 3)).logits.square().sum())
    # A bias of the keys has no effect on the scores. Only the first token type is used.
    idle = {name for name, value in found.items() if value.abs().max() < 1e-6}
    assert all(name.endswith("key.bias") for name in idle)
    assert model.config.hidden_size == 8 and not any("word_embeddings" in name for name in found)


def test_gradient_checkpointing_does_not_change_results():
    model = make_model(FeatureTransformerForSequenceClassification, dropout=0).train()
    features = torch.randn(2, 5, 3)
    expected = gradients(model, model(features).logits.sum().square())
    model.activation_checkpointing_enable()
    assert_all_close(gradients(model, model(features).logits.sum().square()), expected, 1e-6)


@pytest.mark.parametrize(
    "auto_class, model_class, config",
    [
        (AutoModelForSequenceClassification, FeatureTransformerForSequenceClassification, {}),
        (AutoModelForCTC, FeatureTransformerForCTC, CTC),
    ],
)
def test_saved_models_load_through_the_auto_classes(auto_class, model_class, config, tmp_path):
    model = make_model(model_class, encoder_config={"local_attention": 6}, **config)
    model.save_pretrained(tmp_path / "model")
    loaded = auto_class.from_pretrained(tmp_path / "model")
    assert type(loaded) is model_class and loaded.config.encoder_config == {"local_attention": 6}
    features = torch.randn(2, 9, 3)
    assert torch.equal(loaded(features).logits, model(features).logits)
    backbone = AutoModel.from_pretrained(tmp_path / "model")
    assert type(backbone) is FeatureTransformerModel
    backbone.save_pretrained(tmp_path / "backbone")
    again = model_class.from_pretrained(tmp_path / "backbone")
    assert torch.equal(again.model(features)[0], backbone(features)[0])
    assert all(value.isfinite().all() for value in again.parameters())


TRAVEL = """
from transformers import AutoFeatureExtractor, AutoImageProcessor, AutoModelForCTC

expected = torch.load(work / "expected.pt", weights_only=True)
frames, picture = expected["frames"].numpy(), expected["picture"].numpy()
extractor = AutoFeatureExtractor.from_pretrained(work / "classifier", trust_remote_code=True)
inputs = extractor([frames, frames[:2]], padding=True, return_tensors="pt")
for name, auto in (("classifier", AutoModelForSequenceClassification), ("ctc", AutoModelForCTC)):
    model = auto.from_pretrained(work / name, trust_remote_code=True)
    assert type(model).__module__.startswith("transformers_modules"), type(model)
    assert torch.equal(model(**inputs).logits, expected[name]), name
model.save_pretrained(work / "again")
again = AutoModelForCTC.from_pretrained(work / "again", trust_remote_code=True)
assert torch.equal(again(**inputs).logits, expected["ctc"])
processor = AutoImageProcessor.from_pretrained(work / "image", trust_remote_code=True)
processor.save_pretrained(work / "image" / "again")
assert torch.equal(processor(picture, return_tensors="pt")["pixel_values"], expected["pixels"])
print("all equal")
"""


def test_models_and_processors_load_without_hfseq(tmp_path):
    generator = np.random.default_rng(0)
    frames, picture = generator.integers(256, size=(5, 6, 6)), generator.integers(256, size=(9, 7, 3))
    extractor, processor = VideoFeatureExtractor(size=4), ImageProcessor(size=8, num_channels=1)
    inputs = extractor([frames, frames[:2]], padding=True, return_tensors="pt")
    expected = {"pixels": processor(picture, return_tensors="pt")["pixel_values"]}
    expected |= {"frames": torch.from_numpy(frames), "picture": torch.from_numpy(picture)}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for name, model_class in (
        ("classifier", FeatureTransformerForSequenceClassification),
        ("ctc", FeatureTransformerForCTC),
    ):
        model = make_model(model_class, input_features=16, **CTC)
        model.save_pretrained(tmp_path / name)
        expected[name] = model(**inputs).logits.detach()
    torch.set_num_threads(threads)
    extractor.save_pretrained(tmp_path / "classifier")
    processor.save_pretrained(tmp_path / "image")
    torch.save(expected, tmp_path / "expected.pt")
    for path in [*(tmp_path / "classifier").glob("*.py"), *(tmp_path / "image").glob("*.py")]:
        # Packages that transformers requires for loading the code.
        assert not {"hfseq", "PIL"} & set(get_imports(path)), path.name
    done = run_without_hfseq(TRAVEL, tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all equal\n")
    assert {path.name for path in (tmp_path / "image" / "again").iterdir()} >= {"image_processing.py"}


@pytest.mark.parametrize(
    "values, message",
    [
        (
            {"encoder_type": "modernbart"},
            "unknown encoder_type 'modernbart': did you mean",
        ),
        (
            {"encoder_config": {"hidden_size": 4}},
            "encoder_config has hidden_size, which is a field of Fea",
        ),
        (
            {"encoder_config": {"local_atention": 4}},
            "ModernBertConfig has no field 'local_atention': did you mean",
        ),
        ({"hiden_size": 4}, "FeatureTransformerConfig has no field 'hiden_size': did you mean 'hidden_size'?"),
        ({"num_attention_heads": 3}, "hidden_size (8) must be an even multiple of num_attention_heads (3)"),
        ({"input_features": 0}, "input_features must be at least 1, not 0"),
        ({"initializer_range": -1}, "initializer_range must be above 0, not -1"),
        ({"dropout": 1}, "dropout must be at least 0 and below 1, not 1"),
        ({"vocab_size": 3, "pad_token_id": 3}, "pad_token_id (3) must be below vocab_size (3)"),
        ({"problem_type": "classification"}, "problem_type must be one of single_label_classification, multi_label_"),
    ],
)
def test_configuration_rejects_invalid_settings(values, message):
    with pytest.raises((ValueError, StrictDataclassError), match=re.escape(message)):
        FeatureTransformerConfig(**SMALL | values)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"input_features": None}, "the configuration needs input_features, the size of one step"),
        ({"encoder_type": "t5"}, "the configuration of 't5' has no intermediate_size: set intermediate_size to None"),
        (
            {"encoder_type": "fnet"},
            "the configuration of 'fnet' has no num_attention_heads: choose another",
        ),
        ({"encoder_type": "longformer"}, "'longformer' pads its attention window with padding tokens: choose"),
        ({"encoder_type": "mpnet"}, "'mpnet' counts positions from a padding token"),
        ({"encoder_type": "xmod"}, "'xmod' needs the language of each sequence"),
        (
            {"encoder_type": "t5", "intermediate_size": None},
            "encoder_type 't5' has a decoder: choose one that accepts vectors, such as 'modernbert'",
        ),
    ],
)
def test_model_rejects_unsuitable_encoders(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_model(FeatureTransformerModel, **values)


def test_forward_rejects_invalid_inputs():
    model = make_model(FeatureTransformerModel, max_position_embeddings=6)
    with pytest.raises(ValueError, match=re.escape("must have the shape (batch, length, 3), not (2, 5, 4)")):
        model(torch.zeros(2, 5, 4))
    with pytest.raises(
        ValueError, match=re.escape("the inputs have 7 steps, which is more than max_position_embeddings")
    ):
        model(torch.zeros(2, 7, 3))
    with pytest.raises(ValueError, match=re.escape("attention_mask has shape (2, 4), the inputs (batch, length)")):
        model(torch.zeros(2, 5, 3), torch.ones(2, 4))
    with pytest.raises(ValueError, match="needs vocab_size, and pad_token_id for the blank"):
        make_model(FeatureTransformerForCTC)


@pytest.mark.parametrize("encoder_type", ["roberta", "ibert"])
def test_positions_after_the_padding_token_are_counted(encoder_type):
    model = make_model(FeatureTransformerModel, encoder_type=encoder_type, max_position_embeddings=6)
    assert model(torch.ones(1, 6, 3)).last_hidden_state.shape == (1, 6, 8)
    with pytest.raises(
        ValueError, match=re.escape("the inputs have 7 steps, which is more than max_position_embeddings (6")
    ):
        model(torch.ones(1, 7, 3))


def test_dropout_and_sizes_reach_the_encoder():
    config = AutoConfig.for_model("hfseq_feature_transformer", **SMALL, dropout=0.3, encoder_config={"mlp_dropout": 0})
    assert type(config) is FeatureTransformerConfig
    encoder = config.make_encoder_config()
    assert (encoder.embedding_dropout, encoder.attention_dropout, encoder.mlp_dropout) == (0.3, 0.3, 0)
    assert (encoder.hidden_size, encoder.intermediate_size, encoder.vocab_size) == (8, 12, 1)
    assert encoder.initializer_range == pytest.approx(8**-0.5)
