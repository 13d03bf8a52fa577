"""Floating-point operations of a model, counted while it reads real examples.

An operation is a multiplication or an addition of a matrix product, a convolution or attention; element by element
operations, such as those of gates and activations, are not counted, as is usual. torch's counter does not know the
recurrent layers of oneDNN and of hfseq's kernels, and attention on a CPU: their formulas are here.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from datasets import DatasetDict
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from hfseq.comparison.costs.examples import Examples
from hfseq.data.batching.collation import SequenceCollator
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.padding import PaddingRules
from hfseq.tasks.task_data import TaskData

_MAX_EXAMPLES = 20
# Channels, height, width.
_IMAGE_DIMENSIONS = 3
# Training a weight: forward pass, gradient of the inputs, gradient of the weights.
_TRAINED = 3
# Operations of the training of the body, in forward passes. A frozen body is only read; with LoRA, its weights have no
# gradients, but its inputs do. The operations of the LoRA matrices themselves are not counted.
_BODY = {"frozen": 1, "lora": 2}


def count_flops(predictor: Any, examples: Examples) -> dict[str, float]:
    """Counts the operations of a saved model.

    Examples are read one by one, so padding is not counted. Attention needs more operations per token the longer the
    input is: the figures are those of the test examples.

    Args:
        predictor (`Predictor`): the model, with torch.
        examples (`Examples`): raw examples. The first 20 are used.

    Returns:
        `dict[str, float]`: `flops_per_token_forward`, and `flops_per_token_training`, three times as much, but for a
        body that is frozen or has LoRA adapters. The tokens are those of `tokens_per_second`: of the input, and of the
        target of an encoder-decoder; time steps of a series.
    """
    task, model = predictor.task, predictor.model
    collate = SequenceCollator(predictor.processor, label_padding=task.label_padding)
    body, total, tokens = 0, 0, 0
    for row, length in _encoded(predictor, examples):
        counted = count_operations(model, task.model_inputs(model, collate([row])))
        total += counted["total"]
        body += counted["body"]
        tokens += length
    finetuning = predictor.record.config.get("finetuning") if predictor.record is not None else None
    training = training_operations(total, body, finetuning)
    tokens = max(tokens, 1)  # of empty texts only
    return {"flops_per_token_forward": total / tokens, "flops_per_token_training": training / tokens}


def _encoded(predictor: Any, examples: Examples) -> list[tuple[dict[str, Any], int]]:
    """Encoded examples, and the number of tokens of each."""
    task, processor = predictor.task, predictor.processor
    rows = examples.rows.select(range(min(_MAX_EXAMPLES, len(examples.rows))))
    if task.generates_text:  # the decoder reads the targets, as in training
        data = TaskData(DatasetDict({"test": rows}), task.modality, examples.columns, "", "")
        encoded = task.encode(data, processor, predictor.arguments).splits["test"].select(range(len(rows)))
        return [(row, row[LENGTH_COLUMN]) for row in encoded]
    columns = task.encode_rows(rows[:], examples.columns, processor, predictor.arguments)
    lengths = input_lengths(columns, processor)
    return [({name: values[row] for name, values in columns.items()}, length) for row, length in enumerate(lengths)]


def input_lengths(encoded: Mapping[str, Sequence[Any]], processor: Any) -> list[int]:
    """Number of tokens, or time steps, of encoded examples; 1 for an image.

    Args:
        encoded (`dict[str, list]`): inputs of the model, by name.
        processor: its processor.
    """
    main = PaddingRules.from_processor(processor).main_input
    values = encoded[main] if main in encoded else next(iter(encoded.values()))
    return [1 if np.ndim(value) == _IMAGE_DIMENSIONS else len(value) for value in values]


def training_operations(total: int, body: int, finetuning: str | None) -> int:
    """The operations of a training step, from those of a forward pass.

    Args:
        total (`int`): operations of the forward pass.
        body (`int`): the part of them without the head.
        finetuning (`str`, *optional*): part of a pretrained model that is trained: `"whole"`, `"frozen"` or `"lora"`.
    """
    return _BODY.get(str(finetuning), _TRAINED) * body + _TRAINED * (total - body)


def count_operations(model: nn.Module, inputs: dict[str, Any]) -> dict[str, int]:
    """Counts the operations of one forward pass.

    Args:
        model (`PreTrainedModel`): the model, in evaluation mode, on the CPU.
        inputs (`dict`): its inputs.

    Returns:
        `dict[str, int]`: `total`, and `body`, those of the model without its head.
    """
    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    with torch.inference_mode(), counter:
        model(**inputs)
    total = counter.get_total_flops()
    counts = {name: sum(found.values()) for name, found in counter.get_flop_counts().items()}
    name = _name_of_body(model)
    root = type(model).__name__
    if not name or f"{root}.{name}" in counts:
        return {"total": total, "body": counts.get(f"{root}.{name}", total)}
    # A body whose methods are called directly does not appear by its name, but the parts of the head do.
    parts = [child for child, _ in model.named_children() if child != name]
    return {"total": total, "body": total - sum(counts.get(f"{root}.{child}", 0) for child in parts)}


def _name_of_body(model: Any) -> str:
    """Name of the module that is the body; empty if it is the model itself."""
    body = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    return next(name for name, module in model.named_modules() if module is body)


def _formulas() -> dict[Any, Callable[..., int]]:
    """Formulas of operators that torch's counter does not know, by operator."""
    operators: dict[tuple[Any, str], Callable[..., int]] = {
        (torch.ops.aten, "mkldnn_rnn_layer"): _onednn_layer,
        (torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu"): _attention,
        (torch.ops.mkldnn, "_linear_pointwise"): _linear,
        (torch.ops.hfseq, "recurrent_layer"): _recurrent_layer,
    }
    # The operators of hfseq exist if its kernels are installed, those of oneDNN if torch was built with it.
    return {getattr(space, name): formula for (space, name), formula in operators.items() if hasattr(space, name)}


# Arguments that are tensors are given as shapes.


def _linear(inputs: Any, weight: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * math.prod(inputs) * out_shape[-1]


def _onednn_layer(inputs: Any, weight_ih: Any, weight_hh: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return 2 * math.prod(inputs[:-1]) * (math.prod(weight_ih) + math.prod(weight_hh))


def _recurrent_layer(
    cell: str, inputs: Any, sizes: Any, hidden: Any, memory: Any, training: bool, bfloat16: bool, *weights: Any,
    out_shape: Any = None, **named: Any,
) -> int:  # fmt: skip
    shapes = [shape for shape in (*weights, *named.values()) if shape is not None and len(shape) == 2]
    return 2 * inputs[0] * sum(map(math.prod, shapes))


def _attention(query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)
