"""A recurrent layer in onnxruntime, as a graph with one node."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic
from problems import Problem
from torch import Tensor

# Index of each ONNX gate in the order of torch: LSTM i o f c in i f g o, GRU z r h in r z n.
_GATE_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
_OPSET, _IR_VERSION = 17, 8


def onnxruntime_models(problem: Problem, threads: int) -> dict[str, Any]:
    """The layer in float32 and, if onnxruntime can quantize the cell, with weights and products of eight bits."""
    with tempfile.TemporaryDirectory() as folder:
        whole, quantised = Path(folder, "whole.onnx"), Path(folder, "int8.onnx")
        onnx.save(layer_model(problem), whole)
        runtimes = {"onnxruntime": _runtime(problem, whole, threads)}
        logging.getLogger().addFilter(_is_no_advice)
        try:
            quantize_dynamic(whole, quantised)
        finally:
            logging.getLogger().removeFilter(_is_no_advice)
        if any(node.op_type.startswith("DynamicQuantize") for node in onnx.load(quantised).graph.node):
            runtimes["onnxruntime int8"] = _runtime(problem, quantised, threads)
    return runtimes


def layer_model(problem: Problem) -> onnx.ModelProto:
    """One layer as ONNX: `inputs (length, batch, size)` and `lengths (batch,)` to `outputs (length, directions, batch,
    hidden)`, zero at padding."""
    module = problem.module
    weights = {"W": "weight_ih_l0", "R": "weight_hh_l0"}
    suffixes = ("", "_reverse") if module.bidirectional else ("",)
    values = {
        name: [_reordered(problem, getattr(module, parameter + suffix)) for suffix in suffixes]
        for name, parameter in weights.items()
    }
    values["B"] = [
        np.concatenate([_reordered(problem, getattr(module, f"bias_{part}_l0{suffix}")) for part in ("ih", "hh")])
        for suffix in suffixes
    ]
    node = helper.make_node(
        problem.cell.upper(), ["inputs", *values, "lengths"], ["outputs"], hidden_size=module.hidden_size,
        direction="bidirectional" if module.bidirectional else "forward",
        # As in torch, the reset gate is applied after the recurrent product.
        **({"linear_before_reset": 1} if problem.cell == "gru" else {}),
    )  # fmt: skip
    graph = helper.make_graph(
        [node], "layer",
        [
            helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["length", "batch", module.input_size]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
        ],
        [helper.make_tensor_value_info(
                "outputs", TensorProto.FLOAT, ["length", problem.directions, "batch", module.hidden_size]
            )],
        [numpy_helper.from_array(np.stack(parts), name) for name, parts in values.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _reordered(problem: Problem, parameter: Tensor) -> np.ndarray:
    order = _GATE_ORDER[problem.cell]
    gates = np.split(parameter.detach().numpy(), len(order))
    return np.concatenate([gates[gate] for gate in order])


def _runtime(problem: Problem, path: Path, threads: int) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
    settings.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    feed = {
        "inputs": problem.time_major(problem.data).numpy(),
        "lengths": problem.layout.lengths.numpy().astype(np.int32),
    }

    def compute() -> np.ndarray:
        return session.run(None, feed)[0]

    def packed(outputs: np.ndarray) -> Tensor:
        rows = torch.from_numpy(outputs).permute(2, 0, 1, 3).flatten(2)  # (batch, length, directions * hidden)
        return problem.layout.pack(rows)

    return compute, packed


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Whether a message is not the advice to optimise the graph first, which has only one node."""
    return "pre-processing" not in record.getMessage()
