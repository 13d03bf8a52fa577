import itertools
from collections import defaultdict

import pytest
import torch
from head_tests import RecurrentHeadTests
from ragged import LENGTHS, SMALL, assert_all_close, gradients, make_rows, pad_rows
from torch.nn import functional as F
from transformers import AutoModelForCTC, set_seed

from hfseq import RecurrentConfig, RecurrentForCTC
from hfseq.models.recurrent.losses import ctc_loss

BLANK = SMALL["pad_token_id"]
VOCABULARY = SMALL["vocab_size"]


class TestRecurrentForCTC(RecurrentHeadTests):
    model_class, auto_class = RecurrentForCTC, AutoModelForCTC
    head_weights = {"head": r"^lm_head\."}  # noqa: RUF012
    problem_types = (None,)

    def make_model(self, **config):
        # With numeric inputs, the outputs also have a vocabulary.
        set_seed(0)
        return self.model_class(RecurrentConfig(**SMALL | self.settings | config)).eval()

    def outputs_of_rows(self, outputs, attention_mask):
        return [logits[mask] for logits, mask in zip(outputs.logits, attention_mask.bool(), strict=True)]

    def make_labels(self, problem_type, attention_mask):
        rows = torch.arange(1, len(attention_mask) + 1)[:, None] * torch.tensor([1, 2, 1]) % (VOCABULARY - 1) + 1
        # Short rows have few labels, and one row has none.
        sizes = (attention_mask.sum(1) // 2).clamp(max=3)
        sizes[-1] = 0
        return rows.masked_fill(torch.arange(3) >= sizes[:, None], -100)


def make_ctc(**config):
    return TestRecurrentForCTC().make_model(**config)


def ragged_batch(side, extra=0, features=None):
    rows = make_rows(features=features)
    if features is not None:
        rows = [row.float() for row in rows]
    return pad_rows(rows, side, extra)


@pytest.mark.parametrize("features", [None, 3], ids=["tokens", "numeric"])
def test_loss_uses_the_real_frames_of_each_row(features):
    """Compares loss and gradients with those of torch for single rows, for each side of padding."""
    inputs = {} if features is None else {"input_features": features}
    model = make_ctc(**inputs)
    labels = TestRecurrentForCTC().make_labels(None, ragged_batch("right")[1])
    total = 0
    for row, row_labels in zip(make_rows(features=features), labels, strict=True):
        target = row_labels[row_labels != -100]
        batch = row[None] if features is None else row[None].float()
        log_probs = model(**{model.main_input_name: batch}).logits[0].log_softmax(-1)
        total = total + F.ctc_loss(log_probs, target, (len(row),), (len(target),), blank=BLANK, reduction="sum")
    expected = total / labels.ne(-100).sum()
    expected_gradients = gradients(model, expected)
    for side, extra in (("left", 0), ("right", 3), ("mixed", 2)):
        batch, mask = ragged_batch(side, extra, features)
        loss = model(**{model.main_input_name: batch}, attention_mask=mask, labels=labels).loss
        torch.testing.assert_close(loss, expected)
        assert_all_close(gradients(model, loss), expected_gradients, 1e-5)


def test_labels_may_be_padded_anywhere():
    model = make_ctc()
    batch, mask = ragged_batch("right")
    labels = TestRecurrentForCTC().make_labels(None, mask)
    shifted = torch.cat([torch.full((len(labels), 1), -100), labels], 1)[:, torch.tensor([1, 0, 2, 3])]
    losses = [model(batch, attention_mask=mask, labels=given).loss for given in (labels, shifted)]
    assert torch.equal(*losses)


@pytest.mark.parametrize("zero_infinity", [True, False])
def test_rows_with_too_few_frames_have_no_loss(zero_infinity):
    model = make_ctc(ctc_zero_infinity=zero_infinity)
    batch, mask = ragged_batch("mixed", 2)
    mask[-1] = 0
    labels = torch.full((len(LENGTHS), 2), -100)
    labels[0] = torch.tensor([5, 5])  # three frames: the repetition fits, with a blank between
    kept = [0, 1, 3, 4, 5]
    fits = model(batch[kept], attention_mask=mask[kept], labels=labels[kept], num_items_in_batch=1).loss
    labels[2] = torch.tensor([4, 3])  # one frame
    labels[-1, 0] = 1  # none
    loss = model(batch, attention_mask=mask, labels=labels, num_items_in_batch=1).loss
    assert fits.isfinite() and fits > 0
    if not zero_infinity:
        assert loss == torch.inf
        return
    torch.testing.assert_close(loss, fits)
    assert_all_close(gradients(model, loss), gradients(model, fits), 1e-6)


def test_batch_without_frames_has_no_loss():
    model = make_ctc()
    ids, mask = torch.ones(2, 3, dtype=torch.long), torch.zeros(2, 3)
    outputs = model(ids, attention_mask=mask, labels=torch.tensor([[1], [-100]]))
    assert outputs.loss == 0
    assert all(gradient.isfinite().all() for gradient in gradients(model, outputs.loss).values())
    assert model.decode(outputs.logits, mask) == [[], []]


def test_loss_is_in_float32_under_autocast():
    model = make_ctc()
    batch, mask = ragged_batch("left")
    labels = TestRecurrentForCTC().make_labels(None, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(batch, attention_mask=mask, labels=labels)
    assert outputs.logits.dtype == torch.bfloat16 and outputs.loss.dtype == torch.float32
    torch.testing.assert_close(outputs.loss, model(batch, attention_mask=mask, labels=labels).loss, rtol=0.02, atol=0)


def test_probability_of_the_blank_is_one_at_padding():
    """Decoders without a mask, and the loss of torch, are then correct with padding on one side."""
    model = make_ctc()
    labels = TestRecurrentForCTC().make_labels(None, ragged_batch("right")[1])[:-1]
    for side in ("left", "right"):
        batch, mask = (part[:-1] for part in ragged_batch(side, 2))
        outputs = model(batch, attention_mask=mask, labels=labels)
        assert model.decode(outputs.logits) == model.decode(outputs.logits, mask)
        whole = torch.full((len(batch),), batch.size(1))
        again = ctc_loss(outputs.logits, whole, labels, BLANK, zero_infinity=True)
        # If a row is too short for its labels, padding would add frames. All rows are long enough here.
        torch.testing.assert_close(again, outputs.loss)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_decoding_does_not_depend_on_padding(beam_size):
    model = make_ctc()
    torch.nn.init.normal_(model.lm_head.weight)
    expected = [model.decode(model(row[None]).logits, beam_size=beam_size)[0] for row in make_rows(LENGTHS, seed=3)]
    assert max(map(len, expected)) > 2
    for side in ("left", "right", "mixed"):
        batch, mask = pad_rows(make_rows(LENGTHS, seed=3), side, 2)
        assert model.decode(model(batch, attention_mask=mask).logits, mask, beam_size) == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[VOCABULARY, 1], [1, 1]], rf"label {VOCABULARY} cannot be in a CTC target: labels must be between 0 and 22"),
        ([[1, -1], [1, 1]], "label -1 cannot be in a CTC target"),
        ([[1, BLANK], [1, 1]], r"label 0 cannot .* but not the blank, 0. The label at padding is -100"),
        ([[1, 2]], r"of shape \(batch, target_length\) with a batch of 2, not \(1, 2\)"),
        ([1, 2], r"not \(2,\)"),
    ],
)
def test_loss_rejects_invalid_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        make_ctc()(torch.ones(2, 5, dtype=torch.long), labels=torch.tensor(labels))


def test_ctc_model_needs_a_vocabulary_and_a_blank():
    with pytest.raises(ValueError, match="of a CTC model needs vocab_size"):
        RecurrentForCTC(RecurrentConfig(input_features=3, pad_token_id=0))
    with pytest.raises(ValueError, match=r"of a CTC model needs pad_token_id \(the blank\)"):
        RecurrentForCTC(RecurrentConfig(vocab_size=9))


def test_loss_equals_the_sum_over_all_alignments():
    logits = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    by_labelling = all_labellings(logits[0].log_softmax(-1), blank=1)
    for labels, log_probability in by_labelling.items():
        loss = ctc_loss(logits, torch.tensor([4]), torch.tensor([labels], dtype=torch.long), 1, 1)
        assert loss.item() == pytest.approx(-log_probability, abs=1e-5)


def all_labellings(log_probs, blank):
    """The log probability of each labelling, from all alignments."""
    found = defaultdict(float)
    for path in itertools.product(range(log_probs.size(1)), repeat=len(log_probs)):
        merged = [symbol for symbol, _ in itertools.groupby(path)]
        score = sum(log_probs[step, symbol].item() for step, symbol in enumerate(path))
        found[tuple(symbol for symbol in merged if symbol != blank)] += torch.tensor(score, dtype=torch.float64).exp()
    return {labels: value.log().item() for labels, value in found.items()}
