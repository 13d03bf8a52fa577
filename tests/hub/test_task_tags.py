"""The names of tasks on a card are those of the tasks."""

import transformers

from hfseq.hub.card_sections import loading
from hfseq.hub.task_tags import _TAGS, task_tags
from hfseq.tasks import TASKS


def test_every_task_has_a_tag_and_its_own_auto_class():
    assert set(TASKS) <= set(_TAGS)
    for name, tags in _TAGS.items():
        task = TASKS.get(name.split("/")[0])
        assert hasattr(transformers, tags.auto_class)
        if task is not None:
            assert task.auto_class.__name__ == tags.auto_class


def test_the_modality_counts():
    assert task_tags({"task": "sequence_classification"}).tag == "text-classification"
    assert task_tags({"task": "sequence_classification", "data": {"modality": "video"}}).tag == "video-classification"
    assert task_tags({"task": "forecasting", "data": {"modality": "series"}}).tag == "time-series-forecasting"
    assert task_tags({"task": "juggling"}) is None


def test_a_model_without_a_pipeline_is_loaded_by_its_auto_class():
    text = loading({"task": "ctc", "data": {"modality": "audio"}}, "tester/my-model")
    assert "hfseq predict tester/my-model --input FILE" in text
    assert 'AutoModelForCTC.from_pretrained("tester/my-model", trust_remote_code=True)' in text
    assert "pipeline" not in text
