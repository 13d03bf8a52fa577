"""Names of tasks on a model card."""

import transformers

from hfseq.hub.card_sections import usage
from hfseq.hub.task_tags import task_tags
from hfseq.registry import tasks

# As the Hub spells them.
TAGS = {
    ("sequence_classification", "text"): "text-classification",
    ("sequence_classification", "dna"): "text-classification",
    ("sequence_classification", "series"): "time-series-classification",
    ("sequence_classification", "audio"): "audio-classification",
    ("sequence_classification", "video"): "video-classification",
    ("sequence_classification", "image"): "image-classification",
    ("sequence_classification", "music"): "audio-classification",
    ("token_classification", "text"): "token-classification",
    ("causal_lm", "text"): "text-generation",
    ("causal_lm", "music"): "text-to-audio",
    ("sequence_to_sequence", "text"): "translation",
    ("captioning", "image"): "image-to-text",
    ("ctc", "audio"): "automatic-speech-recognition",
    ("forecasting", "series"): "time-series-forecasting",
}


def test_task_tags_are_those_of_the_hub():
    assert {task for task, _ in TAGS} == set(tasks())
    for (task, modality), tag in TAGS.items():
        tags = task_tags({"task": task, "data": {"modality": modality}})
        assert tags.tag == tag
        assert hasattr(transformers, tags.auto_class)
        # Pipelines read texts only, and have no translation.
        assert tags.pipeline == (modality == "text" and task != "sequence_to_sequence")


def test_task_tags_depend_on_the_modality():
    assert task_tags({"task": "sequence_classification"}).tag == "text-classification"
    assert task_tags({"task": "sequence_classification", "data": {"modality": "video"}}).tag == "video-classification"
    assert task_tags({"task": "forecasting", "data": {"modality": "series"}}).tag == "time-series-forecasting"
    assert task_tags({"task": "juggling"}) is None


def test_usage_without_pipeline_shows_the_auto_class():
    text = usage({"task": "ctc", "data": {"modality": "audio"}}, "tester/my-model")
    assert "hfseq predict tester/my-model --input FILE" in text
    assert 'AutoModelForCTC.from_pretrained("tester/my-model", trust_remote_code=True)' in text
    assert "pipeline" not in text
