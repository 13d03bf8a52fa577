"""Generation and training of the encoder-decoder, also without hfseq."""

import itertools

import pytest
import torch
from encoder_decoder_cases import END, KINDS, PAD, START, make_images, make_model, make_sources
from ragged import pad_rows
from test_remote_code import run_without_hfseq
from transformers import AutoModelForImageTextToText, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq

from hfseq import RecurrentConfig, RecurrentEncoderDecoder, RecurrentEncoderDecoderConfig


def make_writer(encoder="recurrent", **settings):
    """A model with large weights, so that its outputs depend on the source."""
    model = make_model(encoder, hidden_size=8, **settings)
    for parameter in model.parameters():
        parameter.data *= 3
    return model


def write(model, sources, mask=None, **arguments):
    """The generated tokens for each source, up to the end token."""
    arguments = {"max_new_tokens": 8} | arguments
    if mask is not None:
        arguments["attention_mask"] = mask
    written = model.generate(**{model.main_input_name: sources}, **arguments)
    assert (written[:, 0] == START).all()
    return [row[1 : row.index(END, 1) + 1] if END in row[1:] else row[1:] for row in written.tolist()]


@pytest.mark.parametrize("num_beams", [1, 3])
@pytest.mark.parametrize(("attention", "feeding"), KINDS)
def test_padded_batch_generates_the_same_as_single_sources(attention, feeding, num_beams):
    model = make_writer(attention=attention, input_feeding=feeding)
    sources = make_sources("recurrent")
    expected = [write(model, source[None], num_beams=num_beams)[0] for source in sources]
    assert len({tuple(row) for row in expected}) > 1
    for side in ("left", "right"):
        batch, mask = pad_rows(sources, side, 2)
        assert write(model, batch, mask, num_beams=num_beams) == expected
    # Without a state, all tokens are read again for each new token.
    assert write(model, *pad_rows(sources, "mixed"), num_beams=num_beams, use_cache=False) == expected


@pytest.mark.parametrize("encoder", ["bert", "numeric", "vit", "resnet"])
def test_generate_works_with_each_encoder(encoder):
    model = make_writer(encoder, attention="additive", cell_type="gru")
    if encoder in ("vit", "resnet"):
        images = make_images()
        batches = [(images, None)]
        expected = [write(model, image[None], num_beams=2)[0] for image in images]
    else:
        batches = [pad_rows(make_sources(encoder), side) for side in ("left", "right")]
        batches = [(batch.to(torch.float32 if encoder == "numeric" else torch.long), mask) for batch, mask in batches]
        expected = [
            write(model, source[None].to(batches[0][0].dtype), num_beams=2)[0] for source in make_sources(encoder)
        ]
    for batch in batches:
        assert write(model, *batch, num_beams=2) == expected


def test_encoder_runs_once_per_generation():
    model = make_writer()
    calls = []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    written = write(model, sources, mask, num_beams=3, use_cache=False)
    assert len(calls) == 1
    assert written == write(model, sources, mask, num_beams=3, encoder_outputs=model.encoder(sources, mask))


@pytest.mark.parametrize(("attention", "feeding"), KINDS[2:])
def test_wide_beam_finds_the_best_target(attention, feeding):
    model = make_writer(attention=attention, input_feeding=feeding, vocab_size=5)
    source, length = make_sources("recurrent")[1][None], 4
    found = model.generate(
        source, num_beams=5**3, max_new_tokens=length, min_new_tokens=length, length_penalty=0.0, early_stopping=False
    )
    # END must not be generated before the last token.
    targets = torch.tensor(list(itertools.product([0, 1, 3, 4], [0, 1, 3, 4], [0, 1, 3, 4], range(5))))
    inputs = torch.cat((torch.full((len(targets), 1), START), targets[:, :-1]), 1)
    logits = model(source.expand(len(targets), -1), decoder_input_ids=inputs).logits
    # Forbidden tokens are not part of the sum.
    scores = logits.log_softmax(-1).gather(2, targets.unsqueeze(-1)).sum((1, 2))
    assert found[0, 1:].tolist() == targets[scores.argmax()].tolist()


def test_sampling_is_reproducible():
    model = make_writer(attention="multiplicative", input_feeding=True)
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        drawn.append(write(model, sources, mask, do_sample=True, num_return_sequences=3, top_k=0))
    assert drawn[0] == drawn[1] and len(drawn[0]) == 12 and len({tuple(row) for row in drawn[0]}) > 6


def test_generate_returns_attention():
    model = make_writer(attention="additive", input_feeding=True)
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    outputs = model.generate(
        sources, attention_mask=mask, max_new_tokens=4, output_attentions=True, return_dict_in_generate=True
    )
    for (weights,) in outputs.cross_attentions:
        assert weights.shape == (4, 1, 1, sources.size(1))
        assert not weights[~mask.bool()[:, None, None]].any()
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, 1, 1))


@pytest.mark.parametrize(("attention", "feeding"), KINDS)
def test_size_of_the_decoder_state_is_constant(attention, feeding):
    model = make_model(attention=attention, input_feeding=feeding)

    def size_after(length):
        state = model(
            torch.ones(2, 3).long(), decoder_input_ids=torch.ones(2, length).long(), use_cache=True
        ).past_key_values
        assert state.get_seq_length() == length
        tensors = [*state.recurrent.tensors(), *state.memory.tensors(), state.feed]
        return sum(tensor.numel() for tensor in tensors if tensor is not None)

    assert size_after(1) == size_after(200) > 0


@pytest.mark.parametrize(("attention", "feeding"), KINDS)
def test_state_is_reordered_with_the_beams(attention, feeding):
    model = make_model(attention=attention, input_feeding=feeding)
    sources, mask = pad_rows(make_sources("recurrent"), "left")
    tokens, order = torch.randint(3, 11, (4, 3)), torch.tensor([2, 0, 0, 3])
    state = model(sources, mask, tokens[:, :2], use_cache=True).past_key_values
    state.reorder_cache(order)
    found = model(decoder_input_ids=tokens[order, 2:], past_key_values=state).logits[:, 0]
    torch.testing.assert_close(found, model(sources, mask, tokens).logits[order, 2])


def test_generate_continues_given_decoder_inputs():
    model = make_writer()
    sources = make_sources("recurrent")[1][None]
    written = model.generate(sources, max_new_tokens=8)
    beginning = written[:, :4]
    again = model.generate(
        sources,
        decoder_input_ids=torch.cat((torch.full((1, 2), 7), beginning), 1),
        decoder_attention_mask=torch.tensor([[0, 0, 1, 1, 1, 1]]),
        max_new_tokens=written.size(1) - 4,
        decoder_start_token_id=7,
    )
    assert again[0, 2:].tolist() == written[0].tolist()


@pytest.mark.parametrize(("attention", "feeding"), [("multiplicative", False), ("additive", True)])
def test_model_learns_to_reverse(attention, feeding):
    torch.manual_seed(0)
    encoder = RecurrentConfig(vocab_size=12, embedding_size=16, hidden_size=16, pad_token_id=PAD)
    config = RecurrentEncoderDecoderConfig(
        encoder=encoder, vocab_size=12, embedding_size=16, hidden_size=32, attention=attention, input_feeding=feeding,
        cell_type="gru", pad_token_id=PAD, bos_token_id=START, eos_token_id=END,
    )  # fmt: skip
    model = RecurrentEncoderDecoder(config)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)

    def draw(count):
        lengths = torch.randint(2, 6, (count,))
        rows = [torch.randint(3, 12, (length,)) for length in lengths.tolist()]
        batch, mask = pad_rows(rows, "left")
        labels = [torch.cat((row.flip(0), torch.tensor([END]))) for row in rows]
        return batch, mask, torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)

    for _ in range(120):
        batch, mask, labels = draw(48)
        optimizer.zero_grad()
        model(batch, mask, labels=labels).loss.backward()
        optimizer.step()
    model.eval()
    batch, mask, labels = draw(50)
    written = write(model, batch, mask)
    expected = [row[row.ne(-100)].tolist() for row in labels]
    assert sum(one == other for one, other in zip(written, expected, strict=True)) >= 45


@pytest.mark.parametrize(
    ("encoder", "auto_class"),
    [
        ("recurrent", AutoModelForSeq2SeqLM),
        ("bert", AutoModelForSeq2SeqLM),
        ("resnet", AutoModelForImageTextToText),
        ("numeric", AutoModelForSpeechSeq2Seq),
    ],
)
def test_auto_classes_know_the_model(encoder, auto_class, tmp_path):
    model = make_model(encoder)
    model.save_pretrained(tmp_path)
    loaded = auto_class.from_pretrained(tmp_path)
    assert type(loaded) is RecurrentEncoderDecoder and loaded.main_input_name == model.main_input_name
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in model.state_dict().items())
    assert type(auto_class.from_config(loaded.config)) is RecurrentEncoderDecoder


REMOTE = """
from transformers import AutoModelForImageTextToText, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq

torch.set_grad_enabled(False)
for name in ("recurrent", "bert", "resnet"):
    case = torch.load(work / name / "case.pt")
    for auto in (AutoModelForSeq2SeqLM, AutoModelForImageTextToText, AutoModelForSpeechSeq2Seq):
        model = auto.from_pretrained(work / name, trust_remote_code=True)
        assert type(model).__module__.startswith("transformers_modules"), type(model)
    found = model(**case["inputs"]).logits
    assert torch.equal(found, case["logits"]), name
    del case["inputs"]["labels"]
    assert torch.equal(model.generate(**case["inputs"], num_beams=2, max_new_tokens=5), case["written"]), name
model.save_pretrained(work / "again")
again = AutoModelForSeq2SeqLM.from_pretrained(work / "again", trust_remote_code=True)
assert torch.equal(again(**case["inputs"], decoder_input_ids=case["written"]).logits,
                   model(**case["inputs"], decoder_input_ids=case["written"]).logits)
print("all equal")
"""


@pytest.mark.slow
def test_loads_without_hfseq(tmp_path, monkeypatch):
    # Without hfseq there is no compiled kernel.
    monkeypatch.setenv("HFSEQ_ENGINE", "torch")
    for name in ("recurrent", "bert", "resnet"):
        model = make_writer(name, attention="additive", input_feeding=name == "bert")
        inputs = {"pixel_values": make_images()}
        if name != "resnet":
            sources, mask = pad_rows(make_sources(name), "mixed", 1)
            inputs = {"input_ids": sources, "attention_mask": mask}
        labels = torch.full((len(next(iter(inputs.values()))), 3), 7)
        model.save_pretrained(tmp_path / name)
        with torch.no_grad():
            case = {"inputs": inputs | {"labels": labels}, "logits": model(**inputs, labels=labels).logits}
        case["written"] = model.generate(**inputs, num_beams=2, max_new_tokens=5)
        torch.save(case, tmp_path / name / "case.pt")
    done = run_without_hfseq(REMOTE, tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all equal\n")
