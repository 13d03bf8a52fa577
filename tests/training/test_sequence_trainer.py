"""SequenceTrainer on its own: with transformers' TrainingArguments, encoded data sets, and a task by name."""

import doctest
import inspect

import numpy as np
import pytest
import torch
import transformers
from datasets import Dataset
from small import TINY
from transformers import BertConfig, BertForSequenceClassification, set_seed

from hfseq import HfseqError, RecurrentConfig, RecurrentForSequenceClassification, SequenceTrainer
from hfseq.data.batching.bucketing import LengthBucketSampler
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.settings import resolve

TEXTS = ["a lovely film", "dull", "what a great and sunny day", "poor and cold"] * 6


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer("word", TEXTS, vocab_size=100)


@pytest.fixture
def dataset(tokenizer):
    """Encoded as transformers' users do it: the text is still there, and there is no column `length`."""
    rows = Dataset.from_dict({"text": TEXTS, "labels": [1, 0, 1, 0] * 6})
    return rows.map(lambda batch: tokenizer(batch["text"]), batched=True)


@pytest.fixture
def make_trainer(tokenizer, dataset, tmp_path):
    def make(task="sequence_classification", model=None, trainer=SequenceTrainer, **settings):
        set_seed(0)
        config = RecurrentConfig(vocab_size=len(tokenizer), hidden_size=8, embedding_size=8, dropout=0.0)
        return trainer(
            model=model or RecurrentForSequenceClassification(config),
            args=arguments(tmp_path, **settings),
            train_dataset=dataset,
            eval_dataset=dataset,
            processing_class=tokenizer,
            task=task,
        )

    return make


def arguments(folder, **settings):
    given = {"max_steps": 3, "report_to": "none", "use_cpu": True, "disable_tqdm": True, "learning_rate": 0.01}
    return transformers.TrainingArguments(str(folder / "out"), **{**given, **settings})


def test_docstring_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *lines, last = doctest.DocTestParser().get_examples(inspect.getdoc(SequenceTrainer))
    names = {}
    exec("".join(line.source for line in lines), names)
    assert "trainer.evaluate()" in last.source
    assert str(eval(last.source, names)) == last.want.strip()


@pytest.mark.parametrize("accumulation", [1, 3])
def test_loss_and_gradients_equal_those_of_the_model(accumulation, make_trainer, dataset):
    """The loss of the task, on all examples in one step, is transformers' own cross entropy."""
    size = len(TEXTS) // accumulation
    steps = {"per_device_train_batch_size": size, "gradient_accumulation_steps": accumulation}
    trainer = make_trainer(max_steps=1, logging_steps=1, **steps)
    model = trainer.model
    batch = trainer.data_collator([{k: v for k, v in row.items() if k != "text"} for row in dataset])
    expected = model(**batch).loss
    expected.backward()
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in model.parameters()])
    model.zero_grad()
    trainer.train()
    logged = trainer.state.log_history[0]
    assert logged["grad_norm"] == pytest.approx(norm.item(), rel=1e-4)
    # Trainer logs the sum of the losses of a step.
    assert logged["loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_predictions_keep_the_order_of_the_data_set(make_trainer, dataset):
    trainer = make_trainer()
    output = trainer.predict(dataset)
    assert output.label_ids.tolist() == dataset["labels"]
    single = [trainer.predict(dataset.select([row])).predictions[0] for row in (0, 1, 2, 3)]
    np.testing.assert_allclose(output.predictions[:4], single, atol=1e-6)
    assert {"test_accuracy", "test_f1_macro", "test_loss"} <= output.metrics.keys()


def test_model_of_transformers_is_trained_and_saved_with_its_tokenizer(make_trainer, tokenizer, tmp_path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), num_labels=2, **sizes))
    trainer = make_trainer(model=model, save_strategy="steps", save_steps=2)
    trainer.train()
    assert isinstance(trainer._get_train_sampler(), LengthBucketSampler)
    checkpoint = tmp_path / "out" / "checkpoint-2"
    assert {"model.safetensors", "tokenizer.json", "training_args.bin"} <= {path.name for path in checkpoint.iterdir()}
    again = make_trainer(model=model, save_strategy="no")
    again.train(resume_from_checkpoint=str(checkpoint))
    assert again.state.global_step == 3


def test_label_smoothing_is_that_of_the_arguments(make_trainer):
    assert make_trainer(label_smoothing_factor=0.2).task.label_smoothing == 0.2
    assert make_trainer().task.label_smoothing == 0.0


def test_own_metrics_replace_those_of_the_task(tokenizer, dataset, tmp_path, make_trainer):
    class Own(SequenceTrainer):
        def __init__(self, **given):
            super().__init__(**given, compute_metrics=lambda prediction: {"rows": len(prediction.label_ids)})

    metrics = make_trainer(trainer=Own).evaluate()
    assert metrics["eval_rows"] == len(TEXTS) and "eval_accuracy" not in metrics


def test_mistyped_metric_for_best_model_is_an_error_of_trainer(make_trainer):
    """It must not count as an undefined metric, which would choose no checkpoint at all."""
    trainer = make_trainer(
        metric_for_best_model="acuracy", greater_is_better=True, eval_strategy="steps", eval_steps=1
    )
    with pytest.raises(KeyError, match="eval_acuracy"):
        trainer.train()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "sequence_clasification"}, "did you mean 'sequence_classification'"),
        ({"model": None}, "needs a model"),
        ({"processing_class": None}, "needs processing_class"),
        ({"task": "ctc", "label_smoothing_factor": 0.1}, "label_smoothing_factor has no effect on ctc"),
    ],
    ids=["task", "model", "processor", "smoothing"],
)
def test_invalid_arguments_are_rejected(given, message, tokenizer, tmp_path):
    config = RecurrentConfig(vocab_size=len(tokenizer), hidden_size=8, embedding_size=8)
    smoothing = {name: given.pop(name) for name in ("label_smoothing_factor",) if name in given}
    values = {
        "model": RecurrentForSequenceClassification(config),
        "args": arguments(tmp_path, **smoothing),
        "processing_class": tokenizer,
        "task": "sequence_classification",
    }
    with pytest.raises(HfseqError, match=message):
        SequenceTrainer(**{**values, **given})


class Rows(torch.utils.data.Dataset):
    """A map-style data set whose lengths the trainer does not know."""

    def __init__(self, dataset):
        self.rows = [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in dataset]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


KINDS = {
    "torch": Rows,
    "list": lambda dataset: Rows(dataset).rows,
    "stream": lambda dataset: dataset.remove_columns("text").to_iterable_dataset(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_data_sets_are_read_in_the_order_of_trainer(kind, make_trainer, dataset):
    trainer = make_trainer()
    expected = trainer.predict(dataset).predictions
    trainer.train_dataset = KINDS[kind](dataset)
    output = trainer.predict(KINDS[kind](dataset))
    np.testing.assert_allclose(output.predictions, expected, atol=1e-6)
    trainer.train()
    assert trainer.state.global_step == 3


TASKS = {
    "token_classification": {"dataset": "builtin:code-tokens"},
    "causal_lm": {"dataset": "builtin:stdlib-text"},
    "sequence_to_sequence": {"dataset": "builtin:dates", "num_beams": 1},
    "ctc": {"dataset": "builtin:dtmf"},
    "forecasting": {"dataset": "builtin:seasonal"},
}


@pytest.mark.parametrize("name", TASKS)
def test_task_by_name_equals_the_task_of_the_data(name, tmp_path):
    """Its loss, its predictions and its metrics are those of a run of `hfseq train` on the same data."""
    settings = {
        **TINY, **TASKS[name], "max_train_samples": 16, "max_eval_samples": 8, "max_predict_samples": 8,
        "config_overrides": "hidden_size=8", "output_dir": str(tmp_path / "run"),
    }  # fmt: skip
    run = resolve(parse_mapping(settings, where="test"))
    prepared = prepare(run, load_data(run.data))

    def make(task):
        return SequenceTrainer(
            prepared.built.model,
            arguments(tmp_path, max_steps=1, per_device_train_batch_size=4, remove_unused_columns=True),
            train_dataset=prepared.splits["train"],
            processing_class=prepared.processor,
            task=task,
        )

    own, trainer = make(prepared.task), make(name)
    expected, output = own.predict(prepared.splits["test"]), trainer.predict(prepared.splits["test"])
    times = ("runtime", "per_second", "time")
    assert type(trainer.task) is type(prepared.task)
    for metric, value in expected.metrics.items():
        assert metric.endswith(times) or output.metrics[metric] == pytest.approx(value, rel=1e-6), metric
    np.testing.assert_array_equal(np.asarray(output.label_ids[0]), np.asarray(expected.label_ids[0]))
    if prepared.task.generates_text:
        generated = trainer.predict_with_generate(prepared.splits["test"])
        assert generated.metrics.keys() == own.predict_with_generate(prepared.splits["test"]).metrics.keys()
        assert len(generated.tokens) == 8 and generated.seconds > 0
    else:
        with pytest.raises(HfseqError, match=f"{name} generates no outputs"):
            trainer.predict_with_generate(prepared.splits["test"])
    trainer.train()
    assert trainer.state.global_step == 1


def test_overridden_methods_are_in_one_class():
    """A reader of trainer.py sees all of them: no other class of hfseq is between SequenceTrainer and Trainer."""
    assert SequenceTrainer.__bases__ == (transformers.Trainer,)
