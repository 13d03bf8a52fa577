"""`pipeline()` of transformers loads saved folders after `import hfseq`, without remote code."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoProcessor,
    AutoTokenizer,
    ResNetConfig,
    pipeline,
    set_seed,
)

from hfseq import (
    FeatureTransformerConfig,
    FeatureTransformerForSequenceClassification,
    RecurrentConfig,
    RecurrentEncoderDecoder,
    RecurrentEncoderDecoderConfig,
    RecurrentForCTC,
    RecurrentForSequenceClassification,
)
from hfseq.data.batching.processor_pair import ProcessorPair
from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.image.caption_processor import CaptionProcessor
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor
from hfseq.tasks.ctc.task import CTC
from hfseq.tasks.ctc.texts import collapse_when_decoding, collapses, decode_merged
from hfseq.tasks.text_generation.target_tokens import target_values

RATE = 8_000


@pytest.fixture(autouse=True)
def no_questions(monkeypatch):
    """Fails if transformers asks the user whether to run remote code."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("transformers asked to run remote code"))


def classifier(**settings):
    set_seed(0)
    return RecurrentForSequenceClassification(RecurrentConfig(hidden_size=8, num_labels=3, **settings)).eval()


def recording(seconds=0.3, seed=0):
    return np.random.default_rng(seed).normal(size=int(seconds * RATE)).astype(np.float32)


def assert_scores(found, logits):
    expected = logits.softmax(-1).squeeze(0)
    assert {one["label"] for one in found} == {f"LABEL_{number}" for number in range(len(expected))}
    for one in found:
        assert one["score"] == pytest.approx(float(expected[int(one["label"][-1])]), abs=1e-5)


@torch.no_grad()
def test_dna_pipeline_equals_the_model(tmp_path):
    tokenizer = DNATokenizer(k=3, add_cls_sep=True)
    model = classifier(vocab_size=len(tokenizer), embedding_size=4)
    for one in (model, tokenizer):
        one.save_pretrained(tmp_path)
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is DNATokenizer
    classify = pipeline("text-classification", str(tmp_path), top_k=None, device="cpu")
    assert_scores(classify(["ACGTNAGGT"])[0], model(**tokenizer("ACGTNAGGT", return_tensors="pt")).logits)


@torch.no_grad()
@pytest.mark.parametrize("family", ["recurrent", "feature_transformer"])
def test_audio_pipeline_equals_the_model(family, tmp_path):
    extractor = LogMelFeatureExtractor(sampling_rate=RATE, num_mel_bins=8)
    if family == "recurrent":
        model = classifier(input_features=8)
    else:
        set_seed(0)
        config = FeatureTransformerConfig(input_features=8, hidden_size=8, num_attention_heads=2, num_labels=3)
        model = FeatureTransformerForSequenceClassification(config).eval()
    for one in (model, extractor):
        one.save_pretrained(tmp_path)
    assert type(AutoFeatureExtractor.from_pretrained(tmp_path)) is LogMelFeatureExtractor
    classify = pipeline("audio-classification", str(tmp_path), device="cpu")
    audio = recording()
    expected = model(**extractor(audio, RATE, return_tensors="pt")).logits
    assert_scores(classify(audio), expected)
    assert_scores(classify({"array": audio, "sampling_rate": RATE}), expected)


def transcribing_tokenizer(kind):
    texts = ["hello all", "a ball", "call hello"] * 4
    tokenizer = train_tokenizer(kind, texts, vocab_size=400, add_cls=False)
    plain = tokenizer.decode(tokenizer("hello all", add_special_tokens=False)["input_ids"])
    collapse_when_decoding(tokenizer)
    return tokenizer, plain


@pytest.mark.parametrize("kind", ["character", "word", "bpe", "wordpiece"])
def test_ctc_tokenizer_collapses_steps_but_not_labels(kind, tmp_path):
    tokenizer, plain = transcribing_tokenizer(kind)
    tokenizer.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert collapses(tokenizer) and plain == "hello all"
    labels = tokenizer("hello all", add_special_tokens=False)["input_ids"]
    assert decode_merged(tokenizer, labels) == plain
    assert decode_merged(tokenizer, [*labels, tokenizer.sep_token_id], skip_special_tokens=True) == plain
    steps = [0, 0]
    for label in labels:
        steps += [label, label, label, 0, 0]
    assert tokenizer.decode(steps) == plain
    before = tokenizer.backend_tokenizer.to_str()
    collapse_when_decoding(tokenizer)
    assert tokenizer.backend_tokenizer.to_str() == before


def test_speech_pipeline_returns_the_transcript(tmp_path):
    tokenizer, _ = transcribing_tokenizer("character")
    extractor = LogMelFeatureExtractor(sampling_rate=RATE, num_mel_bins=8)
    set_seed(0)
    config = RecurrentConfig(input_features=8, hidden_size=8, vocab_size=len(tokenizer), pad_token_id=0)
    model = RecurrentForCTC(config).eval()
    labels = tokenizer("hello", add_special_tokens=False)["input_ids"]

    def hello_logits(module, inputs, outputs):
        """Replaces the logits: the model predicts "hello", with two steps per letter and blanks between them."""
        steps = [step for label in labels for step in (label, label, 0)]
        outputs = torch.full_like(outputs, -5.0)
        for number, step in enumerate(steps):
            outputs[..., number, step] = 5.0
        outputs[..., len(steps) :, 0] = 5.0
        return outputs

    ProcessorPair(extractor, tokenizer).save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    transcribe = pipeline("automatic-speech-recognition", str(tmp_path), device="cpu")
    transcribe.model.lm_head.register_forward_hook(hello_logits)
    assert transcribe(recording()) == {"text": "hello"}
    with pytest.raises(ValueError, match="chunk_length_s and stride cannot be used, because this model reads"):
        transcribe(recording(), chunk_length_s=0.1)
    # The tokenizer of the pipeline decodes labels in hfseq as before.
    task = CTC(modality=None, processor=ProcessorPair(extractor, transcribe.tokenizer))
    assert task._texts([np.array([*labels, -100])]) == task._references([np.array([*labels, -100])]) == ["hello"]


@torch.no_grad()
def test_caption_pipeline_equals_generate(tmp_path):
    tokenizer = train_tokenizer("word", ["a red square", "a blue square", "two red dots"] * 3, vocab_size=40)
    processor = ImageProcessor(size=16)
    set_seed(0)
    encoder = ResNetConfig(num_channels=3, embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1])
    config = RecurrentEncoderDecoderConfig(
        encoder=encoder, hidden_size=8, embedding_size=8, attention="additive", **target_values(tokenizer)
    )
    model = RecurrentEncoderDecoder(config).eval()
    ProcessorPair(processor, tokenizer).save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    assert type(AutoImageProcessor.from_pretrained(tmp_path)) is ImageProcessor
    assert type(AutoProcessor.from_pretrained(tmp_path)) is CaptionProcessor
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8))
    describe = pipeline("image-text-to-text", str(tmp_path), device="cpu")
    settings = {"max_new_tokens": 6, "num_beams": 1, "do_sample": False}
    written = model.generate(**processor([picture], return_tensors="pt"), **settings)[0]
    expected = tokenizer.decode(written, skip_special_tokens=True)
    assert expected
    assert describe(picture, text="", generate_kwargs=settings)[0]["generated_text"] == expected
    assert describe(picture, text="a red", generate_kwargs=settings)[0]["generated_text"].startswith("a red")
    with pytest.raises(ValueError, match="there are 2 images, but texts of \\[0, 1\\] tokens"):
        CaptionProcessor(processor, tokenizer)([picture, picture], ["", "a"])


@pytest.mark.parametrize("kind", ["series", "video"])
def test_unsupported_pipelines_suggest_hfseq_predict(kind, tmp_path):
    extractor = {
        "series": SeriesFeatureExtractor(feature_size=4, normalize=None),
        "video": VideoFeatureExtractor(size=2),
    }[kind]
    classifier(input_features=4).save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    assert type(AutoFeatureExtractor.from_pretrained(tmp_path)) is type(extractor)
    for task, message in {
        "text-classification": r"cannot be used: .* has no tokenizer, .* Use `hfseq predict FOLDER --input FILE`",
        "audio-classification": r"transformers has no pipeline that reads (numeric series|videos).* `hfseq predict ",
    }.items():
        with pytest.raises(ValueError, match=message):
            pipeline(task, str(tmp_path), device="cpu")
