"""The settings of the data: those that all data has, and those of its modality and task."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from hfseq.data.bounds import AT_LEAST_1, SEED, Bounds
from hfseq.data.setting_groups import group_settings, modality_names, owners, task_names
from hfseq.data.settings import Setting, Settings, check_settings_of, declared_settings, setting
from hfseq.data.sources.file_format import file_format
from hfseq.errors import HfseqError, nearest

# Default of max_length where it is not derived from the data.
DEFAULT_MAX_LENGTH = 128
_FRACTION = Bounds(0, 1, above=True, below=True, text="lie between 0 and 1")

_Group = TypeVar("_Group", bound=Settings)


@dataclass(init=False)
class DataArguments:
    """The settings of the data.

    The fields are the settings that all data has. Settings of a modality or a task have the same flat names in the
    constructor, and are read with [`group`]:

    ```py
    arguments = DataArguments(dataset="recordings/", modality="audio", sampling_rate=8000)
    arguments.group(AudioSettings).sampling_rate  # 8000
    ```

    Args:
        group_values (`dict`, *optional*): settings of modalities and tasks by name.
        values: settings by name.

    Raises:
        HfseqError: there is no such setting, or it has a value that is not valid.
    """

    plugins: list[str] | None = setting(
        None,
        "Python modules that register modalities, tasks, cells, metrics or presets, such as my_package.my_module.",
        for_new_data=True,
    )
    task: str | None = setting(
        None, "What the model predicts. By default the task of the built-in data set, or else sequence_classification."
    )
    modality: str | None = setting(
        None,
        "Kind of the examples. By default the modality of the built-in data set, or the one that the files have, or "
        "else text.",
    )
    dataset: str = setting(
        "builtin:docstrings",
        "The data: `builtin:NAME`; a csv, tsv, json, jsonl or parquet file; a file of another kind "
        "(conll, fasta, ts, txt, mid, ...); a folder with one file per split; a folder of recordings or images; a "
        "folder written by save_to_disk; or the id of a data set on the Hub.",
    )
    dataset_config_name: str | None = setting(None, "Configuration of a data set on the Hub.")
    dataset_revision: str | None = setting(None, "Revision of a data set on the Hub: a branch, tag or commit.")
    text_column: str | None = setting(
        None, "Column with the text. By default it is found by its name.", for_new_data=True
    )
    text_pair_column: str | None = setting(None, "Column with the second text of a pair.", for_new_data=True)
    input_column: str | None = setting(
        None,
        "Column with the input of the model if it is not a text. By default it is found by its name. For a file of "
        "CoNLL columns: the name or number of the column with the words.",
        for_new_data=True,
    )
    label_column: str | None = setting(
        None, "Column with the label. By default it is found by its name.", for_new_data=True
    )
    target_column: str | None = setting(
        None,
        "Column with the target: translation, caption, transcript or tags. By default it is found by its name.",
        for_new_data=True,
    )
    max_length: int | None = setting(
        None,
        "Largest number of tokens of an example; longer examples are truncated. In language modelling, the length "
        "of a block. By default 128 in language modelling; else the 99th percentile of the training examples, at "
        "least 128 and at most 1,024 (512 for a model with attention).",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    validation_fraction: float = setting(
        0.1, "Share of the training examples used for validation if there is no validation split.", bounds=_FRACTION
    )
    test_fraction: float = setting(
        0.1, "Share of the training examples used as test split if there is no test split.", bounds=_FRACTION
    )
    split_seed: int = setting(
        0, "Seed of these random splits. It does not depend on --seed, so all runs have the same splits.", bounds=SEED
    )
    group_column: str | None = setting(
        None,
        "Column of a patient, recording or document: examples with the same value stay in the same split when splits "
        "are made.",
    )
    num_folds: int | None = setting(
        None,
        "Number of folds of a cross-validation over all examples (or, for forecasting, of test parts one after "
        "another in time). The splits are made anew: `fold` is the test split, and the next fold the validation "
        "split. `hfseq compare --folds` trains on every fold.",
        bounds=Bounds(3),
    )
    fold: int | None = setting(None, "Which of the num_folds folds is the test split, from 1.", bounds=AT_LEAST_1)
    resplit: bool = setting(
        False,
        "Make new random splits of all examples with split_seed, also if the data set has its own splits. "
        "`hfseq compare --repeat_splits` does this several times.",
    )
    train_size: int | None = setting(
        None,
        "Train on this many examples, with the same proportions of the classes. Smaller samples are contained in "
        "larger ones. `hfseq compare --train_sizes` compares several sizes.",
        bounds=AT_LEAST_1,
    )
    max_train_samples: int | None = setting(
        None, "Train on a random sample of this many examples. By default all.", bounds=AT_LEAST_1
    )
    max_eval_samples: int | None = setting(
        None, "Validate on a random sample of this many examples. By default all.", bounds=AT_LEAST_1
    )
    max_predict_samples: int | None = setting(
        None, "Test on a random sample of this many examples. By default all.", bounds=AT_LEAST_1
    )
    column_names: list[str] | None = setting(
        None,
        "Names of the columns of a csv or tsv file without a header, such as `label,title,text`.",
        for_new_data=True,
    )
    no_header: bool | None = setting(
        None,
        "The csv or tsv file has no header; its columns are called column_1, column_2, ... By default the first row "
        "is the header, and a first row of numbers is an error; `false` accepts it as the header.",
        nargs="?",
        const=True,
        for_new_data=True,
    )
    delimiter: str | None = setting(
        None,
        "Character between the cells of a csv or tsv file, or its name: comma, semicolon, tab, pipe, space. By "
        "default it is detected.",
        for_new_data=True,
    )
    decimal: str | None = setting(
        None,
        "Decimal sign of a csv or tsv file. By default a comma if semicolons separate the cells, or else a point.",
        for_new_data=True,
    )
    encoding: str = setting(
        "utf-8", "Encoding of csv, tsv, json and jsonl files, such as cp1252 or utf-16.", for_new_data=True
    )
    max_cell_mb: int = setting(
        64,
        "Largest size of a cell of a csv or tsv file, or of a line of a jsonl file, in megabytes.",
        for_new_data=True,
    )
    preprocessing_num_workers: int | None = setting(
        None, "Number of processes that tokenise. By default 1.", bounds=AT_LEAST_1, per_model=True
    )
    cache_dir: str | None = setting(
        None, "Folder of the cache of data sets and models. By default that of Hugging Face.", per_model=True
    )
    # Settings of modalities and tasks that were given, by name.
    group_values: dict[str, Any] = field(default_factory=dict)

    def __init__(self, *, group_values: Mapping[str, Any] | None = None, **values: Any):
        for item in fields(self):
            if item.default is not MISSING:
                setattr(self, item.name, values.pop(item.name, item.default))
        self.group_values = {**(group_values or {}), **values}
        self.__post_init__()

    def __post_init__(self) -> None:
        check_settings_of(self)
        _check_folds(self)
        _check_name("task", self.task, task_names())
        _check_name("modality", self.modality, modality_names())
        _ = file_format(self)  # checks the settings of the file format
        unknown = self.group_values.keys() - group_settings().keys()
        for name in sorted(unknown):
            raise HfseqError(f"there is no setting {name!r}: {nearest(name, data_settings())}")
        for cls in dict.fromkeys(owner for name in self.group_values for owner in owners(name)):
            self.group(cls)  # checks the values

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dataclass_fields__:
            raise AttributeError(f"{name} is not a field: use dataclasses.replace(arguments, {name}=...)")
        super().__setattr__(name, value)

    def group(self, cls: type[_Group]) -> _Group:
        """The settings of a modality or a task.

        Args:
            cls (`type[Settings]`): the dataclass of the settings, or one of its base classes.

        Returns:
            `Settings`: an instance with the values that were given, and defaults for the others.
        """
        names = declared_settings(cls)
        return cls(**{name: value for name, value in self.group_values.items() if name in names})

    def get(self, name: str) -> Any:
        """The value of a setting by its flat name."""
        if name in self.group_values:
            return self.group_values[name]
        return getattr(self, name) if name in declared_settings(type(self)) else group_settings()[name].default

    @property
    def token_limit(self) -> int:
        """`max_length`, or 128 while it is not set."""
        return DEFAULT_MAX_LENGTH if self.max_length is None else self.max_length


def _check_folds(arguments: DataArguments) -> None:
    if (arguments.num_folds is None) != (arguments.fold is None):
        raise HfseqError("num_folds and fold belong together: give both, such as --num_folds 5 --fold 1, or neither")
    if arguments.num_folds is not None and arguments.fold is not None and arguments.fold > arguments.num_folds:
        raise HfseqError(f"fold {arguments.fold} does not exist: there are {arguments.num_folds} folds")
    if arguments.num_folds is not None and arguments.resplit:
        raise HfseqError("num_folds and resplit both make new splits: leave out one of them")


def data_settings() -> dict[str, Setting]:
    """All settings of the data by name, those of modalities and tasks included."""
    return {**declared_settings(DataArguments), **group_settings()}


def _check_name(kind: str, name: str | None, known: tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise HfseqError(f"{kind} {name!r} is not known: {nearest(name, known)}")
