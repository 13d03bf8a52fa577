"""Interface of a task: its data, loss, metrics and predictions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import EvalPrediction

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN, EncodedSplits
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.labels.columns import Columns
from hfseq.data.settings import Settings
from hfseq.errors import HfseqError
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.rows import Reader
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

LABELS = "labels"
# Trains a tokenizer on texts. The settings of the model choose its kind; if they do not, the argument `kind` does.
TokenizerMaker = Callable[..., Any]


class Task(ABC):
    """One task, set up for one data set or one saved model.

    Every model of a comparison is trained with the loss of the task, and not with the loss of its own head: the losses
    of transformers' heads are scaled differently with gradient accumulation and with several processes.

    Attributes:
        name (`str`): name of the task, as in `--task`.
        auto_class: Auto class of transformers for the models of this task.
        architecture (`str`): part of the class name of such a model, e.g. `"ForSequenceClassification"`.
        pipeline_tag (`str`): tag of the task on the Hub.
        settings_class (`type`, *optional*): dataclass of the settings of this task.
        in_pipelines (`bool`): whether the pipeline of transformers with this tag runs models of this task.
        peft_task_type (`str`, *optional*): name of the task in peft. Its Auto classes load an adapter by this name.
        default_modality (`str`): the modality if neither the settings nor the data tell it.
        labels_texts (`bool`): whether a pretrained text encoder can be trained for this task.
        labels_sequences (`bool`): whether each example has one label for the whole sequence. Modalities then look
            for a label column in tables, and for one folder per label.
        describes_images (`bool`): whether the task reads images beside the texts of a table.
        has_crf (`bool`): whether its recurrent models can have a conditional random field.
        label_padding (`str`, *optional*): how labels are padded: see [`SequenceCollator`].
        readers (`tuple`): functions that read the file formats of this task: see [`read_splits`].
        unsupported_columns (`tuple[str, ...]`): settings that name columns of other tasks. This task rejects them.
        column_hint (`str`): advice in the error message about such a column.
        batch_columns (`tuple[str, ...]`): columns of a batch that the task reads and the model does not.
        context_columns (`tuple[str, ...]`): columns beside the inputs that [`predictions`] uses if they exist.
        special_ids (`tuple[str, ...]`): special tokens that are written to the configuration even if its architecture
            has no such setting. To generate text, a model must know its beginning and end tokens.
        modality (`Modality`): kind of the examples.
        augment_batch (`Callable`, *optional*): random augmentation of the inputs of each training batch: see
            [`Modality.batch_augmentation`].
    """

    name: ClassVar[str]
    auto_class: ClassVar[Any]
    architecture: ClassVar[str]
    pipeline_tag: ClassVar[str]
    settings_class: ClassVar[type[Settings] | None] = None
    in_pipelines: ClassVar[bool] = False
    peft_task_type: ClassVar[str | None] = None
    default_modality: ClassVar[str] = "text"
    labels_texts: ClassVar[bool] = False
    labels_sequences: ClassVar[bool] = False
    describes_images: ClassVar[bool] = False
    has_crf: ClassVar[bool] = False
    label_padding: ClassVar[Literal["inputs", "right"] | None] = None
    readers: ClassVar[tuple[Reader, ...]] = ()
    unsupported_columns: ClassVar[tuple[str, ...]] = ()
    column_hint: ClassVar[str] = "leave it out"
    batch_columns: ClassVar[tuple[str, ...]] = ()
    context_columns: ClassVar[tuple[str, ...]] = ()
    special_ids: ClassVar[tuple[str, ...]] = ()
    modality: Modality
    augment_batch: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    # From raw data to batches.

    @classmethod
    @abstractmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Loads the data and checks that a model can be trained and tested on it.

        Raises:
            HfseqError: if the data is missing, damaged, or unsuitable for the task.
        """

    @classmethod
    @abstractmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "Task":
        """The task for this data.

        Raises:
            HfseqError: if the settings of the loss do not suit the task or the data.
        """

    @classmethod
    def matches(cls, config: Any) -> bool:
        """Whether a saved model is for this task, judged by its configuration; used if it has no run record."""
        return cls.architecture in (config.architectures or [""])[0]

    @classmethod
    @abstractmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "Task":
        """The task of a saved model, to evaluate it and to predict with it."""

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """The modality of the data.

        Raises:
            HfseqError: if the settings name a modality that the task does not read.
        """
        return find_modality(arguments)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """The columns of a data set to read."""
        return self.modality.resolve(column_names, arguments, require_label)

    def reads_text_file(self, path: Path) -> bool:
        """Whether a `.txt` file to predict from has a format of this task; otherwise it has one text per line."""
        return False

    @classmethod
    def check_columns(cls, columns: Mapping[str, Any]) -> None:
        """Checks that the task reads all columns that the user names.

        Args:
            columns (`dict[str, str]`): the column of each setting; `None` if the user named none.

        Raises:
            HfseqError: if one of them would be ignored.
        """
        for name in cls.unsupported_columns:
            if columns.get(name):
                is_label = name == "target_column" and "label_column" not in cls.unsupported_columns
                hint = "name the label with --label_column" if is_label else cls.column_hint
                raise HfseqError(f"{cls.name} has no {name} ({columns[name]!r}): {hint}")

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Raw examples without labels, with checked input columns: see [`Modality.check`]."""
        return self.modality.check(rows, columns, where)

    @classmethod
    def load_processor(cls, modality: Modality, source: str, **options: Any) -> Any:
        """The processor that was saved with a model: see [`Modality.load_processor`]."""
        return modality.load_processor(source, **options)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """Raw rows, converted to the columns that the task expects if it can recognise them.

        Raises:
            HfseqError: if the columns are ambiguous.
        """
        return rows

    @abstractmethod
    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """The rows of any data set as split `test`, to evaluate a saved model.

        Raises:
            HfseqError: if a column is missing, a row is damaged, or a label is unknown to the model.
        """

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The processor, fitted on the training split only."""
        if self.modality.trains_tokenizer:
            texts = self.modality.tokenizer_texts(data.splits["train"], data.columns)
            return make_tokenizer(texts, make_own=partial(self.modality.make_tokenizer, arguments))
        return self.modality.make_processor(data.splits["train"], data.columns, arguments)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The splits as inputs of a model, with `labels`."""
        encoded = self.modality.encode(data.splits, data.columns, inputs_of(processor), arguments)
        splits = {
            name: split.add_column(LABELS, self.labels_of_split(data, name, processor))
            for name, split in encoded.splits.items()
        }
        return EncodedSplits(DatasetDict(splits), encoded.truncated_share)

    def labels_of_split(self, data: TaskData, split: str, processor: Any) -> list[Any]:
        """The encoded labels of a split, in the order of its rows."""
        raise NotImplementedError(f"{self.name} encodes its labels with the inputs")

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The inputs of raw examples, without labels, for prediction with a saved model."""
        encoded = self.modality.encode_batch(rows, columns, inputs_of(processor), arguments)
        return {name: values for name, values in encoded.items() if name not in (LENGTH_COLUMN, TRUNCATED_COLUMN)}

    # Configuration of the model.

    def config_values(self) -> dict[str, Any]:
        """Settings of the model's configuration that follow from the labels."""
        return {}

    def checkpoint_values(self, config: Any) -> dict[str, Any]:
        """Settings that replace those in the configuration of a pretrained checkpoint."""
        return self.config_values()

    def check_config(self, config: Any) -> None:
        """Checks a configuration against the settings of the task. By default every configuration is accepted.

        Raises:
            HfseqError: if a model with this configuration cannot be trained for the task.
        """
        return

    def input_values(self, processor: Any) -> dict[str, Any]:
        """Settings of the model's configuration that follow from the inputs."""
        return self.modality.config_values(inputs_of(processor))

    def longest_input(self, processor: Any, arguments: DataArguments) -> int:
        """Maximum number of tokens per example. A model needs at least as many positions."""
        return arguments.token_limit

    def placeholder_values(self) -> dict[str, Any]:
        """Placeholders for [`input_values`]. They allow to check a configuration before its processor exists."""
        return self.modality.placeholder_values()

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """Settings of the configuration of a model trained from scratch.

        Args:
            model_type (`str`): architecture of the model.
            values (`dict`): [`input_values`].
            overrides (`dict`): settings of the user. They take precedence.
        """
        return {**values, **self.config_values(), **overrides}

    def prepare_model(self, model: Any, new_parameters: Collection[str]) -> Any:
        """Prepares a model for training, for example its generation settings or the bias of its head.

        Args:
            model (`PreTrainedModel`): the model.
            new_parameters (`Collection[str]`): names of the parameters that are not from a checkpoint.
        """
        return model

    # Training and evaluation.

    @property
    @abstractmethod
    def default_metric(self) -> str:
        """The metric that chooses the best checkpoint, unless the settings name another."""

    @property
    def ranking_metric(self) -> str:
        """The metric by which models are compared; by default the one that chooses the best checkpoint."""
        return self.default_metric

    @property
    @abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """The metrics of the evaluation after each epoch, in addition to the loss."""

    @property
    def metric_note(self) -> str | None:
        """An explanation of the metrics, such as their unit; `None` if their names suffice."""
        return None

    @property
    def subject(self) -> str:
        """Name of the task in messages."""
        return self.name

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a batch that is passed to the model: by default all but the labels. In training, the inputs are
        changed by [`augment_batch`] if it is set."""
        given = {name: value for name, value in inputs.items() if name != LABELS}
        return self.augment_batch(given) if self.augment_batch is not None and model.training else given

    @abstractmethod
    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """The loss of a batch.

        Args:
            outputs: outputs of the model for [`model_inputs`].
            inputs (`dict`): the batch.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): divisor of the summed loss, the sum of
                [`count_items`] over all batches of the optimizer step.
        """

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """Number of items over which the loss is averaged: the labels of a batch that are not -100."""
        return inputs[LABELS].ne(-100).sum()

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """The outputs that an evaluation stores: a tensor or a tuple, batch first. By default the logits."""
        return outputs["logits"]

    def labels_of(self, inputs: Mapping[str, Any]) -> Any:
        """The targets of a batch that an evaluation stores for the metrics."""
        return inputs[LABELS]

    @abstractmethod
    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of predictions against labels, in the format of Trainer."""

    def metric_inputs(self, prediction: EvalPrediction) -> tuple[np.ndarray, np.ndarray]:
        """Predictions and references for a metric of `evaluate`.

        Raises:
            HfseqError: the task has no such form of its predictions.
        """
        raise HfseqError(f"a metric of evaluate cannot be used for {self.name}: give compute_metrics as a function")

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """One number per example. Their mean is the ranking metric; their variance estimates its uncertainty."""
        return None

    def generated_scores(self, generated: np.ndarray, split: str) -> np.ndarray | None:
        """The same as [`example_scores`], for generated tokens."""
        return None

    # What a run leaves of its evaluation, for statistics and reports.

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """The sums of each example, from which [`metric_from_sums`] computes the metrics of any set of examples.

        Args:
            predictions, labels: as for [`compute_metrics`].

        Returns:
            `dict[str, np.ndarray]`: by metric, an array of shape `(examples, k)`. For a metric that is a mean, such as
            one of a plug-in, `k` is 2: the sum and the count of each example, see [`total_and_count`]. By default the
            [`example_scores`] of the ranking metric are used.
        """
        return {}

    def generated_sums(self, generated: np.ndarray, split: str) -> dict[str, np.ndarray]:
        """The same as [`metric_sums`], for the metrics of generated tokens."""
        return {}

    def generated_texts(self, generated: np.ndarray, split: str) -> tuple[list[str], list[list[str]]]:
        """The texts of generated tokens, and the correct texts of each."""
        raise NotImplementedError(f"{self.name} does not generate text")

    def groups(self, encoded: Dataset, processor: Any) -> np.ndarray | None:
        """A number for each encoded example; examples of the same number are not independent, such as overlapping
        windows. By default `None`: all examples are independent."""
        return None

    def input_lengths(self, encoded: Dataset) -> np.ndarray | None:
        """The length of the input of each encoded example, in tokens or steps; `None` if it is unknown."""
        return np.array(encoded[LENGTH_COLUMN]) if LENGTH_COLUMN in encoded.column_names else None

    def previews(
        self, data: TaskData, split: str, encoded: Dataset, processor: Any, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """Short forms of some examples for a report: see [`Modality.previews`]."""
        return self.modality.previews(data.splits[split].select(numbers), data.columns)

    def details(self, predictions: Any, labels: Any) -> dict[str, Any]:
        """Results of a split beside its metrics, for the run record, such as errors by channel."""
        return {}

    def baselines(self, data: TaskData) -> dict[str, dict[str, float]]:
        """Test metrics of simple baselines, by name. The run record shows them beside the metrics of the model."""
        return {}

    # Generation of text: translations, captions. Such a task is evaluated on its generated text after the training.

    generates_text: ClassVar[bool] = False

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The tokens that a model generates for a batch, `(batch, length)`."""
        raise NotImplementedError(f"{self.name} does not generate text")

    def add_references(self, labels: np.ndarray, split: str) -> None:
        """Uses the labels of a split as its references, if the task has none for it.

        Args:
            labels (`np.ndarray` of shape `(examples, length)`): token ids, padded with -100.
            split (`str`): name of the split.
        """
        raise NotImplementedError(f"{self.name} does not generate text")

    def compute_generated_metrics(self, generated: np.ndarray, split: str) -> dict[str, float]:
        """Metrics of generated tokens, padded with -100, against the references of the split."""
        raise NotImplementedError(f"{self.name} does not generate text")

    # After the training.

    @abstractmethod
    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The prediction for each example.

        Args:
            outputs (`list`): for each example, the output that [`predictions_of`] or [`generate`] returns.
            rows (`dict[str, list]`): the raw examples.
            columns (`Columns`): their input columns.
        """

    @property
    def value_names(self) -> list[str]:
        """Names of the numbers in a prediction: labels, or channels."""
        return self.describe().get("labels") or ["value"]

    def describe(self) -> dict[str, Any]:
        """Description of the task in the run record, in addition to its name."""
        return {}
