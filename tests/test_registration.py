"""The models are registered with the Auto classes, in any order of importing hfseq and transformers."""

import subprocess
import sys

import pytest

import hfseq
from hfseq.registration import register_with_transformers

CHECK = """
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

config = AutoConfig.for_model("hfseq_recurrent", vocab_size=7, hidden_size=2)
assert type(config) is hfseq.RecurrentConfig
assert type(AutoModel.from_config(config)) is hfseq.RecurrentModel
head = AutoModelForSequenceClassification.from_config(config)
assert type(head) is hfseq.RecurrentForSequenceClassification
waiting = [finder.module for finder in sys.meta_path if type(finder).__module__.startswith("hfseq")]
assert not set(waiting) & set(sys.modules)
print("registered")
"""

ORDERS = {
    "hfseq first, then a model": """
        import hfseq
        assert not {"torch", "transformers", "datasets"} & set(sys.modules), "import hfseq is slow"
        from transformers import BertModel
    """,
    "a tokenizer before hfseq, the trainer after it": """
        from transformers import AutoTokenizer
        import hfseq
        from transformers import Trainer, pipeline
    """,
    "a base class before hfseq, a tokenizer after it": """
        from transformers import PreTrainedModel
        import hfseq
        from transformers import AutoTokenizer
    """,
    "the Auto classes before hfseq": """
        from transformers import AutoModel, Trainer
        import hfseq
    """,
    "hfseq first, then a recurrent model": """
        import hfseq
        from hfseq import RecurrentForSequenceClassification
        from transformers import pipeline
    """,
}


# Each order needs a process of its own: two in the default run, the others in the slow one.
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(code, id=name, marks=[] if position < 2 else [pytest.mark.slow])
        for position, (name, code) in enumerate(ORDERS.items())
    ],
)
def test_auto_classes_find_the_recurrent_model(order):
    lines = "\n".join(line.strip() for line in order.splitlines())
    process = subprocess.run([sys.executable, "-c", f"import sys\n{lines}{CHECK}"], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout == "registered\n"


def test_model_type_conflict_with_transformers_is_an_error(monkeypatch):
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    # Simulates a future release of transformers with a model type of this name.
    monkeypatch.setitem(CONFIG_MAPPING._mapping, "hfseq_recurrent", "SomeConfig")
    with pytest.raises(ValueError, match="'hfseq_recurrent' is already used by a Transformers config"):
        register_with_transformers()


def test_unknown_public_name_is_an_error():
    with pytest.raises(AttributeError, match="module 'hfseq' has no attribute 'nonexistent'"):
        hfseq.nonexistent  # noqa: B018
    assert {"RecurrentConfig", "compare", "__version__"} <= set(dir(hfseq))
    assert set(hfseq.__all__) <= set(dir(hfseq))


# One class of each file that imports Auto classes of transformers, and every processor.
FIRST = [
    "hfseq.FeatureTransformerConfig",
    "hfseq.FeatureTransformerModel",
    "hfseq.RecurrentEncoderDecoder",
    "hfseq.RecurrentEncoderDecoderConfig",
    "hfseq.modalities.image.caption_processor.CaptionProcessor",
    "hfseq.modalities.dna.tokenization_dna.DNATokenizer",
    "hfseq.modalities.image.image_processing.ImageProcessor",
    "hfseq.modalities.audio.feature_extraction_log_mel.LogMelFeatureExtractor",
    "hfseq.modalities.series.feature_extraction_series.SeriesFeatureExtractor",
    "hfseq.modalities.video.feature_extraction_video.VideoFeatureExtractor",
]


@pytest.mark.slow
def test_every_model_can_be_imported_first(process_environment):
    """Checks for import cycles: models import the Auto classes of transformers, which import the models."""
    code = f"""
import importlib, os, torch
import hfseq

children = {{}}
for name in {FIRST}:
    child = os.fork()
    if not child:
        module, _, attribute = name.rpartition(".")
        os._exit(0 if getattr(importlib.import_module(module), attribute).__name__ == attribute else 1)
    children[name] = child
failed = [name for name, child in children.items() if os.waitpid(child, 0)[1]]
assert not failed, failed
"""
    process = subprocess.run([sys.executable, "-c", code], env=process_environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
