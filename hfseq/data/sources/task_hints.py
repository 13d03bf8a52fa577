"""Hints about the `--task` that can read a path without tables."""

from pathlib import Path

from hfseq.data.sources.visible_files import visible_files

_TAGGED = (".conll", ".conllu", ".conllx", ".bio", ".iob", ".iob2", ".bioes")
_TEXTS = (".txt", ".text")


def task_hint(path: Path) -> str:
    """Returns a sentence that names the task for the files of a path, or `""` if there is none.

    Args:
        path (`Path`): a file, or a folder of files.
    """
    names = [file.name.lower().removesuffix(".gz") for file in (visible_files(path) if path.is_dir() else [path])]
    if any(name.endswith(_TAGGED) for name in names):
        return " Files with one token per line and its tag are read with --task token_classification."
    if any(name.endswith(_TEXTS) for name in names):
        return (
            " Text files are read with --task causal_lm (a language model), or with --task token_classification if "
            "each line holds a token and its tag. To classify texts, put them into one folder per class, or into a "
            "table with the columns text and label."
        )
    languages = {name.removeprefix("train.") for name in names if name.startswith("train.")}
    if len(languages) > 1:
        return " Files that are translations of each other, line by line, are read with --task sequence_to_sequence."
    return ""
