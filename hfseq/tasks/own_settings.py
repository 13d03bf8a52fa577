"""Settings that name columns which only some tasks read."""

from typing import Any

from hfseq.errors import HfseqError

# Setting -> the tasks that read it.
_READ_BY: dict[str, tuple[str, ...]] = {
    "label_column": ("sequence_classification", "token_classification", "sequence_to_sequence", "captioning", "ctc"),
    "target_column": ("token_classification", "sequence_to_sequence", "captioning", "ctc"),
    "text_pair_column": ("sequence_classification",),
}


def check_task_settings(task: str, arguments: Any) -> None:
    """Rejects settings that the task would ignore.

    Args:
        task (`str`): name of the task.
        arguments (`DataArguments`): settings of the data.

    Raises:
        HfseqError: if the task does not have a setting that is set.
    """
    for name, tasks in _READ_BY.items():
        if arguments.get(name) is None or task in tasks:
            continue
        hint = "leave it out"
        if name == "target_column" and task in _READ_BY["label_column"]:
            hint = "name the label with --label_column"
        elif name.endswith("_column") and task == "forecasting":
            hint = "leave it out, and name the columns to read with --input_column a,b"
        raise HfseqError(f"{task} has no {name} ({arguments.get(name)!r}): {hint}")
