"""A saved model at work: texts in, labels with scores out."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from hfseq.data.bucketing import SortedByLengthSampler
from hfseq.data.collation import SequenceCollator
from hfseq.data.columns import Columns, resolve_columns
from hfseq.data.encoding import encode_texts, with_texts
from hfseq.data.schema import MULTI_LABEL, REGRESSION, LabelSchema
from hfseq.data.sources import load_source
from hfseq.errors import HfseqError, nearest
from hfseq.metrics import compute_classification_metrics
from hfseq.tasks import SequenceClassification
from hfseq.training.arguments import DataArguments
from hfseq.training.checkpoints import resolve_checkpoint, unreachable
from hfseq.training.engine import check_recurrence_engine
from hfseq.training.preparation import load_data
from hfseq.training.record import RunRecord

# A tokenizer without a limit of its own says it reads this much.
_NO_LIMIT = int(1e9)
MULTI_LABEL_THRESHOLD = 0.5


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text.

    Attributes:
        labels (`list[str]`): the predicted label; of a multi-label model, all above 0.5; of a regression, none.
        scores (`dict[str, float]`): the probability of each label, or `{"value": ...}` of a regression.
    """

    labels: list[str]
    scores: dict[str, float]


class Predictor:
    """A saved sequence classifier with its tokenizer, reading texts as they were read in training.

    Args:
        model (`PreTrainedModel`): the model.
        tokenizer (`PreTrainedTokenizerBase`): its tokenizer.
        truncation (`str`, *optional*, defaults to `"head"`): what is kept of a long text.
        record (`RunRecord`, *optional*): of the run that made the model.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        truncation: str = "head",
        record: RunRecord | None = None,
    ):
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.truncation = truncation
        self.record = record
        self.task = SequenceClassification(LabelSchema.from_config(model.config))
        self.max_length = _max_length(model, tokenizer)
        self._collate = SequenceCollator(tokenizer)

    @classmethod
    def load(
        cls, model: str, *, trust_remote_code: bool = False, revision: str | None = None, device: str | None = None
    ) -> "Predictor":
        """Loads a folder or a Hub id.

        Args:
            model (`str`): folder or id.
            trust_remote_code (`bool`, *optional*, defaults to `False`): whether code that comes with it may run.
            revision (`str`, *optional*): of the Hub id.
            device (`str`, *optional*): by default the GPU where there is one.

        Raises:
            HfseqError: where it cannot be had.
        """
        check_recurrence_engine()
        source = resolve_checkpoint(model)
        options: dict[str, Any] = {"trust_remote_code": trust_remote_code, "revision": revision or "main"}
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            loaded = AutoModelForSequenceClassification.from_pretrained(source, **options)
        except (OSError, ValueError) as error:
            raise unreachable("model", model, error) from error
        record = RunRecord.load(source) if Path(source).is_dir() else None
        side = "tail" if tokenizer.truncation_side == "left" else "head"
        truncation = record.data.get("truncation", side) if record else side
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(loaded.to(device), tokenizer, truncation, record)

    @torch.inference_mode()
    def logits(
        self, texts: Sequence[str], text_pairs: Sequence[str] | None = None, batch_size: int = 64
    ) -> np.ndarray:
        """The model's outputs, `(len(texts), num_labels)`, in the order of the texts.

        Args:
            texts (`Sequence[str]`): the texts.
            text_pairs (`Sequence[str]`, *optional*): the second texts.
            batch_size (`int`, *optional*, defaults to 64): texts at a time, those of similar length together.
        """
        if not texts:
            return np.zeros((0, self.task.labels.num_labels), dtype=np.float32)
        columns, _ = encode_texts(
            list(texts),
            None if text_pairs is None else list(text_pairs),
            self.tokenizer,
            self.max_length,
            "head" if text_pairs is not None and self.truncation == "head+tail" else self.truncation,
        )
        order = SortedByLengthSampler([len(ids) for ids in columns["input_ids"]]).order
        parts = []
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = self._collate([{name: values[row] for name, values in columns.items()} for row in rows])
            parts.append(self.model(**batch.to(self.model.device)).logits.float().cpu().numpy())
        return np.concatenate(parts)[np.argsort(order)]

    def predict(
        self, texts: Sequence[str], text_pairs: Sequence[str] | None = None, batch_size: int = 64
    ) -> list[Prediction]:
        """Labels and scores, in the order of the texts. Arguments as in [`logits`]."""
        labels = self.task.labels
        scores = self.task.scores(self.logits(texts, text_pairs, batch_size))
        if labels.problem_type == REGRESSION:
            return [Prediction([], {"value": float(row[0])}) for row in scores]
        predictions = []
        for row in scores:
            named = {name: float(score) for name, score in zip(labels.names, row, strict=True)}
            if labels.problem_type == MULTI_LABEL:
                chosen = [name for name, score in named.items() if score > MULTI_LABEL_THRESHOLD]
            else:
                chosen = [labels.names[int(row.argmax())]]
            predictions.append(Prediction(chosen, named))
        return predictions

    def columns_of(self, column_names: list[str], require_label: bool = True, **given: str | None) -> Columns:
        """The columns to read of a data set: those given, else those of the training, else the usual names."""
        if self.record is not None:
            texts, label = self.record.data.get("text_columns", []), self.record.data.get("label_column")
            known = {
                "text_column": texts[:1],
                "text_pair_column": texts[1:2],
                "label_column": [label] if label else [],
            }
            for role, names in known.items():
                if not given.get(role) and names and names[0] in column_names:
                    given[role] = names[0]
        return resolve_columns(column_names, require_label=require_label, **given)

    def evaluate(
        self,
        dataset: str | None = None,
        split: str | None = None,
        *,
        batch_size: int = 64,
        cache_dir: str | None = None,
        **columns: str | None,
    ) -> dict[str, float]:
        """Metrics on one split of a data set.

        Args:
            dataset (`str`, *optional*): see [`load_source`]. By default the data that the model was trained with, cut
                into the same splits as then.
            split (`str`, *optional*): which split; by default `test`, or the only one there is.
            batch_size (`int`, *optional*, defaults to 64): texts at a time.
            cache_dir (`str`, *optional*): datasets' cache.
            columns: `text_column`, `text_pair_column`, `label_column`.

        Raises:
            HfseqError: where the data cannot be had, or the split, a column or a label is unknown.
        """
        trained_on = self.record.data["dataset"] if self.record else None
        if dataset is None and trained_on is None:
            raise HfseqError("name the data with --dataset: this model does not say what it was trained on")
        if dataset in (None, trained_on):
            splits: Mapping[str, Dataset] = self._splits_of_the_training()
            dataset = str(trained_on)
        else:
            splits = load_source(str(dataset), cache_dir=cache_dir)
        if split is None:
            split = "test" if len(splits) > 1 else next(iter(splits))
        if split not in splits:
            raise HfseqError(f"{dataset!r} has no split {split!r}: {nearest(split, splits)}")
        where = f"split {split!r} of {dataset!r}"
        found = self.columns_of(splits[split].column_names, True, **columns)
        rows = with_texts(splits[split], found, where)
        labels = self.task.labels.encode(rows[found.label], where=where, feature=rows.features[found.label])
        pairs = list(rows[found.text_pair]) if found.text_pair else None
        logits = self.logits(list(rows[found.text]), pairs, batch_size)
        return compute_classification_metrics(logits, np.asarray(labels), self.task.labels.problem_type)

    def _splits_of_the_training(self) -> Mapping[str, Dataset]:
        """The splits that the model was trained, validated and tested on, those that were cut then among them."""
        if self.record is None:
            raise ValueError("a model without a record does not know its training data")
        names = {item.name for item in dataclasses.fields(DataArguments)}
        data = load_data(DataArguments(**{key: value for key, value in self.record.config.items() if key in names}))
        if data.fingerprint != self.record.data["fingerprint"]:
            raise HfseqError(
                f"{self.record.data['dataset']!r} has changed since the model was trained on it, so its splits cannot "
                "be told any more; give the file to evaluate on with --dataset, under another name"
            )
        return data.splits


def _max_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    positions = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
    return min(tokenizer.model_max_length, positions, _NO_LIMIT)
