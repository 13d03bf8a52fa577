"""What a task has to say: its data, its loss, its metrics, its answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
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
from hfseq.errors import HfseqError
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.rows import Reader
from hfseq.tasks.task_data import TaskData

LABELS = "labels"
# Makes a tokenizer from texts: the one that the settings of the model ask for, or of the kind that is given.
TokenizerMaker = Callable[..., Any]


@dataclass(frozen=True)
class LossSettings:
    """What of the loss is a matter of settings.

    Attributes:
        class_weights (`str`, *optional*): `"balanced"`, or one weight a label: `"1.0,2.5"`.
        label_smoothing (`float`): share of the target spread over all labels (Szegedy et al. 2016).
    """

    class_weights: str | None = None
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """What a model says of one example; what a task does not know is empty.

    Attributes:
        labels (`list[str]`): the predicted label, or labels; of token classification, one a token.
        scores (`dict[str, float]`): the probability of each label, or `{"value": ...}` of a regression.
        text (`str`, *optional*): what was written: a translation, a caption, a transcript.
        values (`list`, *optional*): numbers: a forecast, `(steps, channels)`.
        times (`list[str]`, *optional*): when the steps of a forecast are, where the times of its past are known.
    """

    labels: list[str] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    text: str | None = None
    values: list[Any] | None = None
    times: list[str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The parts that are there."""
        return {name: value for name, value in asdict(self).items() if value not in (None, [], {})}


class Task(ABC):
    """One task, set up for one data set or one saved model.

    Every model of a comparison is trained with the same loss, whatever its own head would have computed: the losses of
    transformers' heads are scaled differently under gradient accumulation and on several processes.

    Attributes:
        name (`str`): the word after `--task`.
        auto_class: transformers' Auto class of its models.
        architecture (`str`): what the name of a model's class has in it.
        pipeline_tag (`str`): what the Hub calls it.
        in_pipelines (`bool`): whether the pipeline of transformers with this tag runs models of this task.
        peft_task_type (`str`, *optional*): name of the task in peft, by which its Auto classes load an adapter.
        default_modality (`str`): the modality where neither settings nor data tell it.
        labels_texts (`bool`): whether a pretrained encoder of texts can be trained for it.
        labels_sequences (`bool`): whether each example has one label column for the whole of it. Modalities then look
            for that column in tables, and for one folder per label.
        describes_images (`bool`): whether the task reads images beside the texts of a table.
        has_crf (`bool`): whether its recurrent models can have a conditional random field.
        label_padding (`str`, *optional*): how labels are padded: see [`SequenceCollator`].
        readers (`tuple`): what reads files of the task's own kind: see [`read_splits`].
        foreign_columns (`tuple[str, ...]`): settings that name columns which other tasks have, and it has not.
        context_columns (`tuple[str, ...]`): columns beside the inputs that [`answers`] reads, where they are there.
        special_ids (`tuple[str, ...]`): special tokens that a configuration is told of even where its architecture
            has none: to generate, a model has to know where a text begins and ends.
        modality (`Modality`): what an example is.
        perturb (`Callable`, *optional*): what changes the inputs of each training batch at random: see
            [`Modality.perturbation`].
    """

    name: ClassVar[str]
    auto_class: ClassVar[Any]
    architecture: ClassVar[str]
    pipeline_tag: ClassVar[str]
    in_pipelines: ClassVar[bool] = False
    peft_task_type: ClassVar[str | None] = None
    default_modality: ClassVar[str] = "text"
    labels_texts: ClassVar[bool] = False
    labels_sequences: ClassVar[bool] = False
    describes_images: ClassVar[bool] = False
    has_crf: ClassVar[bool] = False
    label_padding: ClassVar[Literal["inputs", "right"] | None] = None
    readers: ClassVar[tuple[Reader, ...]] = ()
    foreign_columns: ClassVar[tuple[str, ...]] = ()
    context_columns: ClassVar[tuple[str, ...]] = ()
    special_ids: ClassVar[tuple[str, ...]] = ()
    modality: Modality
    perturb: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    # From raw data to batches.

    @classmethod
    @abstractmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Loads the data and makes sure that it can be trained and tested on.

        Raises:
            HfseqError: where it is missing, damaged, or not fit for the task.
        """

    @classmethod
    @abstractmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "Task":
        """The task for some data.

        Raises:
            HfseqError: where the settings of the loss do not fit.
        """

    @classmethod
    def matches(cls, config: Any) -> bool:
        """Whether a saved model is for this task, by its configuration: of one that comes without a record."""
        return cls.architecture in (config.architectures or [""])[0]

    @classmethod
    @abstractmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "Task":
        """The task of a saved model, to evaluate it and to predict with it."""

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """What an example of the data is for this task.

        Raises:
            HfseqError: where the settings name a modality that the task does not read.
        """
        return find_modality(arguments)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """The columns to read of a data set."""
        return self.modality.resolve(column_names, arguments, require_label)

    def reads_text_file(self, path: Path) -> bool:
        """Whether a `.txt` file to predict from is of the task's own kind, and not one of a text per line."""
        return False

    @classmethod
    def check_given(cls, columns: Mapping[str, str | None]) -> None:
        """Makes sure that the columns that somebody names are among those that the task reads.

        Args:
            columns (`dict[str, str]`): the columns by setting, `None` for those that nobody named.

        Raises:
            HfseqError: where one would be ignored.
        """
        for name in cls.foreign_columns:
            if columns.get(name):
                raise HfseqError(
                    f"{cls.name} has no {name} ({columns[name]!r}): leave it out, and name what is read with "
                    "--input_column a,b"
                )

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Raw examples without labels, their input columns as they should be: see [`Modality.check`]."""
        return self.modality.check(rows, columns, where)

    @classmethod
    def load_processor(cls, modality: Modality, source: str, **options: Any) -> Any:
        """The processor that was saved beside a model: see [`Modality.load_processor`]."""
        return modality.load_processor(source, **options)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """Raw rows with the columns that the task knows, where they can be told from others.

        Raises:
            HfseqError: where they cannot.
        """
        return rows

    @abstractmethod
    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """Any data set's rows, under `test`, to evaluate a saved model on.

        Raises:
            HfseqError: where a column is missing or a row is damaged, or has a label that the model does not know.
        """

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The processor, fitted on the training split alone."""
        if self.modality.trains_tokenizer:
            texts = self.modality.tokenizer_texts(data.splits["train"], data.columns)
            return make_tokenizer(texts, make_own=partial(self.modality.make_tokenizer, arguments))
        return self.modality.make_processor(data.splits["train"], data.columns, arguments)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The splits as a model reads them, with `labels`."""
        encoded = self.modality.encode(data.splits, data.columns, inputs_of(processor), arguments)
        splits = {
            name: split.add_column(LABELS, self.labels_of_split(data, name, processor))
            for name, split in encoded.splits.items()
        }
        return EncodedSplits(DatasetDict(splits), encoded.truncated_share)

    def labels_of_split(self, data: TaskData, split: str, processor: Any) -> list[Any]:
        """The encoded labels of a split, in its order."""
        raise NotImplementedError(f"{self.name} encodes its labels with the inputs")

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The inputs of some raw examples, without labels: what a saved model is given."""
        encoded = self.modality.encode_batch(rows, columns, inputs_of(processor), arguments)
        return {name: values for name, values in encoded.items() if name not in (LENGTH_COLUMN, TRUNCATED_COLUMN)}

    # What the model is told.

    def config_values(self) -> dict[str, Any]:
        """What a model's configuration is told of the labels."""
        return {}

    def checkpoint_values(self, config: Any) -> dict[str, Any]:
        """What the configuration of a checkpoint is told in the place of what it was trained with."""
        return self.config_values()

    def check_config(self, config: Any) -> None:
        """Finds nothing wrong with a configuration, unless a task knows better.

        Raises:
            HfseqError: where a model of this configuration cannot be trained for the task as it is set up.
        """
        return

    def input_values(self, processor: Any) -> dict[str, Any]:
        """What a model's configuration is told of the inputs."""
        return self.modality.config_values(inputs_of(processor))

    def longest_input(self, processor: Any, arguments: DataArguments) -> int:
        """The most tokens of an example: so many positions a model has to know."""
        return arguments.token_limit

    def stand_in_values(self) -> dict[str, Any]:
        """Values in the place of [`input_values`] while there is no processor, to check all else."""
        return self.modality.stand_in_values()

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """The settings of a configuration that is made from scratch, from those of the inputs and the user's."""
        return {**values, **self.config_values(), **overrides}

    def fit_model(self, model: Any, fresh: Collection[str]) -> Any:
        """A model that is about to be trained, with settings that stand beside its configuration: of generation.

        Args:
            model (`PreTrainedModel`): the model.
            fresh (`Collection[str]`): the names of the parameters that begin anew.
        """
        return model

    # Training and evaluation.

    @property
    @abstractmethod
    def default_metric(self) -> str:
        """The metric that chooses the best checkpoint when nobody names one."""

    @property
    def ranking_metric(self) -> str:
        """The metric that models are compared by; by default the one that chooses their checkpoints."""
        return self.default_metric

    @property
    @abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that an evaluation after each epoch gives, beside the loss."""

    @property
    def metric_note(self) -> str | None:
        """What a reader of the metrics has to know, such as their unit; `None` where the names say it all."""
        return None

    @property
    def subject(self) -> str:
        """What a message calls the task."""
        return self.name

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What of a batch is passed to the model; by default all but the labels, in training perhaps changed."""
        given = {name: value for name, value in inputs.items() if name != LABELS}
        return self.perturb(given) if self.perturb is not None and model.training else given

    @abstractmethod
    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """The loss of a batch.

        Args:
            outputs: what the model returned for [`model_inputs`].
            inputs (`dict`): the batch.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): [`count_items`] of all batches of the optimizer
                step, by which the sum is divided.
        """

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """What the loss is a mean over: the labels of a batch that are not -100."""
        return inputs[LABELS].ne(-100).sum()

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """What of a model's outputs an evaluation keeps: a tensor, or a tuple, batch first. By default the logits."""
        return outputs["logits"]

    def labels_of(self, inputs: Mapping[str, Any]) -> Any:
        """What of a batch an evaluation keeps to compare with."""
        return inputs[LABELS]

    @abstractmethod
    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of predictions against labels, as Trainer wants them."""

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """Numbers, one an example, whose mean is the ranking metric and whose variance tells how sure it is."""
        return None

    def generated_scores(self, written: np.ndarray, split: str) -> np.ndarray | None:
        """Numbers, one an example of what was written, whose mean is the ranking metric, as in [`example_scores`]."""
        return None

    def baselines(self, data: TaskData) -> dict[str, dict[str, float]]:
        """Test metrics of answers that take next to no training, by name; a record shows them beside the model's."""
        return {}

    # Writing: translations, captions. A task that writes is evaluated on what it writes when the training is over.

    generates_text: ClassVar[bool] = False

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The tokens that a model writes for a batch, `(batch, length)`."""
        raise NotImplementedError(f"{self.name} writes nothing")

    def compute_generated_metrics(self, written: np.ndarray, split: str) -> dict[str, float]:
        """Metrics of what was written, padded with -100, against what the task keeps of the split to compare with."""
        raise NotImplementedError(f"{self.name} writes nothing")

    # After the training.

    @abstractmethod
    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """What the model says of each example.

        Args:
            predictions (`list`): of each example, what [`predictions_of`] keeps, or what [`write`] gives.
            rows (`dict[str, list]`): the raw examples.
            columns (`Columns`): where the inputs stand in them.
        """

    @property
    def value_names(self) -> list[str]:
        """What the numbers of an answer are called: labels, or channels."""
        return self.describe().get("labels") or ["value"]

    def describe(self) -> dict[str, Any]:
        """What a run record says of the task, beside its name."""
        return {}


def unpadded(values: Iterable[int]) -> list[int]:
    """A row of labels or predictions without its padding of -100."""
    return [int(value) for value in values if value != -100]


def ratio_scores(upper: np.ndarray, lower: np.ndarray) -> np.ndarray | None:
    """Numbers, one an example, whose mean is the ratio of two sums over the examples, and whose variance tells how
    sure that is (the delta method); `None` where the ratio is undefined.

    Args:
        upper (`np.ndarray` of shape `(examples,)`): each example's part in the sum above the line.
        lower (`np.ndarray` of shape `(examples,)`): and in that below.
    """
    if not lower.sum():
        return None
    ratio = upper.sum() / lower.sum()
    return ratio + (upper - ratio * lower) / lower.mean()
