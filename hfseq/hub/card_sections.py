"""Body of a model card. Each section has one function, which returns Markdown, or `""` if nothing is known."""

import json
import numbers
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from hfseq.formatting import percent
from hfseq.hub.card_text import duration, escape, is_hub_id, is_missing, number, public_name, size, table
from hfseq.hub.task_tags import task_tags

Record = Mapping[str, Any]

_SPLITS = ("train", "validation", "test")
_MAX_LABELS = 20
_PROBLEMS = {
    "single_label_classification": "It predicts one of {} labels",
    "multi_label_classification": "It predicts any number of {} labels",
}
_FINETUNING = {
    "whole": "fine-tuned (all parameters) from {}",
    "frozen": "trained as a head on top of {}, whose parameters were frozen",
    "lora": "fine-tuned with LoRA ([Hu et al., 2021](https://arxiv.org/abs/2106.09685)) from {}",
}
_HYPERPARAMETERS = (
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "optim",
    "max_grad_norm",
    "label_smoothing_factor",
    "num_train_epochs",
    "max_steps",
    "early_stopping_patience",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "finetuning",
    "bf16",
    "fp16",
)
_COSTS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("parameters", "Parameters", number),
    ("parameters_without_embeddings", "Parameters without embeddings", number),
    ("trainable_parameters", "Trainable parameters", number),
    ("train_seconds", "Training time", duration),
    ("evaluation_seconds", "Evaluation time", duration),
    ("tokens_per_second", "Training speed (tokens or time steps per second)", number),
    ("peak_memory_bytes", "Peak memory", size),
    ("size_on_disk_bytes", "Size on disk", size),
)


def write_body(record: Record, *, title: str, location: str) -> str:
    """Writes the body of a model card.

    Args:
        record (`Mapping`): a run record whose sections are mappings.
        title (`str`): heading of the card.
        location (`str`): id on the Hub or folder, from which the example code loads the model.

    Returns:
        `str`: Markdown that ends with a newline.
    """
    sections = {
        "Training": training(record),
        "Data": data(record),
        "Metrics": metrics(record.get("metrics") or {}),
        "Costs": costs(record.get("costs") or {}),
        "How to use it": usage(record, location),
        "Framework versions": versions(record.get("environment") or {}),
    }
    parts = [f"# {escape(title)}", summary(record)]
    parts += [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(record: Record) -> str:
    """One paragraph: task, architecture, origin, size and labels of the model."""
    model = record.get("model") or {}
    task = escape(str(record.get("task") or "").replace("_", " "))
    kind = ", ".join(
        f"{label} `{model[key]}`"
        for key, label in (("architecture", "class"), ("model_type", "model type"))
        if not is_missing(model.get(key))
    )
    subject = f"A model for {task}" if task else "A sequence model"
    sentences = [subject + (f" ({kind})" if kind else "") + _origin(record) + "."]
    sizes = [
        escape(name.replace("_", " ")) + ("" if value is True else f" {number(value)}")
        for name, value in (model.get("description") or {}).items()
        if not is_missing(value) and value is not False and not isinstance(value, (list, dict))
    ]
    if sizes:
        sentences.append(f"Configuration: {', '.join(sizes)}.")
    sentences += _predicted_labels(record.get("data") or {})
    sentences.append("It was trained with hfseq.")
    status = record.get("status")
    if not is_missing(status) and status != "finished":
        sentences.append(f"**The training did not finish (status of the run: {escape(status)}).**")
    return " ".join(sentences)


def _origin(record: Record) -> str:
    model = record.get("model") or {}
    if model.get("initialization") == "scratch":
        return ", trained from scratch"
    if model.get("initialization") != "pretrained":
        return ""
    base = model.get("base_model")
    if is_missing(base):
        source = "a pretrained checkpoint"
    elif is_hub_id(base):
        source = f"[{escape(base)}](https://huggingface.co/{base})"
    else:
        source = f"a checkpoint in a local folder ({escape(public_name(base))})"
    finetuning = (record.get("config") or {}).get("finetuning")
    return ", " + _FINETUNING.get(str(finetuning), "fine-tuned from {}").format(source)


def _predicted_labels(data: Record) -> list[str]:
    labels = data.get("labels") or []
    problem = data.get("problem_type")
    if problem == "regression":
        return ["It predicts a number."]
    if not labels:
        return []
    named = ", ".join(escape(label) for label in labels[:_MAX_LABELS])
    rest = f" and {len(labels) - _MAX_LABELS:,} more" if len(labels) > _MAX_LABELS else ""
    return [f"{_PROBLEMS.get(str(problem), 'It has {} labels').format(f'{len(labels):,}')}: {named}{rest}."]


def training(record: Record) -> str:
    """Table of hyperparameters and of the course of the training."""
    config, spent, environment = (record.get(key) or {} for key in ("config", "costs", "environment"))
    values = {name: config.get(name) for name in _HYPERPARAMETERS}
    if values["max_steps"] == -1:  # the Trainer's value for "no limit"
        values["max_steps"] = None
    values |= {
        "max_length": (record.get("data") or {}).get("max_length"),
        "processes": record.get("num_processes"),
        "seed": record.get("seed"),
        "epochs run": spent.get("epochs"),
        "steps run": spent.get("steps"),
        "best epoch": spent.get("best_epoch"),
        "device": environment.get("device"),
        "threads": environment.get("num_threads"),
        "fingerprint of the settings": record.get("config_fingerprint"),
    }
    # Users copy integers such as the seed into commands, so they have no thousands separators.
    rows = [
        [name, number(value) if isinstance(value, float) else escape(value)]
        for name, value in values.items()
        if not is_missing(value)
    ]
    return table(["Setting", "Value"], rows)


def data(record: Record) -> str:
    """Description of the data, notes of the run about it, and sizes of the splits."""
    section = record.get("data") or {}
    facts = (
        ("Name", public_name(section.get("dataset") or "")),
        ("Description", section.get("description")),
        ("Fingerprint", section.get("fingerprint")),
        *(("Note", note) for note in section.get("notes") or []),
    )
    lines = [f"- **{label}:** {escape(value)}" for label, value in facts if not is_missing(value)]
    examples, truncated = section.get("examples") or {}, section.get("truncated_share") or {}
    rows = [
        [escape(split), number(count), "" if is_missing(truncated.get(split)) else percent(truncated[split])]
        for split in _in_order(examples)
        if not is_missing(count := examples[split])
    ]
    sizes = table(["Split", "Examples", "Truncated to max_length"], rows)
    return "\n\n".join(part for part in ("\n".join(lines), sizes) if part)


def metrics(by_split: Record) -> str:
    """Table with one row per metric and one column per split."""
    values = {split: flatten(by_split[split] or {}) for split in _in_order(by_split)}
    columns = [split for split, found in values.items() if found]
    names = dict.fromkeys(name for split in columns for name in values[split])
    rows = [
        [escape(name), *(number(values[split][name]) if name in values[split] else "" for split in columns)]
        for name in names
    ]
    return table(["Metric", *map(escape, columns)], rows)


def flatten(values: Record, prefix: str = "") -> dict[str, int | float]:
    """The finite numbers among the metrics of a split. Nested mappings become names such as `per_label.f1`."""
    found: dict[str, int | float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, numbers.Real) and not isinstance(value, bool) and not is_missing(value):
            # NumPy numbers cannot be written as YAML.
            found[f"{prefix}{name}"] = int(value) if isinstance(value, numbers.Integral) else float(value)
    return found


def costs(spent: Record) -> str:
    """Table of the costs of the model, in readable units."""
    rows = [[label, show(spent[key])] for key, label, show in _COSTS if not is_missing(spent.get(key))]
    return table(["Cost", "Value"], rows)


def usage(record: Record, location: str) -> str:
    """Example code that loads the model; `""` if the task is unknown."""
    tags = task_tags(record)
    if tags is None:
        return ""
    # A JSON string is also a valid Python string in double quotes, for every path.
    path = json.dumps(location, ensure_ascii=False)
    model_type = str((record.get("model") or {}).get("model_type") or "")
    if not tags.pipeline:
        architecture = (record.get("model") or {}).get("architecture")
        # Some classes of transformers are not registered with an Auto class, so they are imported by name.
        own = None if model_type.startswith("hfseq_") or not model_type else architecture
        return _usage_without_pipeline(tags.auto_class, own, path, location)
    arguments = f"{json.dumps(tags.tag)}, model={path}"
    call = 'print(pipe("A text of your own."))'
    plain = f"from transformers import pipeline\n\npipe = pipeline({arguments})\n{call}"
    if not model_type.startswith("hfseq_"):
        return f"```python\n{plain}\n```"
    remote = plain.replace(arguments, f"{arguments}, trust_remote_code=True")
    return (
        "The repository contains the code of the model, so transformers can load it without hfseq:\n\n"
        f"```python\n{remote}\n```\n\n"
        "If hfseq is installed, no remote code is needed:\n\n"
        f"```python\nimport hfseq  # registers the model with transformers\n{plain}\n```"
    )


def _usage_without_pipeline(auto_class: str, own_class: str | None, path: str, location: str) -> str:
    command = (
        "Predictions for the examples in a file, preprocessed as in training:\n\n"
        f"```bash\nhfseq predict {shlex.quote(location)} --input FILE\n```\n\n"
    )
    if own_class is not None:
        return (
            f"{command}With transformers:\n\n```python\nfrom transformers import {own_class}\n\n"
            f"model = {own_class}.from_pretrained({path})\n```"
        )
    return command + (
        "The repository contains the code of the model, so transformers can load it without hfseq:\n\n"
        f"```python\nfrom transformers import {auto_class}\n\n"
        f"model = {auto_class}.from_pretrained({path}, trust_remote_code=True)\n```"
    )


def versions(environment: Record) -> str:
    """Table of the software that the model was trained with."""
    values = {
        "python": environment.get("python"),
        **(environment.get("versions") or {}),
        "platform": environment.get("platform"),
        "git commit": environment.get("git_hash"),
    }
    rows = [[escape(name), escape(value)] for name, value in values.items() if not is_missing(value)]
    return table(["Software", "Version"], rows)


def _in_order(by_split: Record) -> list[str]:
    return [split for split in _SPLITS if split in by_split] + [split for split in by_split if split not in _SPLITS]
