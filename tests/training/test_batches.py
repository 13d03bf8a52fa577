"""The trainer's batches: cut from sequence stores, the same as the collator's, and made once of each data set."""

import gc
import math
import weakref

import pytest
import torch
from small import TINY
from transformers import set_seed

from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.sequence_store import SequenceStore
from hfseq.training import run as run_module
from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.sampling import example_lengths
from hfseq.training.settings import resolve
from hfseq.training.store_cache import StoreCache


class OwnCollator(SequenceCollator):
    """Does what its parent does, but the trainer cannot know that."""


@pytest.fixture
def make_trainer(reviews, tmp_path):
    def make(**settings):
        arguments = resolve(
            parse_mapping(
                {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path / "run"), **settings}, where="test"
            )
        )
        arguments.training.metric_for_best_model, arguments.training.greater_is_better = "loss", False
        set_seed(0)
        prepared = prepare(arguments, load_data(arguments.data))
        return run_module.make_trainer(arguments, prepared), prepared.splits

    return make


@pytest.fixture
def made(monkeypatch):
    """The sequence stores that are made, and how many."""
    stores = []
    make = SequenceStore.from_dataset.__func__

    def from_dataset(cls, *arguments):
        stores.append(make(cls, *arguments))
        return stores[-1]

    monkeypatch.setattr(SequenceStore, "from_dataset", classmethod(from_dataset))
    return stores


def trained(trainer, test):
    trainer.train()
    output = trainer.predict(test)
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}, output


@pytest.mark.parametrize(
    "settings",
    [
        {"config_overrides": "hidden_size=8,embedding_size=8,dropout=0.3", "gradient_accumulation_steps": 2},
        {"remove_unused_columns": True},
        {"dataloader_num_workers": 1},
        {"tokenizer_name": "wordpiece"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_training_from_a_store_equals_that_with_the_collator(settings, make_trainer, made):
    trainer, splits = make_trainer(**settings)
    weights, output = trained(trainer, splits["test"])
    assert len(made) == 3
    trainer, splits = make_trainer(**settings)
    trainer.data_collator = OwnCollator(trainer.processing_class)
    expected_weights, expected = trained(trainer, splits["test"])
    assert len(made) == 3
    for name, value in expected_weights.items():
        assert torch.equal(weights[name], value), name
    assert (output.predictions == expected.predictions).all()
    assert output.label_ids.tolist() == expected.label_ids.tolist() == list(splits["test"]["labels"])
    assert output.metrics["test_loss"] == expected.metrics["test_loss"]


def test_store_is_made_once(make_trainer, made):
    trainer, splits = make_trainer(num_train_epochs=3)
    trainer.train()
    assert [len(store) for store in made] == [160, 40]
    trainer.evaluate()
    both = trainer.evaluate({"one": splits["test"], "two": splits["validation"]})
    # None of them alone has the metric that chooses the checkpoint; it counts as the worst once, in the whole.
    assert both["eval_loss"] == math.inf and both["eval_one_loss"] < math.inf
    trainer.args.metric_for_best_model = "one_loss"
    assert (
        trainer.evaluate({"one": splits["test"], "two": splits["validation"]})["eval_one_loss"]
        == both["eval_one_loss"]
    )
    trainer.args.metric_for_best_model = "loss"
    trainer.predict(splits["test"])
    assert [len(store) for store in made] == [160, 40, 40]
    assert trainer.train_dataset is splits["train"]


def test_store_is_freed_with_its_data_set(make_trainer):
    trainer, splits = make_trainer()
    part = splits["test"].select(range(10))
    cache = StoreCache()
    store = cache.get(part, trainer.data_collator, lambda dataset: dataset)
    assert cache.get(part, trainer.data_collator, lambda dataset: dataset) is store
    left = weakref.ref(store)
    del part, store
    gc.collect()
    assert left() is None


def test_store_is_remade_for_another_format_or_tokenizer(make_trainer, made):
    trainer, splits = make_trainer(remove_unused_columns=True)
    dataset, tokenizer = splits["test"], trainer.processing_class

    def first_batch():
        return next(iter(trainer.get_test_dataloader(dataset)))

    before = first_batch()
    tokenizer.padding_side = "left"
    after = first_batch()
    assert len(made) == 2
    assert before["attention_mask"][-1].tolist() == after["attention_mask"][-1].flip(0).tolist() != [1] * 12
    dataset.set_format("numpy")
    collated = first_batch()
    assert len(made) == 2
    assert torch.equal(collated["input_ids"], after["input_ids"])
    trainer.data_collator.pad_to_multiple_of = 64
    dataset.reset_format()
    assert first_batch()["input_ids"].shape[1] == 64
    assert len(made) == 3


def test_reason_against_a_store_is_logged(make_trainer, made, caplog):
    trainer, splits = make_trainer()
    with caplog.at_level("INFO", logger="hfseq"):
        output = trainer.predict(splits["test"].with_format("numpy"))
    assert not made
    assert "Examples are collated one by one" in caplog.text
    assert "because the data set has the format 'numpy'." in caplog.text
    assert (output.predictions == trainer.predict(splits["test"]).predictions).all()


def test_store_is_accepted_as_a_data_set(make_trainer):
    trainer, splits = make_trainer(remove_unused_columns=True)
    store = SequenceStore.from_dataset(splits["test"], trainer.processing_class)
    assert list(example_lengths(store)) == list(example_lengths(splits["test"]))
    assert (trainer.predict(store).predictions == trainer.predict(splits["test"]).predictions).all()
    assert trainer.evaluate(store)["eval_loss"] == trainer.evaluate(splits["test"])["eval_loss"]
    trainer.train_dataset = store
    trainer.train()
    assert trainer.state.epoch == 2


def test_other_data_sets_are_batched_as_trainer_does_it(make_trainer):
    class Examples(torch.utils.data.Dataset):
        def __init__(self, rows):
            self.rows = rows

        def __len__(self):
            return len(self.rows)

        def __getitem__(self, index):
            return self.rows[index]

    for remove in (False, True):
        trainer, splits = make_trainer(remove_unused_columns=remove)
        examples = Examples(list(splits["test"]))
        loader = trainer._get_dataloader(examples, description="test", batch_size=4)
        expected = SequenceCollator(trainer.processing_class)([examples[row] for row in range(4)])
        found = next(iter(loader))
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_predictions_keep_their_order_where_length_means_something_else(make_trainer):
    """Columns that the model does not take are left out before examples are sorted and after alike."""
    trainer, splits = make_trainer(remove_unused_columns=True)
    expected = trainer.predict(splits["test"])
    odd = splits["test"].remove_columns("length").add_column("length", [row * 7 % 40 for row in range(40)])
    for collator in (trainer.data_collator, OwnCollator(trainer.processing_class)):
        trainer.data_collator = collator
        output = trainer.predict(odd)
        assert output.label_ids.tolist() == expected.label_ids.tolist()
        assert abs(output.predictions - expected.predictions).max() < 1e-5
