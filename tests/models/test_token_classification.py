import pytest
import torch
from head_tests import RecurrentHeadTests
from huggingface_hub.errors import StrictDataclassError
from ragged import SIDES, assert_all_close, gradients, make_rows, pad_rows
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import AutoModelForTokenClassification, pipeline

from hfseq import RecurrentConfig, RecurrentForTokenClassification
from hfseq.modalities.text.tokenizers import train_tokenizer

NAMES = {0: "O", 1: "B-X", 2: "I-X"}
CRF = {"use_crf": True, "crf_constraints": "bio", "id2label": NAMES}


class TestRecurrentForTokenClassification(RecurrentHeadTests):
    model_class, auto_class = RecurrentForTokenClassification, AutoModelForTokenClassification
    head_weights = {"classifier": r"^classifier\."}  # noqa: RUF012
    problem_types = (None,)

    def outputs_of_rows(self, outputs, attention_mask):
        assert not outputs.logits[attention_mask == 0].any()
        return [logits[mask] for logits, mask in zip(outputs.logits, attention_mask.bool(), strict=True)]

    def make_labels(self, problem_type, attention_mask):
        steps = attention_mask.cumsum(1)
        labels = (steps * 5 + torch.arange(len(steps))[:, None]) % 3
        # The fourth token of a row is the second token of a word.
        return labels.masked_fill((attention_mask == 0) | (steps == 4), -100)


def make_tagger(seed=3, **config):
    """A model with random weights of the CRF."""
    model = TestRecurrentForTokenClassification().make_model(**config)
    random = torch.Generator().manual_seed(seed)
    if model.config.use_crf:
        with torch.no_grad():
            for parameter in model.crf.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=random))
    return model


def make_labels(mask):
    return TestRecurrentForTokenClassification().make_labels(None, mask)


@pytest.mark.parametrize(
    "config",
    [{}, {"class_weights": [0.5, 2.0, 1.25]}, {"label_smoothing": 0.2}],
    ids=["plain", "weights", "smoothing"],
)
def test_loss_equals_the_reference(config):
    model = make_tagger(**config)
    batch, mask = pad_rows(make_rows(), "mixed")
    labels = make_labels(mask)
    outputs = model(batch, attention_mask=mask, labels=labels)
    tagged = labels != -100
    logits, wanted = outputs.logits[tagged], labels[tagged]
    losses = F.cross_entropy(logits, wanted, reduction="none", label_smoothing=config.get("label_smoothing", 0.0))
    losses = losses * torch.tensor(config.get("class_weights", [1.0] * 3))[wanted]
    torch.testing.assert_close(outputs.loss, losses.mean())
    assert outputs.predictions is None
    # Labels at padding are ignored.
    filled = labels.masked_fill(mask == 0, 1)
    assert torch.equal(model(batch, attention_mask=mask, labels=filled).loss, outputs.loss)


def test_padding_does_not_change_a_crf():
    model = make_tagger(**CRF).double()
    losses, found, tags = [], [], []
    for row, row_labels in zip(make_rows(), make_labels(pad_rows(make_rows(), "right")[1]), strict=True):
        labels = row_labels[None, : len(row)]
        losses.append(model(row[None], labels=labels, num_items_in_batch=1).loss)
        found.append(gradients(model, losses[-1]))
        tags.append(model(row[None]).predictions[0])
    expected = {name: sum(each[name] for each in found) for name in found[0]}
    assert all(gradient.any() for gradient in expected.values())
    for side, extra in zip(SIDES, (0, 3, 2), strict=True):
        batch, mask = pad_rows(make_rows(), side, extra)
        outputs = model(batch, attention_mask=mask, labels=make_labels(mask), num_items_in_batch=1)
        torch.testing.assert_close(outputs.loss, sum(losses), rtol=1e-10, atol=1e-10)
        assert_all_close(gradients(model, outputs.loss), expected)
        predictions = model(batch, attention_mask=mask).predictions
        assert torch.equal(predictions == -100, mask == 0)
        assert all(torch.equal(row[kept], tag) for row, kept, tag in zip(predictions, mask.bool(), tags, strict=True))


def test_crf_loss_does_not_depend_on_the_split_of_a_batch():
    model = make_tagger(**CRF)
    batch, mask = pad_rows(make_rows(), "mixed")
    labels = make_labels(mask)
    whole = model(batch, attention_mask=mask, labels=labels).loss
    items = labels.ne(-100).sum()
    parts = [
        model(batch[part], attention_mask=mask[part], labels=labels[part], num_items_in_batch=items).loss
        for part in (slice(0, 3), slice(3, None))
    ]
    torch.testing.assert_close(sum(parts), whole)


def test_predictions_are_at_the_requested_positions():
    model = make_tagger(**CRF)
    batch, mask = pad_rows(make_rows(), "left", 1)
    labels = make_labels(mask)
    assert torch.equal(model(batch, attention_mask=mask, labels=labels).predictions == -100, labels == -100)
    wanted = torch.ones_like(mask)
    wanted[:, -2] = 0
    outputs = model(batch, attention_mask=mask, labels=labels, decode_mask=wanted)
    assert torch.equal(outputs.predictions != -100, (mask * wanted).bool())
    plain = model(batch, attention_mask=mask, return_dict=False)
    assert torch.equal(plain[0], outputs.logits) and plain[1].dtype == torch.long
    assert model.train()(batch, attention_mask=mask).predictions is None
    for name in ("labels", "decode_mask"):
        with pytest.raises(ValueError, match=rf"{name} has shape \(7, 9\), the inputs .* have \(7, 10\)"):
            model(batch, attention_mask=mask, **{name: wanted[:, 1:]})


def test_predictions_satisfy_the_constraints():
    batch, mask = pad_rows(make_rows((40, 25, 9)), "right")
    for constraints in (None, "bio"):
        model = make_tagger(seed=5, **CRF | {"crf_constraints": constraints})
        with torch.no_grad():
            model.classifier.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
        predictions = model(batch, attention_mask=mask).predictions
        after_o = (predictions[:, 1:] == 2) & (predictions[:, :-1] == 0)
        broken = after_o.any() or (predictions[:, 0] == 2).any()
        assert broken == (constraints is None)


def test_saved_crf_gives_identical_outputs(tmp_path):
    model = make_tagger(**CRF)
    model.save_pretrained(tmp_path)
    batch, mask = pad_rows(make_rows(), "mixed")
    inputs = {"input_ids": batch, "attention_mask": mask, "labels": make_labels(mask)}
    expected = model(**inputs)
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path)
    found = loaded(**inputs)
    assert torch.equal(found.loss, expected.loss) and torch.equal(found.predictions, expected.predictions)
    # The constraints are not saved. After loading, constraints and missing weights are initialised.
    saved = load_file(tmp_path / "model.safetensors")
    assert {name for name in saved if "crf" in name} == {"crf.transitions", "crf.start", "crf.end"}
    kept = {name: value for name, value in saved.items() if name != "crf.transitions"}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    again = RecurrentForTokenClassification.from_pretrained(tmp_path)
    assert not again.crf.transitions.any() and torch.equal(again.crf.start, model.crf.start)
    assert_all_close(dict(again.crf.named_buffers()), dict(model.crf.named_buffers()), 0)
    assert again.crf.forbidden_between.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_crf_works_under_autocast():
    model = make_tagger(**CRF)
    batch, mask = pad_rows([*make_rows(), torch.empty(0, dtype=torch.long)], "left")
    inputs = {"input_ids": batch, "attention_mask": mask, "labels": make_labels(mask)}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(**inputs).loss
    torch.testing.assert_close(found, model(**inputs).loss, rtol=0.02, atol=0.02)
    assert all(gradient.isfinite().all() for gradient in gradients(model, found).values())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"use_crf": True, "label_smoothing": 0.1}, "label_smoothing cannot be combined with use_crf"),
        (
            {"use_crf": True, "class_weights": [1, 2]},
            "class_weights and label_smoothing cannot be combined",
        ),
        ({"crf_constraints": "bio"}, r"crf_constraints \('bio'\) needs use_crf=True"),
        ({"use_crf": True, "crf_constraints": "iob"}, r"expected one of \('bio', 'bioes'\), got iob"),
    ],
)
def test_config_rejects_settings_that_exclude_each_other(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        RecurrentConfig(**values)


def test_pipeline_returns_the_tags():
    texts = ["a good film", "bad"]
    tokenizer = train_tokenizer("word", texts * 2, vocab_size=40, model_max_length=16)
    model = make_tagger(vocab_size=len(tokenizer), id2label=NAMES)
    tag = pipeline("token-classification", model=model, tokenizer=tokenizer, ignore_labels=[], device="cpu")
    logits = model(**tokenizer(texts[0], return_tensors="pt")).logits[0]
    words = tag(texts)[0]
    assert len(words) == 3
    assert [word["entity"] for word in words] == [NAMES[logits[word["index"]].argmax().item()] for word in words]
