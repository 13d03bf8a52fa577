"""Predictions, generated text and metrics of a saved model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.bucketing import SortedByLengthSampler
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.padding import PaddingRules
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import SINGLE_LABEL
from hfseq.errors import HfseqError
from hfseq.inference.backend import Backend, BackendModel
from hfseq.inference.evaluation import evaluate
from hfseq.inference.examples import ExampleReader
from hfseq.inference.loading import load_saved_model
from hfseq.inference.locks import Lock
from hfseq.inference.outputs import check_finite, to_numpy
from hfseq.inference.predictions import Predictions
from hfseq.inference.torch_backend import TorchBackend
from hfseq.modalities.rows import apply_limits
from hfseq.tasks import Task
from hfseq.training.record import RunRecord


class Predictor:
    """A saved model with its processor, which reads examples as they were read in training.

    Several threads may share one predictor. The results are those of a single thread: tokenizers keep the state of a
    truncation between calls, so examples are encoded and decoded by one thread at a time, and only the model runs in
    several threads at once. Calls of [`generate`] and of [`evaluate`] run one after the other.

    Args:
        backend (`Backend`): runs the model.
        processor: the processor: a tokenizer, a feature extractor, an image processor, or a pair of them.
        task (`Task`): the task of the model.
        arguments (`DataArguments`): how examples are read.
        record (`RunRecord`, *optional*): record of the run that trained the model.
        trained_on (`str`, *optional*): the data of that run, as `dataset` in its settings.

    Example:

    ```py
    >>> import hfseq
    >>> predictor = hfseq.load_predictor("runs/gru")
    >>> predictor(["What a lovely film", "A dull day"]).to_pandas()
    ```
    """

    def __init__(
        self,
        backend: Backend,
        processor: Any,
        task: Task,
        arguments: DataArguments,
        record: RunRecord | None = None,
        trained_on: str | None = None,
    ):
        self.backend = backend
        self.processor = processor
        self.task = task
        self.arguments = arguments
        self.record = record
        self.trained_on = trained_on
        # Held while the processor is used, and during an evaluation, which keeps references in the task.
        self.processing, self._evaluating = Lock(), Lock()

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        trust_remote_code: bool = False,
        revision: str | None = None,
        device: str | None = None,
    ) -> "Predictor":
        """See [`load_predictor`]."""
        if not isinstance(model, str | Path):
            raise HfseqError(f"a model is a folder or an id on the Hub, not {model!r} ({type(model).__name__})")
        saved = load_saved_model(str(model), trust_remote_code=trust_remote_code, revision=revision, device=device)
        backend = TorchBackend(saved.model)
        return cls(backend, saved.processor, saved.task, saved.arguments, saved.record, saved.trained_on)

    @property
    def model(self) -> Any:
        """The model of transformers. Only a [`TorchBackend`] has one."""
        if not isinstance(self.backend, TorchBackend):
            raise HfseqError(f"{type(self.backend).__name__} has no torch model")
        return self.backend.model

    @property
    def reader(self) -> ExampleReader:
        """Reads the examples of this model."""
        return ExampleReader(self.task, inputs_of(self.processor), self.arguments, self.record)

    def __call__(self, examples: Any, *, batch_size: int = 64, **columns: str | None) -> Predictions:
        """Predicts examples.

        Args:
            examples: the examples, in one of these forms:

                - a list of texts; of pairs of texts: `[("a", "b"), ...]`; for token classification also of lists of
                  words;
                - a list of dicts with the columns of the training data, a `datasets.Dataset`, or a `pandas.DataFrame`;
                - a list of NumPy arrays, or one array. A series has the shape `(steps, channels)`, or `(steps,)` with
                  one channel; a recording `(samples,)`, at the sampling rate of the model; an image
                  `(height, width)` or `(height, width, channels)`; a video has one dimension more than an image.
                  An array with one dimension more than an example holds several examples;
                - a list of paths of recordings, images or videos;
                - one example that is a text, a dict or an array;
                - a `pathlib.Path` of any file or folder that `hfseq predict --input` reads.

            batch_size (`int`, *optional*, defaults to 64): number of examples per batch. Examples of similar length go
                into one batch; the predictions do not depend on it, up to rounding.
            columns: `text_column`, `text_pair_column` or `input_column`, for examples with columns. By default the
                columns of the training.

        Returns:
            `Predictions`: a list with one [`Prediction`] per example, in the order of the examples. Its `to_pandas()`
            gives a data frame.

        Raises:
            HfseqError: the examples have another form, a column is missing, or an example cannot be read.
        """
        _check_batch_size(batch_size)
        rows, found = self.reader.read(examples, columns)
        size = max(batch_size, self.task.modality.batch_size)
        count = len(rows) if isinstance(rows, Dataset) else len(rows[found.text])
        predictions = self._predictions([])
        # In parts: encoded examples take much more memory than raw ones.
        for start in range(0, count, size):
            stop = start + size
            part = rows[start:stop] if isinstance(rows, Dataset) else {key: rows[key][start:stop] for key in rows}
            try:
                predictions += self.predict_rows(part, found, batch_size)
            except HfseqError as error:
                if not start:
                    raise
                raise HfseqError(f"after the first {start:,} examples: {error}") from error
        return predictions

    def predict_rows(self, rows: Mapping[str, list], columns: Columns, batch_size: int = 64) -> Predictions:
        """Predicts raw examples that were read and checked before. Arguments as in [`outputs`]."""
        if not rows[columns.text]:
            return self._predictions([])
        outputs = self.outputs(rows, columns, batch_size)
        with self.processing:
            return self._predictions(self.task.predictions(outputs, rows, columns))

    def _predictions(self, predictions: list[Any]) -> Predictions:
        single = self.task.describe().get("problem_type") == SINGLE_LABEL
        return Predictions(predictions, self.task.value_names, single)

    def outputs(self, rows: Mapping[str, list], columns: Columns, batch_size: int = 64) -> list[Any]:
        """The outputs of the model that the task needs, such as logits, or generated tokens.

        Args:
            rows (`dict[str, list]`): raw examples, by column.
            columns (`Columns`): the columns that are read.
            batch_size (`int`, *optional*, defaults to 64): number of examples per batch.

        Returns:
            `list`: one entry per example, in the order of the examples.
        """
        if not rows[columns.text]:
            return []
        model = BackendModel(self.backend)
        collate = SequenceCollator(self.processor, label_padding=self.task.label_padding)
        with self.processing:
            apply_limits(self.arguments)
            encoded = self.task.encode_rows(rows, columns, self.processor, self.arguments)
        main = PaddingRules.from_processor(self.processor).main_input
        order = SortedByLengthSampler([len(row) for row in encoded.get(main) or next(iter(encoded.values()))]).order
        found: list[Any] = [None] * len(order)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            with self.processing:
                batch = collate([{name: values[row] for name, values in encoded.items()} for row in chosen])
            parts = to_numpy(self._run(model, batch))
            check_finite(parts, chosen)
            for position, row in enumerate(chosen):
                found[row] = tuple(part[position] for part in parts) if isinstance(parts, tuple) else parts[position]
        return found

    def _run(self, model: BackendModel, batch: Any) -> Any:
        if self.task.generates_text:
            return self.task.generate(model, batch)
        return self.task.predictions_of(model(**self.task.model_inputs(model, batch)), batch)

    def logits(self, examples: Any, *, batch_size: int = 64, **columns: str | None) -> np.ndarray:
        """The logits of a sequence classifier.

        Args:
            examples: as in [`__call__`].
            batch_size (`int`, *optional*, defaults to 64): number of examples per batch.
            columns: as in [`__call__`].

        Returns:
            `np.ndarray` of shape `(examples, num_labels)`, in the order of the examples.
        """
        _check_batch_size(batch_size)
        rows, found = self.reader.read(examples, columns)
        rows = rows[:] if isinstance(rows, Dataset) else rows
        if not rows[found.text]:
            return np.zeros((0, self.backend.config.num_labels), dtype=np.float32)
        return np.stack(self.outputs(rows, found, batch_size))

    def generate(self, prompts: Any = "", **settings: Any) -> Predictions:
        """Generates text or music with a language model.

        Models that translate, caption or transcribe generate text from their inputs: call the predictor itself.

        Args:
            prompts (`str` or `list[str]`, *optional*, defaults to `""`): the beginning of each text. For music: the
                path of a MIDI file, or a piece as the list of the pitches of each time step.
            settings: settings of [`GenerationSettings`]: `max_new_tokens`, `temperature`, `top_k`, `top_p`,
                `num_beams`, `num_return_sequences`, `seed`.

        Returns:
            `Predictions`: `num_return_sequences` predictions per prompt. `text` is the generated text, prompt
            included; for music, `values` has the pitches of each time step.

        Raises:
            HfseqError: the model is not a language model, a setting is not valid, or the prompt is too long.
        """
        from hfseq.inference.generation import generate_predictions

        return generate_predictions(self, prompts, settings)

    def evaluate(
        self,
        dataset: Any = None,
        split: str | None = None,
        *,
        batch_size: int = 64,
        cache_dir: str | None = None,
        **columns: Any,
    ) -> dict[str, float]:
        """Computes the metrics of one split of a data set.

        Args:
            dataset (*optional*): the data, as in [`load_source`]. By default the data that the model was trained with,
                in the same splits.
            split (`str`, *optional*): the split. By default `test`, or the only split.
            batch_size (`int`, *optional*, defaults to 64): number of examples per batch.
            cache_dir (`str`, *optional*): folder of the cache of `datasets`.
            columns: `text_column`, `text_pair_column`, `label_column`, `input_column`, `target_column`; for other data
                than that of the training also `id_column`, `time_column`, `time_format`, `ignore_columns`,
                `source_language` and `target_language`.

        Returns:
            `dict[str, float]`: the metrics by name.

        Raises:
            HfseqError: the data cannot be read, or the split, a column or a label is unknown.
        """
        _check_batch_size(batch_size)
        with self._evaluating:
            return evaluate(self, dataset, split, batch_size=batch_size, cache_dir=cache_dir, columns=columns)

    def read_rows(self, source: str, **columns: str | None) -> tuple[Dataset, Columns]:
        """See [`ExampleReader.read_path`]."""
        return self.reader.read_path(source, **columns)

    def columns_of(self, column_names: list[str], require_label: bool = True, **given: str | None) -> Columns:
        """See [`ExampleReader.columns_of`]."""
        return self.reader.columns_of(column_names, require_label, **given)


def load_predictor(
    model: str | Path, *, trust_remote_code: bool = False, revision: str | None = None, device: str | None = None
) -> Predictor:
    """Loads a saved model for predictions.

    Args:
        model (`str` or `Path`): the folder of a run, the folder of a model, or an id on the Hub.
        trust_remote_code (`bool`, *optional*, defaults to `False`): whether code that comes with the model may run.
        revision (`str`, *optional*, defaults to `"main"`): branch, tag or commit of a model on the Hub.
        device (`str`, *optional*): `"cpu"`, `"cuda"`, `"cuda:1"`, ... By default the GPU if there is one.

    Returns:
        `Predictor`: call it with examples. Several threads may share it.

    Raises:
        HfseqError: the model cannot be loaded, its weights are missing or damaged, or so is the record of its run.

    Example:

    ```py
    >>> import hfseq
    >>> predictor = hfseq.load_predictor("runs/gru")
    >>> predictor(["What a lovely film"])[0].labels
    ['good']
    ```
    """
    return Predictor.load(model, trust_remote_code=trust_remote_code, revision=revision, device=device)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise HfseqError(f"batch_size must be at least 1, not {batch_size}")


def generate(
    model: Any,
    prompts: Any = "",
    *,
    trust_remote_code: bool = False,
    revision: str | None = None,
    device: str | None = None,
    **settings: Any,
) -> Predictions:
    """Generates text or music with a saved language model.

    Args:
        model (`str`, `Path` or `Predictor`): the folder of a run or a model, an id on the Hub, or a predictor that is
            loaded already.
        prompts (`str` or `list[str]`, *optional*, defaults to `""`): the beginning of each text; see
            [`Predictor.generate`], also for music.
        trust_remote_code (`bool`, *optional*, defaults to `False`): whether code that comes with the model may run.
        revision (`str`, *optional*, defaults to `"main"`): branch, tag or commit of a model on the Hub.
        device (`str`, *optional*): `"cpu"`, `"cuda"`, ... By default the GPU if there is one.
        settings: settings of the generation; see [`Predictor.generate`].

    Returns:
        `Predictions`: `num_return_sequences` predictions per prompt.

    Raises:
        HfseqError: the model cannot be loaded, is not a language model, or a setting is not valid.

    Example:

    ```py
    >>> import hfseq
    >>> hfseq.generate("runs/text-lm", "The film was", max_new_tokens=20, num_return_sequences=2).to_pandas()
    ```
    """
    if not isinstance(model, Predictor):
        model = Predictor.load(str(model), trust_remote_code=trust_remote_code, revision=revision, device=device)
    return model.generate(prompts, **settings)
