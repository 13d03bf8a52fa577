"""Inference of a recurrent layer with other runtimes: onnxruntime, and Keras on JAX."""

import argparse
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import measure
import torch
from problems import Problem, runs
from torch import Tensor
from workloads import draw_lengths

from hfseq.models.recurrent.configuration_recurrent import RecurrentConfig
from hfseq.models.recurrent.modeling_recurrent import RecurrentModel

TOLERANCE = 1e-4
# Largest error of outputs between -1 and 1 with eight bits per weight and input.
TOLERANCE_INT8 = 0.05
_NAMES = ("packed", "kernel", "torch", "model", "onnxruntime", "onnxruntime int8", "keras")

# A function that computes the outputs, and one that packs them.
Runtime = tuple[Callable[[], Any], Callable[[Any], Tensor]]


def measure_runtimes(
    input_size: int, hidden_size: int, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[str]]:
    """Measures LSTM and GRU with a batch of sentences, and with one sequence of 20 tokens.

    Each runtime gets the batch in its own format. The conversion, such as packing, is not measured.

    Returns:
        `tuple`: the rows, and notes about runtimes that are missing.

    Raises:
        MismatchError: the results of a runtime differ.
    """
    notes: list[str] = []
    batch = draw_lengths("sentences", 4 if options.quick else 32, quick=options.quick)
    inputs = {f"sentences, batch {len(batch)}": batch, "20 tokens, batch 1": [20]}
    rows = []
    for cell in ("lstm", "gru"):
        for label, lengths in inputs.items():
            problem = Problem.make(cell, lengths, input_size, hidden_size)
            rows.append({"cell": cell, "inputs": label, **_measure(problem, options, notes)})
    return rows, list(dict.fromkeys(notes))


def print_runtimes(rows: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> None:
    """Prints the table and the notes."""
    table = []
    for row in rows:
        found = row["runtimes"]
        times = [f"{found[name]['ms']:.3f}" if name in found else "-" for name in _NAMES]
        runtime = found.get("onnxruntime")
        ratios = [
            f"{runtime[name]:.2f}" if runtime else "-" for name in ("ours_is_faster_by", "our_model_is_faster_by")
        ]
        table.append([f"{row['cell']}, {row['inputs']}", *times, *ratios])
    ratios = ["onnxruntime / kernel", "onnxruntime / model"]
    measure.print_table("inference, both directions: milliseconds, and ratios", ["", *_NAMES, *ratios], table)
    measure.print_lines(*notes)


def _measure(problem: Problem, options: argparse.Namespace, notes: list[str]) -> dict[str, Any]:
    subjects = {name: run for name, run in runs(problem, training=False).items() if name != "padded"}
    expected = subjects["packed"]()[0]
    runtimes: dict[str, Runtime] = {"model": whole_model(problem)}
    if _installed(("onnx", "onnxruntime"), "onnxruntime", notes):
        from onnx_runtime import onnxruntime_models

        runtimes |= onnxruntime_models(problem, options.threads)
        if "onnxruntime int8" not in runtimes:
            notes.append(f"onnxruntime int8: left out for {problem.cell}, which onnxruntime does not quantize")
    if _installed(("keras", "jax"), "keras", notes):
        from keras_runtime import keras_runtime

        runtimes["keras"] = keras_runtime(problem)
    deviations = {}
    for name, (compute, packed) in list(runtimes.items()):
        tolerance = TOLERANCE_INT8 if name.endswith("int8") else TOLERANCE
        what = f"{problem.cell}, {name} against packed"
        try:
            deviations[name] = measure.check_equal(what, packed(compute()), expected, tolerance)
        except measure.MismatchError as error:
            if not name.endswith("int8"):
                raise
            # Sums of 8-bit products overflow on processors without special instructions.
            notes.append(f"{name}: left out for {problem.cell}, {error}")
            del runtimes[name]
    for name in ("kernel", "torch"):
        if name in subjects:
            what = f"{problem.cell}, {name} against packed"
            deviations[name] = measure.check_equal(what, subjects[name]()[0], expected, TOLERANCE)
    samples = measure.paired(subjects | {name: compute for name, (compute, _) in runtimes.items()}, options.repeats)
    ours = "kernel" if "kernel" in samples else "torch"
    return {
        "tokens": problem.layout.num_tokens,
        "deviation": deviations,
        "runtimes": {
            name: {
                "ms": measure.milliseconds(seconds),
                "ratio": measure.speed_up(samples, name, "packed"),
                "ours_is_faster_by": measure.speed_up(samples, ours, name),
                "our_model_is_faster_by": measure.speed_up(samples, "model", name),
            }
            for name, seconds in samples.items()
        },
    }


def whole_model(problem: Problem) -> Runtime:
    """The layer in a `RecurrentModel`, with the padded batch and its attention mask as inputs."""
    module, layout = problem.module, problem.layout
    config = RecurrentConfig(
        input_features=module.input_size, hidden_size=module.hidden_size, cell_type=problem.cell,
        bidirectional=module.bidirectional,
    )  # fmt: skip
    model = RecurrentModel(config).eval()
    model.encoder.layers[0].load_state_dict(module.state_dict())
    features = layout.unpack(problem.data).contiguous()  # (batch, length, size)
    mask = (torch.arange(layout.shape[1]) < layout.lengths[:, None]).long()

    @torch.no_grad()
    def compute() -> Tensor:
        return model(input_features=features, attention_mask=mask).last_hidden_state

    return compute, layout.pack


def _installed(packages: Sequence[str], runtime: str, notes: list[str]) -> bool:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        notes.append(f"{runtime}: left out, not installed: {', '.join(missing)}")
    return not missing
