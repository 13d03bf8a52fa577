"""The same training with each of the compared trainers."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import measure
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import (
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback
from workloads import draw_lengths, draw_tokens

from hfseq.data.labels.inference import SINGLE_LABEL, LabelSchema
from hfseq.models.recurrent import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.tasks import SequenceClassification
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.trainer import SequenceTrainer

_PADDING, _UNKNOWN = "[PAD]", "[UNK]"
_CLIP = 1.0  # default of Trainer
_WARM_UP_BATCHES = 2


@dataclass
class Run:
    """Result of a training.

    Attributes:
        seconds (`float`): total time divided by the number of steps.
        loss (`float`): mean loss of the steps.
    """

    seconds: float
    loss: float


@dataclass
class Workplace:
    """Data and sizes of a training of one epoch. Words have Zipf frequencies; labels are arbitrary.

    Attributes:
        workload (`str`): `"sentences"` or `"documents"`.
        steps (`int`): number of batches.
        batch (`int`): examples per batch.
        vocab_size, embedding_size, hidden_size (`int`): sizes of the model, a bidirectional LSTM with mean pooling.
        quick (`bool`): whether sequences have a tenth of the length.
    """

    workload: str
    steps: int
    batch: int
    vocab_size: int
    embedding_size: int
    hidden_size: int
    quick: bool = False
    learning_rate: float = 1e-3

    @cached_property
    def dataset(self) -> Dataset:
        """The examples in the format of a tokenizer of transformers."""
        lengths = draw_lengths(self.workload, self.steps * self.batch, quick=self.quick)
        words = draw_tokens(int(lengths.sum()), self.vocab_size).tolist()
        ends = lengths.cumsum().tolist()
        ids = [words[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        masks = [[1] * len(row) for row in ids]
        return Dataset.from_dict(
            {"input_ids": ids, "attention_mask": masks, "labels": [number % 2 for number in range(len(ids))]}
        )

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        """A tokenizer, which is used only for padding."""
        words = {_PADDING: 0, _UNKNOWN: 1, **{f"word{number}": number for number in range(2, self.vocab_size)}}
        tokenizer = Tokenizer(WordLevel(words, unk_token=_UNKNOWN))
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=_PADDING, unk_token=_UNKNOWN)

    @property
    def tokens(self) -> int:
        """Number of tokens of the epoch."""
        return sum(map(len, self.dataset["input_ids"]))

    def our_model(self) -> RecurrentForSequenceClassification:
        """The model of hfseq, always with the same weights."""
        torch.manual_seed(0)
        return RecurrentForSequenceClassification(
            RecurrentConfig(
                vocab_size=self.vocab_size, embedding_size=self.embedding_size, hidden_size=self.hidden_size,
                pooling="mean", pad_token_id=0, num_labels=2, problem_type=SINGLE_LABEL,
            )
        )  # fmt: skip

    def stock_model(self) -> "PackedClassifier":
        """A typical model in plain PyTorch, with the weights of the model of hfseq."""
        ours = self.our_model()
        model = PackedClassifier(self.vocab_size, self.embedding_size, self.hidden_size)
        model.embedding.load_state_dict(ours.model.embed_tokens.state_dict())
        model.lstm.load_state_dict(ours.model.encoder.layers[0].state_dict())
        model.classifier.load_state_dict(ours.classifier.state_dict())
        return model


class PackedClassifier(nn.Module):
    """Embedding, packed bidirectional LSTM, mean over the tokens, linear layer."""

    def __init__(self, vocab_size: int, embedding_size: int, hidden_size: int):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_size, padding_idx=0)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * hidden_size, 2)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor | None]:
        """Loss and logits."""
        lengths = attention_mask.sum(1)
        packed = pack_padded_sequence(self.embedding(input_ids), lengths.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)  # (batch, length, 2 * hidden)
        logits = self.classifier(hidden.sum(1) / lengths[:, None])  # (batch, 2)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


class RandomOrderTrainer(SequenceTrainer):
    """The trainer of hfseq with the batches of the stock one."""

    def _get_train_sampler(self, train_dataset: Any = None) -> torch.utils.data.Sampler | None:
        return Trainer._get_train_sampler(self, train_dataset)


class Clock(TrainerCallback):
    """Records when a training begins."""

    began: float = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after the setup, before the first batch."""
        self.began = time.perf_counter()


def our_trainer(
    place: Workplace, dataset: Dataset, kind: type[SequenceTrainer] = SequenceTrainer, **settings: Any
) -> SequenceTrainer:
    """The trainer that `hfseq train` creates, without evaluation and checkpoints."""
    arguments = SequenceTrainingArguments(
        **_arguments(place), eval_strategy="no", load_best_model_at_end=False, **settings
    )
    return kind(
        place.our_model(),
        arguments,
        task=SequenceClassification(LabelSchema(SINGLE_LABEL, ("no", "yes"))),
        processing_class=place.tokenizer,
        train_dataset=dataset.remove_columns("attention_mask"),  # tokenized as in hfseq
    )


def stock_trainer(place: Workplace, dataset: Dataset) -> Trainer:
    """Trainer of transformers with default settings and a packed `nn.LSTM`."""
    return Trainer(
        place.stock_model(),
        TrainingArguments(**_arguments(place), report_to="none"),
        data_collator=DataCollatorWithPadding(place.tokenizer),
        train_dataset=dataset,
    )


def train(trainer: Trainer) -> Run:
    """A whole training."""
    clock = Clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    result = trainer.train()
    seconds = time.perf_counter() - clock.began
    return Run(seconds / result.global_step, result.training_loss)


def bare_loop(place: Workplace, dataset: Dataset) -> Run:
    """PyTorch only, with the model and the batches of hfseq, which are created before."""
    batches = [dict(batch) for batch in our_trainer(place, dataset).get_train_dataloader()]
    model = place.our_model().train()
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=place.learning_rate, weight_decay=0.0, fused=True)
    total = torch.zeros(())
    began = time.perf_counter()
    for batch in batches:
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, _CLIP)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.detach()
    seconds = time.perf_counter() - began
    return Run(seconds / len(batches), float(total) / len(batches))


def warm_up(place: Workplace, ways: dict[str, Callable[[Dataset], Run]]) -> None:
    """A few steps of each type of training."""
    few = place.dataset.select(range(_WARM_UP_BATCHES * place.batch))
    for way in ways.values():
        way(few)


def check_models(place: Workplace, tolerance: float) -> float:
    """Deviation of logits and gradients between the stock model and that of hfseq for one batch.

    Raises:
        MismatchError: it is above the tolerance.
    """
    batch = DataCollatorWithPadding(place.tokenizer)(list(place.dataset.select(range(place.batch))))
    ours, stock = place.our_model(), place.stock_model()
    found, expected = ours(**batch), stock(**batch)
    found["loss"].backward()
    expected["loss"].backward()
    errors = [measure.check_equal("logits", found["logits"], expected["logits"], tolerance)]
    pairs = {
        "embedding": (ours.model.embed_tokens, stock.embedding),
        "recurrence": (ours.model.encoder.layers[0], stock.lstm),
        "classifier": (ours.classifier, stock.classifier),
    }
    for name, (mine, theirs) in pairs.items():
        for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            errors.append(measure.check_equal(f"gradient of the {name}", one.grad, other.grad, tolerance))
    return max(errors)


def _arguments(place: Workplace) -> dict[str, Any]:
    return {
        # Nothing is saved, but Trainer creates the folder.
        "output_dir": tempfile.gettempdir(),
        "num_train_epochs": 1,
        "per_device_train_batch_size": place.batch,
        "learning_rate": place.learning_rate,
        "save_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
        "seed": 0,
    }
