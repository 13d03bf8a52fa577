"""The encoder-decoder: configuration, results and losses."""

import pytest
import torch
from encoder_decoder_cases import (
    ENCODERS,
    END,
    KINDS,
    PAD,
    START,
    TARGET_LENGTHS,
    make_images,
    make_model,
    make_sources,
    make_targets,
    pad_labels,
)
from huggingface_hub.errors import StrictDataclassError
from ragged import assert_all_close, gradients, pad_rows, scalar
from torch import nn
from torch.nn import functional as F
from transformers import AutoConfig, BertConfig, BertModel, ResNetConfig, T5Config
from transformers.utils import find_labels

from hfseq import RecurrentConfig, RecurrentEncoderDecoder, RecurrentEncoderDecoderConfig, RecurrentModel
from hfseq.models.feature_transformer import FeatureTransformerConfig
from hfseq.models.recurrent import attention as attention_module
from hfseq.models.recurrent.losses import sequence_to_sequence_loss

kinds = pytest.mark.parametrize(("attention", "feeding"), KINDS)
SOURCES = torch.ones(2, 3, dtype=torch.long)
CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


def make_config(**settings):
    return RecurrentEncoderDecoderConfig(encoder=ENCODERS["bert"], vocab_size=11, **settings)


class TestConfig:
    def test_encoder_configuration_is_restored(self, tmp_path):
        for name in ("recurrent", "bert", "resnet"):
            RecurrentEncoderDecoderConfig(encoder=ENCODERS[name], attention="additive").save_pretrained(tmp_path)
            config = AutoConfig.from_pretrained(tmp_path)
            assert type(config) is RecurrentEncoderDecoderConfig and config.attention == "additive"
            assert type(config.encoder) is type(ENCODERS[name])
            assert config.encoder.to_dict() == ENCODERS[name].to_dict()

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"hidden_size": 0}, "hidden_size must be at least 1, not 0"),
            (
                {"attention_size": 3},
                "attention_size is a setting of additive attention, but attention is 'multiplicative'",
            ),
            ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
            ({"bos_token_id": 11}, r"bos_token_id \(11\) must be at least 0 and below vocab_size \(11\)"),
            ({"eos_token_id": [2, 12]}, r"eos_token_id \(\[2, 12\]\) must be"),
            ({"attention": "dot"}, "got dot"),
            ({"cell_type": "lstmm"}, "not 'lstmm': did you mean 'lstm'"),
            ({"cell_type": "minlstm", "input_feeding": True}, "'minlstm' cannot be used with attention and input_fee"),
            ({"input_feedin": True}, "has no field 'input_feedin': did you mean 'input_feeding'?"),
            ({"encoder": {"hidden_size": 3}}, "the configuration of the encoder has no model_type"),
            ({"encoder": {"model_type": "bertt"}}, "unknown model_type 'bertt' of the encoder"),
        ],
    )
    def test_config_rejects_invalid_settings(self, settings, message):
        with pytest.raises((StrictDataclassError, ValueError), match=message):
            RecurrentEncoderDecoderConfig(**({"vocab_size": 11} | settings))

    def test_source_size_is_taken_from_the_encoder(self):
        sizes = {name: make_model(name).config.source_size for name in ENCODERS}
        assert sizes == {"recurrent": 6, "one way": 4, "numeric": 6, "bert": 8, "vit": 8, "resnet": 6}
        with pytest.raises(ValueError, match="does not have the number of features of its outputs"):
            RecurrentEncoderDecoderConfig(encoder=AutoConfig.for_model("efficientnet")).source_size  # noqa: B018


class TestModelRefuses:
    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (RecurrentEncoderDecoderConfig(vocab_size=3), "needs encoder"),
            (RecurrentEncoderDecoderConfig(encoder=BertConfig()), "needs vocab_size"),
            (RecurrentEncoderDecoderConfig(encoder=T5Config(), vocab_size=3), "T5Config is an encoder-decoder"),
            (
                RecurrentEncoderDecoderConfig(encoder=FeatureTransformerConfig(input_features=3), vocab_size=3),
                "FeatureTransformerConfig cannot be .*: choose 'hfseq_recurrent' or an encoder of transformers",
            ),
        ],
    )
    def test_model_rejects_invalid_configurations(self, config, message):
        with pytest.raises(ValueError, match=message):
            RecurrentEncoderDecoder(config)

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({}, "give exactly one of input_ids, inputs_embeds, input_features, pixel_values; got none"),
            ({"input_ids": SOURCES, "attention_mask": torch.ones(2, 4)}, r"shape \(2, 4\), the inputs .* \(2, 3\)"),
            ({"input_ids": SOURCES}, "give decoder_input_ids, or labels from which they can be computed"),
            (
                {"input_ids": SOURCES, "decoder_input_ids": torch.ones(2, 3), "labels": torch.ones(2, 4)},
                r"labels have shape \(2, 4\), decoder_input_ids \(2, 3\)",
            ),
            (
                {
                    "input_ids": SOURCES,
                    "labels": torch.ones(2, 4).long(),
                    "decoder_attention_mask": torch.ones(2, 3),
                },
                r"decoder_attention_mask has shape \(2, 3\), decoder_input_ids \(2, 4\)",
            ),
            ({"encoder_outputs": (torch.ones(2, 3, 9),)}, "encoder have 9 features, .* expects 6: set encoder_out"),
            (
                {"encoder_outputs": (torch.ones(2, 3, 6),), "attention_mask": torch.ones(2, 5)},
                r"attention_mask has shape \(2, 5\), the outputs of the encoder .* \(2, 3\)",
            ),
        ],
    )  # fmt: skip
    def test_forward_rejects_invalid_inputs(self, inputs, message):
        with pytest.raises(ValueError, match=message):
            make_model()(**inputs)

    def test_missing_start_token_is_an_error(self):
        with pytest.raises(ValueError, match="needs decoder_start_token_id or bos_token_id"):
            make_model(bos_token_id=None)(torch.ones(2, 3).long(), labels=torch.ones(2, 3).long())


def test_decoder_inputs_are_the_previous_labels():
    model = make_model()
    labels = torch.tensor([[5, 6, 7, -100], [-100, -100, 8, 9], [4, -100, 5, -100], [-100, -100, -100, -100]])
    expected = [[START, 5, 6, PAD], [PAD, PAD, START, 8], [START, PAD, 4, PAD], [PAD] * 4]
    assert model.prepare_decoder_input_ids_from_labels(labels).tolist() == expected
    model.config.decoder_start_token_id = 9
    assert model.prepare_decoder_input_ids_from_labels(labels)[0].tolist() == [9, 5, 6, PAD]


def run_pairs(model, encoder, sides, extra=0, **kwargs):
    """Logits at the labels of each pair, and gradients of a scalar of logits and loss."""
    sources, mask = pad_rows(make_sources(encoder), sides[0], extra)
    labels = pad_labels(make_targets(), sides[1], extra)
    inputs = {model.main_input_name: sources, "attention_mask": mask, "labels": labels}
    outputs = model(**inputs, num_items_in_batch=1, **kwargs)
    rows = [row[real] for row, real in zip(outputs.logits, labels.ne(-100), strict=True)]
    return rows, gradients(model, scalar(rows) + outputs.loss)


def run_pairs_alone(model, encoder):
    """The same for single pairs, without padding or mask."""
    rows, total = [], {}
    for source, target in zip(make_sources(encoder), make_targets(), strict=True):
        outputs = model(**{model.main_input_name: source[None]}, labels=target[None], num_items_in_batch=1)
        rows.append(outputs.logits[0])
        for name, value in gradients(model, scalar(rows[-1:]) + outputs.loss).items():
            total[name] = total.get(name, 0) + value
    return rows, total


def assert_padding_changes_nothing(model, encoder):
    expected, expected_gradients = run_pairs_alone(model, encoder)
    for sides, extra in ((("left", "right"), 0), (("right", "left"), 3), (("mixed", "mixed"), 2)):
        found, found_gradients = run_pairs(model, encoder, sides, extra)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
        assert_all_close(found_gradients, expected_gradients, 1e-9)
    assert all(gradient.any() for gradient in expected_gradients.values())


@pytest.mark.parametrize(
    ("attention", "feeding", "cell_type"),
    [
        # Steps that are computed one by one are tested with each cell.
        *((attention, True, cell_type) for attention in ("multiplicative", "additive") for cell_type in CELLS),
        ("none", False, "rnn"),
        ("none", True, "lstm"),
        ("multiplicative", False, "gru"),
        ("additive", False, "lstm"),
    ],
)
def test_padding_does_not_change_results(attention, feeding, cell_type):
    model = make_model(attention=attention, input_feeding=feeding, cell_type=cell_type).double()
    assert_padding_changes_nothing(model, "recurrent")


@pytest.mark.parametrize("encoder", ["one way", "numeric", "bert"])
def test_padding_does_not_change_results_for_each_encoder(encoder):
    # Padding of a numeric series is NaN. BERT counts positions from the left of a row.
    assert_padding_changes_nothing(make_model(encoder, attention="additive").double(), encoder)


def test_pairs_without_source_or_target_do_not_change_the_others():
    model = make_model(attention="additive", input_feeding=True).double()
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    labels = pad_labels(make_targets(), "right")
    mask[1], labels[2] = 0, -100
    outputs = model(sources, mask, labels=labels, output_attentions=True)
    (found,) = outputs.cross_attentions
    assert not found[1].any() and not outputs.logits[2].any()
    assert all(gradient.isfinite().all() for gradient in gradients(model, outputs.loss).values())
    alone = model(sources[3:], mask[3:], labels=labels[3:])
    torch.testing.assert_close(outputs.logits[3:], alone.logits)
    nothing = model(sources, mask, labels=torch.full_like(labels, -100), use_cache=True)
    assert nothing.loss.item() == 0 and nothing.past_key_values.get_seq_length() == labels.size(1)


def naive_logits(model, source, tokens):
    """One pair, one step at a time, with the equations of the papers."""
    config, decoder = model.config, model.decoder
    values = model.encoder(source[None]).last_hidden_state[0]  # (source_length, features)
    half = config.encoder.hidden_size
    summary = torch.cat((values[-1, :half], values[0, half:]))
    cells, states = [], []
    for layer, initial in zip(decoder.stack.layers, decoder.initial, strict=True):
        cell = CELLS[config.cell_type](layer.input_size, layer.hidden_size).double()
        cell.load_state_dict({name[: -len("_l0")]: value for name, value in layer.state_dict().items()})
        cells.append(cell)
        states.append(
            tuple(part[None] for part in initial(summary).tanh().chunk(2 if config.cell_type == "lstm" else 1))
        )

    def context_of(hidden):
        if config.attention == "none":
            return summary
        scores = []
        for value in values:
            key = decoder.attention.key(value)
            if config.attention == "multiplicative":
                scores.append(hidden @ key)
            else:
                scores.append(decoder.attention.score(torch.tanh(decoder.attention.query(hidden) + key))[0])
        weights = torch.stack(scores).softmax(0)
        return sum(weight * value for weight, value in zip(weights, values, strict=True))

    output, logits = torch.zeros(decoder.output_size, dtype=torch.float64), []
    for token in tokens:
        inputs = decoder.embed_tokens(token)
        before = context_of(states[-1][0][0])
        if config.input_feeding:
            inputs = torch.cat((inputs, output if config.attention == "multiplicative" else before))
        for number, cell in enumerate(cells):
            state = states[number] if config.cell_type == "lstm" else states[number][0]
            new = cell(inputs[None], state)
            states[number] = new if config.cell_type == "lstm" else (new,)
            inputs = states[number][0][0]
        bahdanau = config.attention == "additive" and config.input_feeding
        context = before if bahdanau else context_of(inputs)
        output = torch.tanh(decoder.of_context(context) + decoder.of_hidden(inputs))
        logits.append(model.lm_head(output))
    return torch.stack(logits)


@kinds
@pytest.mark.parametrize("cell_type", CELLS)
def test_results_equal_the_equations_of_the_papers(attention, feeding, cell_type):
    model = make_model(attention=attention, input_feeding=feeding, cell_type=cell_type).double()
    source, target = make_sources("recurrent")[1], make_targets()[2]
    found = model(source[None], decoder_input_ids=target[None]).logits[0]
    torch.testing.assert_close(found, naive_logits(model, source, target), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("at_once", [1, 200, 1 << 20])
def test_additive_scores_equal_the_reference(at_once, monkeypatch):
    monkeypatch.setattr(attention_module, "_MAX_ELEMENTS", at_once)
    torch.manual_seed(0)
    shapes = ((2, 5, 3), (2, 7, 3), (3,))
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    query, keys, weight = inputs
    found = attention_module._AdditiveScores.apply(*inputs)
    expected = torch.tanh(query[:, :, None] + keys[:, None]) @ weight
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(found, inputs, direction), torch.autograd.grad(expected, inputs, direction), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("attention", "feeding"), KINDS[2:])
def test_attention_ignores_padding_of_the_source(attention, feeding):
    model = make_model(attention=attention, input_feeding=feeding)
    sources, mask = pad_rows(make_sources("recurrent"), "mixed", 2)
    labels = pad_labels(make_targets(), "left", 1)
    assert model(sources, mask, labels=labels).cross_attentions is None
    (weights,) = model(sources, mask, labels=labels, output_attentions=True).cross_attentions
    assert weights.shape == (4, 1, labels.size(1), sources.size(1))
    real = labels.ne(-100)[:, None, :, None] & mask.bool()[:, None, None]
    assert not weights[~real].any() and (weights[real] > 0).all()
    torch.testing.assert_close(weights.sum(-1).squeeze(1), labels.ne(-100).float())


@kinds
def test_steps_with_a_state_equal_one_pass(attention, feeding):
    model = make_model(attention=attention, input_feeding=feeding)
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    tokens = torch.randint(3, 11, (4, 6))
    whole = model(sources, mask, tokens, use_cache=True)
    state, logits = None, []
    for part in (tokens[:, :1], tokens[:, 1:4], tokens[:, 4:5], tokens[:, 5:]):
        # The sources are needed only for the first part.
        given = {"input_ids": sources, "attention_mask": mask} if state is None else {}
        outputs = model(**given, decoder_input_ids=part, past_key_values=state, use_cache=True)
        state = outputs.past_key_values
        logits.append(outputs.logits)
    torch.testing.assert_close(torch.cat(logits, 1), whole.logits)
    for one, other in zip(state.recurrent.tensors(), whole.past_key_values.recurrent.tensors(), strict=True):
        torch.testing.assert_close(one, other)
    assert state.get_seq_length() == whole.past_key_values.get_seq_length() == 6


@pytest.mark.parametrize("encoder", ["vit", "resnet"])
def test_images_are_accepted(encoder):
    model = make_model(encoder, attention="additive")
    assert model.main_input_name == "pixel_values"
    images, labels = make_images(), torch.randint(3, 11, (3, 4))
    # The mask of the collator is for text, not for images.
    outputs = model(pixel_values=images, labels=labels, attention_mask=torch.ones(3, 4), output_attentions=True)
    places = {"vit": 5, "resnet": 4}[encoder]
    assert outputs.encoder_last_hidden_state.shape == (3, places, model.config.source_size)
    torch.testing.assert_close(outputs.cross_attentions[0].sum(-1), torch.ones(3, 1, 4))
    if encoder == "resnet":
        (feature_map,) = model.encoder.model(images, return_dict=False)[:1]
        torch.testing.assert_close(outputs.encoder_last_hidden_state[:, 1], feature_map[:, :, 0, 1])
    alone = model(pixel_values=images[1:2], labels=labels[1:2])
    torch.testing.assert_close(outputs.logits[1:2], alone.logits)


def test_loss_does_not_depend_on_the_split_of_a_batch():
    model = make_model(label_smoothing=0.2)
    sources, mask = pad_rows(make_sources("recurrent"), "right")
    labels = pad_labels(make_targets(), "right")
    outputs = model(sources, mask, labels=labels)
    textbook = F.cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), label_smoothing=0.2)
    torch.testing.assert_close(outputs.loss, textbook)
    items = sum(TARGET_LENGTHS)
    parts = [
        model(sources[rows], mask[rows], labels=labels[rows], num_items_in_batch=items).loss
        for rows in (slice(0, 1), slice(1, None))
    ]
    torch.testing.assert_close(sum(parts), outputs.loss)
    assert_all_close(gradients(model, sum(parts)), gradients(model, outputs.loss), 1e-5)
    assert sequence_to_sequence_loss(outputs.logits, labels, 0.2, torch.tensor(2 * items)) < outputs.loss


def test_targets_of_a_collator_are_real_up_to_the_last_label():
    model = make_model().double()
    sources, mask = pad_rows(make_sources("recurrent"), "right")
    for side in ("left", "right"):
        labels = pad_labels(make_targets(), side)
        made = model.prepare_decoder_input_ids_from_labels(labels)
        expected = model(sources, mask, labels=labels)
        torch.testing.assert_close(model(sources, mask, made, labels=labels).loss, expected.loss)
    # The start of a target can be given without labels.
    prompt = torch.tensor([[START, 3, 4, 5, 6, 7]] * 4)
    labels = torch.tensor([[-100, -100, 5, 6, 7, -100]] * 4)
    found = model(sources, mask, prompt, labels=labels).logits[:, :5]
    torch.testing.assert_close(found, model(sources, mask, prompt).logits[:, :5])


def test_trainer_finds_the_labels():
    assert find_labels(RecurrentEncoderDecoder) == ["labels"]
    assert RecurrentEncoderDecoder.accepts_loss_kwargs


@kinds
def test_dropout_is_active_only_in_training(attention, feeding):
    inputs = {"input_ids": torch.ones(2, 5).long(), "labels": torch.full((2, 4), 7)}
    still = make_model(attention=attention, input_feeding=feeding)(**inputs).logits
    for name in ("dropout", "embedding_dropout"):
        model = make_model(attention=attention, input_feeding=feeding, **{name: 0.5})
        assert torch.equal(model(**inputs).logits, still)
        model.train()
        # With few token types, two masks can be equal by chance.
        found = [model(**inputs).logits for _ in range(12)]
        assert any(not torch.allclose(logits, still) for logits in found)
        assert all(logits.isfinite().all() for logits in found)


@kinds
def test_bfloat16_autocast(attention, feeding):
    model = make_model(attention=attention, input_feeding=feeding)
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    labels = pad_labels(make_targets(), "right")
    expected = model(sources, mask, labels=labels).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(sources, mask, labels=labels).loss
    torch.testing.assert_close(found.float(), expected, rtol=0.05, atol=0.02)
    assert all(gradient.isfinite().all() for gradient in gradients(model, found).values())


def test_hidden_states_and_tuples():
    model = make_model()
    inputs = {"input_ids": torch.ones(2, 5).long(), "labels": torch.full((2, 4), 7)}
    outputs = model(**inputs, output_hidden_states=True)
    assert [tuple(layer.shape) for layer in outputs.decoder_hidden_states] == [(2, 4, 4), (2, 4, 5), (2, 4, 5)]
    assert len(outputs.encoder_hidden_states) == 3 and model(**inputs).decoder_hidden_states is None
    plain = model(**inputs, return_dict=False)
    assert torch.equal(plain[0], outputs.loss) and torch.equal(plain[1], outputs.logits)


def test_tied_embeddings(tmp_path):
    model = make_model(tie_word_embeddings=True)
    assert model.lm_head.weight is model.decoder.embed_tokens.weight
    model.save_pretrained(tmp_path)
    loaded = RecurrentEncoderDecoder.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.decoder.embed_tokens.weight
    loaded.resize_token_embeddings(13)
    inputs = {"input_ids": torch.ones(1, 2).long(), "labels": torch.full((1, 3), 12)}
    assert loaded(**inputs).logits.shape == (1, 3, 13)


@pytest.mark.parametrize("encoder", ["recurrent", "bert", "resnet"])
def test_pretrained_encoder(encoder, tmp_path):
    source = make_model(encoder).encoder.model
    source.save_pretrained(tmp_path)
    settings = {"vocab_size": 11, "hidden_size": 5, "bos_token_id": START, "eos_token_id": END}
    model = RecurrentEncoderDecoder.from_encoder_pretrained(tmp_path, encoder_frozen=True, **settings)
    assert_all_close(model.encoder.model.state_dict(), source.state_dict(), 0)
    assert type(model.encoder.model) is type(source) and model.config.attention == "multiplicative"
    assert all(value.isfinite().all() for value in model.parameters())
    model.save_pretrained(tmp_path / "whole")
    for each in (model, RecurrentEncoderDecoder.from_pretrained(tmp_path / "whole")):
        each.train()
        assert not any(module.training for module in each.encoder.modules()) and each.decoder.training
        trained = {name for name, value in each.named_parameters() if value.requires_grad}
        assert trained and not any(name.startswith("encoder.") for name in trained)


def test_pretrained_encoder_keeps_attention_and_precision(tmp_path):
    BertModel(ENCODERS["bert"]).to(torch.bfloat16).save_pretrained(tmp_path)
    settings = {"vocab_size": 11, "hidden_size": 5, "bos_token_id": START, "eos_token_id": END}
    for given, expected in ((None, "sdpa"), ({"attn_implementation": "eager"}, "eager")):
        model = RecurrentEncoderDecoder.from_encoder_pretrained(tmp_path, encoder_arguments=given, **settings)
        assert model.encoder.model.config._attn_implementation == expected
        loss = model(input_ids=torch.ones(1, 3).long(), labels=torch.full((1, 2), 5)).loss
        assert loss.isfinite() and {value.dtype for value in model.parameters()} == {torch.float32}


def test_encoders_have_no_unused_layers(tmp_path):
    assert all(gradient.any() for gradient in run_pairs_alone(make_model("bert").double(), "bert")[1].values())
    BertModel(ENCODERS["bert"]).save_pretrained(tmp_path)
    assert RecurrentEncoderDecoder.from_encoder_pretrained(tmp_path, vocab_size=11).encoder.model.pooler is None
    assert isinstance(make_model("recurrent").encoder.model, RecurrentModel)


def test_missing_weights_are_initialised_correctly(tmp_path):
    """from_pretrained creates models on the meta device, so missing weights are uninitialised memory first."""
    make_model().encoder.model.save_pretrained(tmp_path)
    config = make_config(cell_type="lstm", hidden_size=6, forget_gate_bias=0.5)
    loaded = RecurrentEncoderDecoder.from_pretrained(tmp_path, config=config)
    recurrent = dict(loaded.decoder.stack.layers[0].named_parameters())
    for gate in recurrent["weight_hh_l0"].split(6):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), rtol=0, atol=1e-5)
    assert recurrent["bias_ih_l0"].tolist() == [0.0] * 6 + [0.5] * 6 + [0.0] * 12
    for module in (loaded.decoder.initial[0], loaded.decoder.of_context, loaded.decoder.attention.key, loaded.lm_head):
        limit = (6 / sum(module.weight.shape)) ** 0.5
        assert limit / 4 < module.weight.std() < limit and module.weight.abs().max() <= limit
        assert module.bias is None or not module.bias.any()


def test_encoder_classes_match_their_configurations():
    models = {name: type(make_model(name).encoder.model).__name__ for name in ENCODERS}
    assert set(models.values()) == {"RecurrentModel", "BertModel", "ViTModel", "ResNetModel"}
    assert isinstance(ENCODERS["resnet"], ResNetConfig) and isinstance(ENCODERS["numeric"], RecurrentConfig)
