"""Which column is the text, which its pair, which the label."""

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
    """The columns that a classifier reads.

    Args:
        text (`str`): the text, or the series, recording, image, ... that is read.
        text_pair (`str`, *optional*): the second text of a pair, as in entailment.
        label (`str`, *optional*): what is predicted; `None` where there is no such column.
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
    """Finds the columns by the names that published data sets use, whatever their case.

    A pair is found by itself only where no text column is given: who names the text has said what is to be read.

    Args:
        column_names (`list[str]`): the data set's columns.
        text_column (`str`, *optional*): the text, where its name is none of the known ones.
        text_pair_column (`str`, *optional*): the second text.
        label_column (`str`, *optional*): the label.
        require_label (`bool`, *optional*, defaults to `True`): whether it is an error to find no label.

    Returns:
        `Columns`: the columns, named as they stand in the data set.

    Raises:
        HfseqError: a given column is not there, none is found, or two of them are the same.
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
        input_names (`tuple[str, ...]`): what the column of the examples is usually called.
        input_column (`str`, *optional*): that column, where its name is none of those.
        label_column (`str`, *optional*): the label.
        require_label (`bool`, *optional*, defaults to `True`): whether it is an error to find no label.

    Raises:
        HfseqError: a given column is not there, none is found, or both are the same.
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
    """The column of a role: the one that was given, else the first that bears a usual name, whatever its case.

    Args:
        column_names (`list[str]`): the data set's columns.
        given (`str`, *optional*): what follows the flag.
        usual (`tuple[str, ...]`): usual names, the commonest first.
        role (`str`): the flag's name without `_column`, for the message.
        required (`bool`, *optional*, defaults to `True`): whether it is an error to find none.
        taken (`tuple[str, ...]`, *optional*): columns that have another role.

    Raises:
        HfseqError: the given column is not there, or none is found.
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
