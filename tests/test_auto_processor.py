"""`AutoProcessor` loads the processor of a saved model of every modality after `import hfseq`, without remote code."""

import importlib
import pkgutil

import numpy as np
import pytest
import transformers
from transformers import AutoProcessor, PreTrainedTokenizerFast

import hfseq.modalities
from hfseq import RecurrentConfig
from hfseq.data.batching.processor_pair import ProcessorPair
from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.audio.speech_processor import SpeechProcessor
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.image.caption_processor import CaptionProcessor
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor
from hfseq.registry import modalities


def make_tokenizer():
    return train_tokenizer("word", ["a red square", "a blue square"] * 2, vocab_size=20)


SAVED = {
    "audio": (LogMelFeatureExtractor(8000, num_mel_bins=6), LogMelFeatureExtractor),
    "dna": (DNATokenizer(k=2), DNATokenizer),
    "image": (ProcessorPair(ImageProcessor(size=4), make_tokenizer()), CaptionProcessor),
    "music": (train_tokenizer("word", ["note_60 note_62"] * 2, vocab_size=20), PreTrainedTokenizerFast),
    "series": (SeriesFeatureExtractor(feature_size=2, normalize=None), SeriesFeatureExtractor),
    "text": (make_tokenizer(), PreTrainedTokenizerFast),
    "transcripts": (ProcessorPair(LogMelFeatureExtractor(8000, num_mel_bins=6), make_tokenizer()), SpeechProcessor),
    "video": (VideoFeatureExtractor(size=4), VideoFeatureExtractor),
}


def test_every_modality_is_tested():
    assert SAVED.keys() >= modalities().keys()


@pytest.mark.parametrize("name", SAVED)
def test_auto_processor_loads_the_processor_of_a_saved_model(name, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked whether to run remote code"))
    processor, expected = SAVED[name]
    processor.save_pretrained(tmp_path)
    RecurrentConfig(vocab_size=20, hidden_size=4).save_pretrained(tmp_path)
    assert type(AutoProcessor.from_pretrained(tmp_path)) is expected


def test_speech_processor_prepares_recordings_and_decodes_tokens(tmp_path):
    pair = SAVED["transcripts"][0]
    pair.save_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    processor.save_pretrained(tmp_path / "again")
    processor = AutoProcessor.from_pretrained(tmp_path / "again")
    recording = np.random.default_rng(0).normal(size=900)
    np.testing.assert_array_equal(
        processor(recording, 8000, return_tensors="np")["input_features"],
        pair.inputs(recording, 8000, return_tensors="np")["input_features"],
    )
    assert processor.batch_decode([pair.targets("a red square")["input_ids"]], skip_special_tokens=True) == [
        "a red square"
    ]
    assert "limits.py" in {path.name for path in (tmp_path / "again").glob("*.py")}


def test_every_registered_processor_exists():
    for folder in pkgutil.iter_modules(hfseq.modalities.__path__):
        package = importlib.import_module(f"hfseq.modalities.{folder.name}")
        for auto_class, references in getattr(package, "AUTO_CLASSES", {}).items():
            assert hasattr(transformers, auto_class)
            for reference in references:
                module, _, name = reference.partition(".")
                assert hasattr(importlib.import_module(f"{package.__name__}.{module}"), name)
