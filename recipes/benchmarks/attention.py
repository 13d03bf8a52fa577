"""Compares a recurrent classifier with an attention classifier of the same size, for several sequence lengths.

The attention classifier is a BERT with the size of BERT-Mini (Turc et al. 2019: 4 layers of 256; `sdpa`). The
recurrent one is a bidirectional LSTM with two layers and mean pooling. Its hidden size is chosen so that both have the
same number of parameters without embeddings, within 2 %. Batches have 32 sequences of the same length without padding,
or fewer long sequences. There is no dropout. A training step is forward, backward, and fused AdamW, with a vocabulary
of 5,000 words.

    python recipes/benchmarks/attention.py --output attention.json

takes about two minutes on two cores.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import measure
import torch
import transformers
from torch import nn
from transformers import BertConfig, BertForSequenceClassification
from workloads import draw_tokens

from hfseq.models.recurrent import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.training.model_building import count_parameters

# Maximum relative difference between the numbers of parameters.
LIKENESS = 0.02
_LENGTHS = (32, 128, 512, 2048)
_BATCH = 32
# Without a fused kernel, attention saves its scores for the gradient, so there are only 8 sequences of 2,048 tokens.
_MOST_TOKENS = 16_384
_GATES = {"lstm": 4, "gru": 3, "rnn": 1, "minlstm": 3, "mingru": 2}
_WITHOUT_RECURRENT_WEIGHTS = ("minlstm", "mingru")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark, prints the table, and writes the JSON file."""
    options = measure.parse_options(__doc__, argv, repeats=5, extend=_add_cell)
    transformers.logging.set_verbosity_error()
    machine = measure.describe_machine()
    measure.print_lines(*measure.machine_lines(machine))
    lengths = (8, 16) if options.quick else _LENGTHS
    models = make_models(options.cell, max(lengths), options.quick)
    sizes = {name: count_parameters(model)["parameters_without_embeddings"] for name, model in models.items()}
    measure.print_lines(f"parameters without embeddings: {', '.join(f'{n} {s:,}' for n, s in sizes.items())}")
    rows = [measure_length(models, length, training, options) for training in (True, False) for length in lengths]
    print_rows(rows)
    measure.finish(options, "attention", machine, cell=options.cell, parameters=sizes, rows=rows)


def _add_cell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cell", choices=tuple(_GATES), default="lstm", help="the cell")


def make_models(cell: str, longest: int, quick: bool) -> dict[str, nn.Module]:
    """The two classifiers.

    Raises:
        MismatchError: no hidden size results in the same number of parameters.
    """
    torch.manual_seed(0)
    vocab_size, width = (50, 32) if quick else (5_000, 256)
    attention = BertForSequenceClassification(
        BertConfig(
            vocab_size=vocab_size, hidden_size=width, num_hidden_layers=4, num_attention_heads=4,
            intermediate_size=4 * width, max_position_embeddings=longest, hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0, num_labels=2, attn_implementation="sdpa",
        )
    )  # fmt: skip
    step = 2 if quick else 8
    hidden_size = min(
        range(step, 8 * width, step), key=lambda size: abs(_recurrent_size(cell, width, size) - _size(attention))
    )
    recurrent = RecurrentForSequenceClassification(
        RecurrentConfig(
            vocab_size=vocab_size, embedding_size=width, hidden_size=hidden_size, num_hidden_layers=2,
            cell_type=cell, pooling="mean", num_labels=2, problem_type="single_label_classification",
        )
    )  # fmt: skip
    if abs(_size(recurrent) / _size(attention) - 1) > LIKENESS:
        raise measure.MismatchError(
            f"{cell} has {_size(recurrent):,} parameters without embeddings, bert {_size(attention):,}: more than "
            f"{LIKENESS:.0%} apart"
        )
    return {cell: recurrent, "bert": attention}


def _size(model: nn.Module) -> int:
    return count_parameters(model)["parameters_without_embeddings"]


def _recurrent_size(cell: str, embedding_size: int, hidden_size: int) -> int:
    """Approximate number of parameters of two bidirectional layers."""
    recurrent = 0 if cell in _WITHOUT_RECURRENT_WEIGHTS else hidden_size
    inputs = (embedding_size, 2 * hidden_size)
    return 2 * hidden_size * _GATES[cell] * sum(size + recurrent + 2 for size in inputs)


def measure_length(
    models: Mapping[str, nn.Module], length: int, training: bool, options: argparse.Namespace
) -> dict[str, Any]:
    """One row of the table."""
    batch = min(4 if options.quick else _BATCH, _MOST_TOKENS // length)
    vocab_size = models["bert"].config.vocab_size
    ids = torch.from_numpy(draw_tokens(batch * length, vocab_size)).view(batch, length)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.arange(batch) % 2}
    step = training_step if training else inference
    samples = measure.paired({name: step(model, inputs) for name, model in models.items()}, options.repeats)
    return {
        "pass": "training" if training else "inference",
        "length": length,
        "batch": batch,
        "ms": {name: measure.milliseconds(seconds) for name, seconds in samples.items()},
        "tokens_per_second": {
            name: 1000 * batch * length / measure.milliseconds(seconds) for name, seconds in samples.items()
        },
        "ratio": measure.speed_up(samples, options.cell, "bert"),
    }


def training_step(model: nn.Module, inputs: Mapping[str, torch.Tensor]) -> Callable[[], None]:
    """A training step. Each call updates the model."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        model.train()
        model(**inputs).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def inference(model: nn.Module, inputs: Mapping[str, torch.Tensor]) -> Callable[[], None]:
    """The logits of a batch."""
    given = {name: value for name, value in inputs.items() if name != "labels"}

    @torch.no_grad()
    def infer() -> None:
        model.eval()
        model(**given)

    return infer


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table."""
    names = list(rows[0]["ms"])
    table = [
        [
            f"{row['pass']}, {row['length']} tokens, batch {row['batch']}",
            *(f"{row['ms'][name]:.1f}" for name in names),
            *(f"{row['tokens_per_second'][name]:,.0f}" for name in names),
            f"{row['ratio']:.2f}",
        ]
        for row in rows
    ]
    headings = ["", *(f"{name} ms" for name in names), *(f"{name} tokens/s" for name in names)]
    measure.print_table("of equal size", [*headings, f"speed of {names[0]}"], table)


if __name__ == "__main__":
    main()
