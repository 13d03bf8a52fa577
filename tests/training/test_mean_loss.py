"""The loss that an evaluation reports."""

import math
from types import SimpleNamespace

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from small import TINY
from transformers import set_seed

from hfseq.training import run as run_module
from hfseq.training.mean_loss import MeanLoss
from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.settings import resolve

# Words of each sentence.
TAGGED = (1, 1, 2, 9, 5, 3, 1, 8, 4, 2, 7)


def test_batches_are_weighted_by_their_items():
    mean = MeanLoss()
    assert mean.gathered() is None
    for loss, items in ((1.0, 3), (5.0, 1), (float("inf"), 2), (float("nan"), 0)):
        mean.add(torch.tensor(loss), torch.tensor(items))
    assert mean.gathered() == 2
    mean.skip_infinite = False
    assert math.isinf(mean.gathered())


def test_loss_does_not_depend_on_the_batch_size(tmp_path):
    """Sentences of one to nine words: the means of batches of four are not those of batches of seven."""
    for split in ("train", "dev", "test"):
        sentences = ["\n".join(f"w{word % 3}\t{'O' if word % 2 else 'X'}" for word in range(size)) for size in TAGGED]
        (tmp_path / f"{split}.conll").write_text("\n\n".join(sentences))
    settings = {**TINY, "dataset": str(tmp_path), "task": "token_classification", "output_dir": str(tmp_path / "run")}
    arguments = resolve(parse_mapping(settings, where="test"))
    set_seed(0)
    prepared = prepare(arguments, load_data(arguments.data))
    trainer = run_module.make_trainer(arguments, prepared)
    losses = []
    for size in (4, 7, len(TAGGED)):
        trainer.args.per_device_eval_batch_size = size
        losses.append(trainer.evaluate(prepared.splits["validation"])["eval_loss"])
        assert trainer.predict(prepared.splits["validation"]).metrics["test_loss"] == losses[-1]
    assert losses == pytest.approx([losses[-1]] * 3, rel=1e-5)


class OneOfTwo:
    """The accelerator as one of two processes has it."""

    def __init__(self, accelerator, rank, examples, batch_size):
        self._accelerator = accelerator
        self.num_processes, self.process_index = 2, rank
        self.gradient_state = SimpleNamespace(end_of_dataloader=False, remainder=examples % (2 * batch_size))

    def __getattr__(self, name):
        return getattr(self._accelerator, name)


PAIRS = {
    "dataset": "builtin:dates", "max_train_samples": 8, "max_eval_samples": 11, "max_predict_samples": 4,
    "config_overrides": "hidden_size=8",
}  # fmt: skip


@pytest.mark.parametrize("task", ["regression", "token_classification", "sequence_to_sequence"])
def test_two_processes_count_each_example_once(task, tmp_path):
    """The batches are those that accelerate gives to two processes, with the first examples repeated at the end."""
    size = 4
    if task == "sequence_to_sequence":
        settings = PAIRS
    elif task == "regression":
        table = "".join(f"a b c{number},{number * number % 17}.5\n" for number in range(60))
        (tmp_path / "table.csv").write_text(f"text,label\n{table}")
        settings = {"dataset": str(tmp_path / "table.csv"), "validation_fraction": 0.3, "max_eval_samples": 11}
    else:
        for split in ("train", "dev", "test"):
            sentences = ["\n".join(f"w{word}\t{'OX'[word % 2]}" for word in range(length)) for length in TAGGED]
            (tmp_path / f"{split}.conll").write_text("\n\n".join(sentences))
        settings = {"dataset": str(tmp_path), "task": task, "config_overrides": "hidden_size=8,use_crf=true"}
    arguments = resolve(parse_mapping({**TINY, **settings, "output_dir": str(tmp_path / "run")}, where="test"))
    arguments.training.per_device_eval_batch_size = size
    set_seed(0)
    prepared = prepare(arguments, load_data(arguments.data))
    trainer = run_module.make_trainer(arguments, prepared)
    trainer.model.eval()
    split = prepared.splits["validation"]
    assert len(split) % (2 * size) in (1, 2, 3)
    alone = trainer.evaluate(split)["eval_loss"]

    loader, accelerator, mean = trainer.get_eval_dataloader(split), trainer.accelerator, MeanLoss()
    trainer._mean_loss = mean
    for rank in (0, 1):
        shard = list(BatchSamplerShard(loader.batch_sampler, num_processes=2, process_index=rank))
        trainer.accelerator = OneOfTwo(accelerator, rank, len(split), size)
        for number, rows in enumerate(shard, 1):
            trainer.accelerator.gradient_state.end_of_dataloader = number == len(shard)
            fetched = loader.dataset.__getitems__(rows)
            trainer.prediction_step(trainer.model, loader.collate_fn(fetched), prediction_loss_only=True)
    trainer.accelerator = accelerator
    assert mean.gathered() == pytest.approx(alone, rel=1e-5)
