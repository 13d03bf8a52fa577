"""How a comparison was done: data, protocol, versions, machine, settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.html.sources.model_runs import ModelRuns

Rows = list[list[str]]
_DATA = ("dataset", "fingerprint", "modality", "problem_type", "max_length", "truncation")
_MACHINE = ("device", "processor", "num_threads", "recurrence", "platform", "python", "num_processes")
_SETTINGS_LEFT_OUT = ("dataset", "model", "seed", "output_dir", "run_name")
_MOST_LABELS = 20


def method_data(content: Mapping[str, Any], models: Sequence[ModelRuns]) -> dict[str, Any]:
    """The key `method` of `report_data`.

    Args:
        content (`Mapping[str, Any]`): the content of `comparison.json`.
        models (`Sequence[ModelRuns]`): the models with finished runs.
    """
    protocol = dict(content.get("protocol") or {})
    command = protocol.pop("command", None)
    protocol.pop("seeds", None)  # shown for comparisons of all versions
    if isinstance(protocol.get("match"), Mapping):
        protocol["match"] = protocol["match"]["rule"]  # described by the rules
    rules = protocol.pop("rules", [])
    environment = content["environment"]
    facts = [
        ("Data", _data(content["data"])),
        ("Protocol", [["seeds", ", ".join(map(str, content["seeds"]))], *_rows(protocol)]),
        ("Budgets", [*([["rules", " ".join(rules)]] if rules else []), *_budgets(content)]),
        ("Versions", _rows(environment.get("versions", {})) + _rows({"git": environment.get("git_hash")})),
        ("Machine", _machines(environment, models)),
    ]
    settings = [
        {"model": model.name, "rows": rows}
        for model in models
        if (rows := _rows({k: v for k, v in model.records[0].config.items() if k not in _SETTINGS_LEFT_OUT}))
    ]
    found: dict[str, Any] = {
        "command": command,
        "facts": [{"title": title, "rows": rows} for title, rows in facts if rows],
        "settings": settings,
        "notes": list(content.get("notes") or []),
    }
    return {key: value for key, value in found.items() if value}


def _data(data: Mapping[str, Any]) -> Rows:
    rows = _rows({key: data.get(key) for key in _DATA})
    rows += [[f"{split} examples", f"{number:,}"] for split, number in data.get("examples", {}).items()]
    labels = data.get("labels") or []
    if labels:
        listed = ", ".join(map(str, labels[:_MOST_LABELS])) + (", ..." if len(labels) > _MOST_LABELS else "")
        rows.append([f"labels ({len(labels)})", listed])
    return rows


def _budgets(content: Mapping[str, Any]) -> Rows:
    rows = []
    for name, model in content["models"].items():
        tuning = model.get("tuning")
        if tuning:
            chosen = ", ".join(f"{key} {_text(value)}" for key, value in (tuning.get("chosen") or {}).items())
            rows.append([name, f"{tuning.get('trials', 0)} trials" + (f"; chosen: {chosen}" if chosen else "")])
    return rows


def _machines(environment: Mapping[str, Any], models: Sequence[ModelRuns]) -> Rows:
    """The environment of the runs; a property in which they differ is listed by model."""
    rows = []
    for key in _MACHINE:
        values: dict[str, list[str]] = {}
        for model in models:
            for record in model.records:
                if record.environment.get(key) is not None:
                    values.setdefault(_text(record.environment[key]), []).append(model.name)
        if not values and environment.get(key) is not None:
            values = {_text(environment[key]): []}
        if len(values) == 1:
            rows.append([_label(key), next(iter(values))])
        else:
            rows += [[f"{_label(key)} ({', '.join(dict.fromkeys(names))})", value] for value, names in values.items()]
    return rows


def _rows(values: Mapping[str, Any]) -> Rows:
    return [[_label(key), _text(value)] for key, value in values.items() if value not in (None, "", [], {})]


def _label(key: str) -> str:
    return key.replace("_", " ")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_text(one)}" for key, one in value.items())
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
