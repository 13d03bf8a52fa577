"""The settings that say what is read, and how it becomes the inputs of a model."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hfseq.data.bounds import AT_LEAST_1, SEED, Bounds, check_number, check_numbers
from hfseq.data.sources.file_format import file_format
from hfseq.errors import HfseqError, nearest
from hfseq.span_tags import TAG_SCHEMES

TRUNCATIONS = ("head", "tail", "head+tail")
MODALITY_NAMES = ("text", "dna", "series", "audio", "image", "video", "music")
NORMALIZATIONS = ("channel", "sequence", "none")
# The most tokens of an example, unless the data has longer ones.
DEFAULT_MAX_LENGTH = 128
FORECAST_LOSSES = ("mse", "mae", "huber")
_BOUNDS = {
    **dict.fromkeys(
        (
            "max_length", "eval_max_length", "max_target_length", "num_beams", "max_steps_per_example", "channels",
            "kmer", "kmer_stride", "sampling_rate", "num_mel_bins", "frame_stack", "image_size", "context_length",
            "prediction_length", "seasonality", "window_stride", "max_train_samples", "max_eval_samples",
            "max_predict_samples", "preprocessing_num_workers", "max_media_values",
            "max_music_steps",
        ),
        AT_LEAST_1,
    ),
    **dict.fromkeys(
        ("validation_fraction", "test_fraction"), Bounds(0, 1, above=True, below=True, text="lie between 0 and 1")
    ),
    "split_seed": SEED,
    "transpose": Bounds(0, 11, text="lie between 0 and 11 semitones"),
}  # fmt: skip


def setting(default: Any, help: str) -> Any:
    """A field that is a key of the YAML files and a flag of the command line."""
    return field(default=default, metadata={"help": help.replace("%", "%%")})  # argparse formats it


@dataclass
class ProcessingArguments:
    """How raw examples become the inputs of a model. Each modality reads its own."""

    max_length: int | None = setting(
        None,
        "The most tokens of an example that are read; in language modelling, the length of a block. By default, "
        "language modelling takes 128, and other tasks read 99 % of the training examples to their end: at least 128 "
        "tokens, at most 1,024 (512 with attention) or what the model can read.",
    )
    truncation: str = setting("head", f"What is kept of a longer example: {', '.join(TRUNCATIONS)}.")
    max_target_length: int = setting(128, "The most tokens of a target that are learned, or written.")
    num_beams: int = setting(
        4, "How many unfinished targets are followed at a time when one is written; 1 takes the likeliest next token."
    )
    max_steps_per_example: int | None = setting(
        None, "The most steps (frames) of a series, a recording or a video that are read. By default all."
    )
    normalization: str = setting(
        "channel",
        f"How numbers are standardised: {', '.join(NORMALIZATIONS)}. `channel` takes each channel's mean and "
        "deviation over the training split, `sequence` those of the example itself.",
    )
    channels: int | None = setting(
        None, "How many columns of a table of numbers make up one step: x1,y1,x2,y2,... has 2. By default 1."
    )
    id_column: str | None = setting(
        None,
        "The column that tells series apart, in a table with one row a step, or sentences, with one row a word.",
    )
    time_column: str | None = setting(
        None,
        "The column that orders the steps of a series, or several with commas between them: `year,month`. By default "
        "a column of dates, or of numbers that are times by their name and values, in tables with one row per step.",
    )
    time_format: str | None = setting(
        None, "How the dates of the time column are written, such as `%d.%m.%Y`. By default it is found out."
    )
    ignore_columns: list[str] | None = setting(
        None, "Columns of a table that are no part of its series, where it has them."
    )
    eval_max_length: int | None = setting(
        None, "Language modelling: the length of a block to evaluate on, with more context. By default max_length."
    )
    transpose: int = setting(
        0, "Music: by how many semitones, lower and higher, each training piece is transposed as well."
    )
    kmer: int = setting(1, "DNA: how many letters make up a token.")
    kmer_stride: int = setting(1, "DNA: how far apart tokens begin; 1 overlaps, the k-mer's length does not.")
    reverse_complement: bool = setting(
        False, "DNA: whether to train on the reverse complement of each training sequence as well."
    )
    sampling_rate: int | None = setting(
        None,
        "Audio: what recordings are resampled to, in Hz. By default the usual rate of the training split, and 16,000 "
        "where that is higher.",
    )
    num_mel_bins: int = setting(40, "Audio: bands of the log-mel spectrogram.")
    frame_stack: int = setting(1, "Audio: how many successive frames make up one step.")
    spec_augment: bool = setting(
        False, "Audio: whether to hide bands and stretches of time at random in training (Park et al. 2019)."
    )
    max_media_values: int = setting(
        1 << 28,
        "Audio, images and video: the most numbers that one example may take in memory. A file that claims more is "
        "refused, unless this is raised.",
    )
    max_music_steps: int = setting(
        100_000, "Music: the most time steps of a MIDI file. A longer one is refused, unless this is raised."
    )
    image_size: int = setting(64, "Images and video: height and width that frames are resized to.")
    num_channels: int = setting(3, "Images and video: 3 for colour, 1 for shades of grey.")

    @property
    def token_limit(self) -> int:
        """`max_length`, or 128 as long as nobody has chosen one."""
        return DEFAULT_MAX_LENGTH if self.max_length is None else self.max_length


@dataclass
class DataArguments(ProcessingArguments):
    """What is read, and how."""

    _argument_group_name = "data"

    task: str | None = setting(
        None, "What is predicted. By default what the built-in data set is for, or else sequence_classification."
    )
    modality: str | None = setting(
        None,
        f"What an example is: {', '.join(MODALITY_NAMES)}. By default as the built-in data set or the kind of file "
        "says, or else text.",
    )
    dataset: str = setting(
        "builtin:docstrings",
        "Where the data is: `builtin:NAME`, a csv, tsv, json, jsonl or parquet file, a file of the task's own kind "
        "(conll, fasta, ts, txt, mid, ...), a folder with one file a split, a folder of recordings or images, a "
        "folder of datasets' save_to_disk, or the id of a data set on the Hub.",
    )
    dataset_config_name: str | None = setting(None, "The configuration of a data set on the Hub.")
    dataset_revision: str | None = setting(None, "The revision of a data set on the Hub.")
    column_names: list[str] | None = setting(
        None, "The names of the columns of a csv or tsv file without a header, such as `label,title,text`."
    )
    no_header: bool | None = field(
        default=None,
        metadata={
            "help": "A csv or tsv file has no header; its columns are called column_1, column_2, ... By default the "
            "first row is the header, and one of numbers alone is an error; `false` takes it for the header.",
            "nargs": "?",
            "const": True,
        },
    )
    delimiter: str | None = setting(
        None,
        "The character between the cells of a csv or tsv file, or comma, semicolon, tab, pipe, space. By default it "
        "is found in the file.",
    )
    decimal: str | None = setting(
        None, "The decimal sign of a csv or tsv file. By default a comma where semicolons separate cells, or else `.`."
    )
    missing_values: list[str] | None = setting(
        None, "Cells that mark a missing value in a column of numbers, such as `NA -`."
    )
    encoding: str = setting("utf-8", "The encoding of csv, tsv, json and jsonl files, such as cp1252 or utf-16.")
    max_cell_mb: int = setting(64, "The largest cell of a csv or tsv file, or line of a jsonl file, in megabytes.")
    text_column: str | None = setting(None, "The column of the text. By default it is found by its name.")
    text_pair_column: str | None = setting(None, "The column of the second text, for text pairs.")
    input_column: str | None = setting(
        None,
        "The column of what is read, where that is not a text. By default it is found by its name. Of a file of CoNLL "
        "columns, the name or number of the column of the words.",
    )
    label_column: str | None = setting(None, "The column of the label. By default it is found by its name.")
    target_column: str | None = setting(
        None,
        "The column of what is written: translation, caption, transcript, tags. By default it is found by its name.",
    )
    source_language: str | None = setting(None, "Of a folder of parallel texts: the ending of what is read (en).")
    target_language: str | None = setting(None, "Of a folder of parallel texts: the ending of what is written (de).")
    problem_type: str | None = setting(
        None,
        "single_label_classification, multi_label_classification or regression. By default it follows from the "
        "labels.",
    )
    tag_scheme: str | None = setting(
        None,
        "Token classification: the scheme that tags of spans are converted to when they are read: iob2 (or bio), "
        "bioes, or keep. By default IOB1 becomes IOB2, and BILOU, BMES, PER-B or b-per become IOB2 or BIOES.",
    )
    label_separator: str | None = setting(
        None,
        "What separates the labels in a cell of text, such as `|` in joy|anger. Each row then has any number of "
        "labels. Cells that are lists, such as ['joy', 'anger'], need no separator.",
    )
    context_length: int = setting(48, "Forecasting: how many steps of the past are read.")
    prediction_length: int = setting(12, "Forecasting: how many steps are predicted.")
    seasonality: int = setting(1, "Forecasting: the season's length in steps, for MASE and the seasonal-naive rival.")
    window_stride: int = setting(1, "Forecasting: how far apart the windows to train on begin.")
    time_splits: str | None = setting(
        None,
        "Forecasting: steps of the training, validation and test part of each series, such as `8640,2880,2880`; what "
        "comes after them is not used. By default the fractions below, counted from the end.",
    )
    forecast_loss: str = setting(
        "mse", f"Forecasting: the loss of all models: {', '.join(FORECAST_LOSSES)}. Not used with quantiles."
    )
    quantiles: str | None = setting(
        None, "Forecasting: quantiles to forecast in place of one value, such as `0.1,0.5,0.9`."
    )
    validation_fraction: float = setting(
        0.1, "The share of the training examples set aside where there is no validation split."
    )
    test_fraction: float = setting(0.1, "The share of the training examples set aside where there is no test split.")
    split_seed: int = setting(0, "The seed of those cuts. It is not the seed of the training, so all runs share them.")
    max_train_samples: int | None = setting(None, "Train on a random part of this size.")
    max_eval_samples: int | None = setting(None, "Validate on a random part of this size.")
    max_predict_samples: int | None = setting(None, "Test on a random part of this size.")
    preprocessing_num_workers: int | None = setting(None, "Processes to tokenise with.")
    cache_dir: str | None = setting(None, "The cache of datasets and models. By default Hugging Face's own.")

    def __post_init__(self) -> None:
        for name, known in (
            ("truncation", TRUNCATIONS), ("modality", MODALITY_NAMES), ("normalization", NORMALIZATIONS),
            ("forecast_loss", FORECAST_LOSSES), ("tag_scheme", TAG_SCHEMES),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value not in known:
                raise HfseqError(f"{name} {value!r} is not known: {nearest(value, known)}")
        check_numbers(self, _BOUNDS)
        # A frame of this size has 200 million numbers.
        check_number("image_size", self.image_size, Bounds(high=8192))
        if self.num_channels not in (1, 3):
            raise HfseqError(f"num_channels must be 1 or 3, not {self.num_channels}")
        _ = file_format(self)  # a mistake in it is told at once
        _ = self.forecast_quantiles  # a mistake in them is told at once

    @property
    def forecast_quantiles(self) -> tuple[float, ...] | None:
        """The quantiles as numbers.

        Raises:
            HfseqError: where they are not ascending numbers between 0 and 1.
        """
        if self.quantiles is None:
            return None
        try:
            levels = tuple(float(part) for part in self.quantiles.split(","))
        except ValueError:
            levels = ()
        bounds = (0.0, *levels, 1.0)
        if not levels or not all(low < high for low, high in pairwise(bounds)):
            raise HfseqError(
                f"quantiles must be ascending numbers between 0 and 1 such as `0.1,0.5,0.9`, not {self.quantiles!r}"
            )
        return levels
