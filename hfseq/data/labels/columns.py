"""Roles of columns: text, second text of a pair, and label."""

from dataclasses import dataclass

from hfseq.errors import HfseqError, nearest

TEXT_NAMES = (
    "text",
    "sentence",
    "content",
    "document",
    "review",
    "comment",
    "tweet",
    "question",
    "utterance",
    "premise",
    "sentence1",
    "question1",
    "text1",
    "text_a",
    "sentence_a",
    "message",
    "body",
    "sms",
    "headline",
    "title",
)
PAIR_NAMES = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("text", "text_pair"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
)
LABEL_NAMES = (
    "label",
    "labels",
    "target",
    "class",
    "category",
    "intent",
    "intents",
    "sentiment",
    "score",
    "stars",
    "rating",
    "y",
)


@dataclass(frozen=True)
class Columns:
    """Columns of a classification data set.

    Args:
        text (`str`): column of the input: text, series, recording, image, ...
        text_pair (`str`, *optional*): column of the second text of a pair, as in entailment.
        label (`str`, *optional*): column of the label.
    """

    text: str
    text_pair: str | None = None
    label: str | None = None

    @property
    def texts(self) -> list[str]:
        """The text columns, one or two."""
        return [self.text] if self.text_pair is None else [self.text, self.text_pair]


def resolve_columns(
    column_names: list[str],
    *,
    text_column: str | None = None,
    text_pair_column: str | None = None,
    label_column: str | None = None,
    require_label: bool = True,
) -> Columns:
    """Finds the columns by names that are common in published data sets. The case is ignored.

    Pairs of texts are only searched if no text column is given.

    Args:
        column_names (`list[str]`): columns of the data set.
        text_column (`str`, *optional*): column of the text, if it does not have a common name.
        text_pair_column (`str`, *optional*): column of the second text.
        label_column (`str`, *optional*): column of the label, if it does not have a common name.
        require_label (`bool`, *optional*, defaults to `True`): whether a missing label column is an error.

    Returns:
        `Columns`: the columns, with their names in the data set.

    Raises:
        HfseqError: a given column does not exist, no column is found, or two roles have the same column.
    """
    text = _given(column_names, text_column, "text_column")
    pair = _given(column_names, text_pair_column, "text_pair_column")
    label = _given(column_names, label_column, "label_column")
    by_name = {name.lower(): name for name in reversed(column_names) if name not in (pair, label)}
    if text is None and pair is None:
        known = next((names for names in PAIR_NAMES if all(name in by_name for name in names)), None)
        if known:
            text, pair = by_name[known[0]], by_name[known[1]]
    if text is None:
        text = next((by_name[name] for name in TEXT_NAMES if name in by_name), None)
    if text is None:
        raise HfseqError(_not_found("text", column_names))
    if label is None:
        label = next((by_name[name] for name in LABEL_NAMES if by_name.get(name, text) not in (text, pair)), None)
    if label is None and require_label:
        raise HfseqError(_not_found("label", column_names))
    chosen = {"text": text, "text pair": pair, "label": label}
    taken: dict[str, str] = {}
    for role, name in chosen.items():
        if name is not None and name in taken:
            raise HfseqError(
                f"column {name!r} cannot be both {taken[name]} and {role}; columns: {_listed(column_names)}. "
                "Name them with --text_column and --label_column."
            )
        if name is not None:
            taken[name] = role
    return Columns(text, pair, label)


def resolve_inputs(
    column_names: list[str],
    input_names: tuple[str, ...],
    *,
    input_column: str | None = None,
    label_column: str | None = None,
    require_label: bool = True,
) -> Columns:
    """Finds the columns of examples that are not texts.

    Args:
        column_names (`list[str]`): the data set's columns.
        input_names (`tuple[str, ...]`): common names of the input column.
        input_column (`str`, *optional*): input column, if it does not have a common name.
        label_column (`str`, *optional*): label column, if it does not have a common name.
        require_label (`bool`, *optional*, defaults to `True`): whether a missing label column is an error.

    Raises:
        HfseqError: a given column does not exist, no column is found, or both columns are the same.
    """
    labelled = _given(column_names, label_column, "label_column")
    read = find_column(column_names, input_column, input_names, "input", taken=(labelled,))
    label = find_column(column_names, label_column, LABEL_NAMES, "label", required=require_label, taken=(read,))
    if read == label:
        raise HfseqError(f"column {read!r} cannot be both input and label; columns: {_listed(column_names)}.")
    return Columns(str(read), None, label)


def find_column(
    column_names: list[str],
    given: str | None,
    usual: tuple[str, ...],
    role: str,
    *,
    required: bool = True,
    taken: tuple[str | None, ...] = (),
) -> str | None:
    """Finds the column of a role: the given one, else the first with a common name. The case is ignored.

    Args:
        column_names (`list[str]`): columns of the data set.
        given (`str`, *optional*): value of the flag.
        usual (`tuple[str, ...]`): common names, the most frequent first.
        role (`str`): name of the flag without `_column`, for error messages.
        required (`bool`, *optional*, defaults to `True`): whether a missing column is an error.
        taken (`tuple[str, ...]`, *optional*): columns that have another role.

    Raises:
        HfseqError: the given column does not exist, or no column is found.
    """
    found = _given(column_names, given, f"{role}_column")
    if found is not None:
        return found
    by_name = {name.lower(): name for name in reversed(column_names) if name not in taken}
    found = next((by_name[name] for name in usual if name in by_name), None)
    if found is None and required:
        raise HfseqError(
            f"no column looks like the {role} among {_listed(column_names)} (looked for {', '.join(usual[:6])}). Name "
            f"it with --{role}_column"
        )
    return found


def _given(column_names: list[str], name: str | None, flag: str) -> str | None:
    if name is None or name in column_names:
        return name
    same = [column for column in column_names if column.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    raise HfseqError(
        f"--{flag}: there is no column {name!r}, {nearest(name, column_names)} Columns: {_listed(column_names)}."
    )


def _not_found(role: str, column_names: list[str]) -> str:
    return (
        f"no column looks like the {role} among {_listed(column_names)}. Name it with --{role}_column "
        "(the flags are --text_column, --text_pair_column and --label_column); "
        "or, for a csv or tsv file, is the header line missing?"
    )


def _listed(column_names: list[str]) -> str:
    return ", ".join(map(repr, column_names))
