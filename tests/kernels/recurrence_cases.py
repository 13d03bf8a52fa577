"""Random recurrent layers, and the packed modules of torch in float64 as a reference.

A problem has the sizes of a computation. A runner computes it: it is an engine and, for the kernel, a build and a
number of threads. It calls `run_layer` for each layer, as models do.
"""

import contextlib
import random
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from hfseq.kernels import library, recurrence
from hfseq.models.recurrent import engines
from hfseq.models.recurrent.sequence_layout import SequenceLayout

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
# Sizes near the widths of vectors (4, 8, 16) and of panels of four vectors (16, 32, 64).
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33, 47, 63, 64, 65, 100, 130)
WANTED = ("everything", "everything", "nothing", "weights only", "data only", "states only", "some")
LOSSES = ("all", "all", "all", "outputs", "final states", "hidden state")

needs_kernel = pytest.mark.skipif(library.load_library() is None, reason="the kernels are not compiled")


@dataclass(frozen=True)
class Problem:
    """A computation. Its values depend on the seed."""

    seed: int
    cell: str
    lengths: tuple[int, ...]
    input_size: int
    hidden_size: int
    layers: int
    directions: int
    state_given: bool
    wanted: str
    loss: str

    @classmethod
    def draw(cls, seed: int, most_tokens: int) -> "Problem":
        """A problem with random sizes and a maximum number of tokens, but at least one row."""
        draw = random.Random(seed)
        cell = draw.choice(list(MODULES))
        # Log-uniform, because small batches and short rows have special cases.
        batch, longest = (round(2 ** draw.uniform(0, limit)) for limit in (6.13, 7.02))  # up to 70, up to 130
        batch = max(1, min(batch, most_tokens // longest))
        kind = draw.choice(["ragged", "ragged", "ragged", "whole", "one long"])
        if kind == "whole":
            lengths = [longest] * batch
        else:
            lengths = [draw.randint(1, longest if kind == "ragged" else min(longest, 3)) for _ in range(batch)]
            lengths[draw.randrange(batch)] = longest
        return cls(
            seed, cell, tuple(lengths), draw.choice(SIZES), draw.choice(SIZES), draw.choice([1, 1, 2]),
            draw.choice([1, 2]), draw.random() < 0.5, draw.choice(WANTED), draw.choice(LOSSES),
        )  # fmt: skip


@dataclass(frozen=True)
class Runner:
    """Computes a problem: `engine` is `kernel`, `packed` or `module`."""

    engine: str
    build: str | None = None
    threads: int = 1

    def __str__(self) -> str:
        return self.engine if self.build is None else f"{self.build}-{self.threads}"

    @contextlib.contextmanager
    def active(self):
        """Context manager that uses this engine and this number of threads, also for small problems."""
        threads = torch.get_num_threads()
        with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
            patch.setattr(engines, "choose_engine", lambda *_: self.engine)
            patch.setattr(recurrence, "_MIN_PRODUCTS_FOR_THREADS", 0)
            if self.build is not None:
                stack.enter_context(library.use_build(self.build))
            torch.set_num_threads(self.threads)
            try:
                yield
            finally:
                torch.set_num_threads(threads)


KERNELS = [Runner("kernel", build) for build in library.runnable_builds()]
TORCH = [Runner("packed"), Runner("module")]


@dataclass
class Tensors:
    """The tensors of a problem, packed, in one precision."""

    layers: nn.ModuleList
    layout: SequenceLayout
    data: Tensor
    state: tuple[Tensor, ...] | None
    cotangents: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> "Tensors":
        """The tensors in float32. The float64 reference has the same values."""
        generator = torch.Generator().manual_seed(problem.seed)

        def normal(*shape):
            return torch.randn(*shape, generator=generator)

        size, outputs = problem.hidden_size, problem.directions * problem.hidden_size
        layers = nn.ModuleList(
            MODULES[problem.cell](inputs, size, batch_first=True, bidirectional=problem.directions == 2)
            for inputs in [problem.input_size] + [outputs] * (problem.layers - 1)
        )
        for weight in layers.parameters():
            # Units are not saturated, because 1 - tanh(x)^2 would lose digits in float32.
            fan = max(weight.shape[-1], size)
            weight.data = (torch.rand(weight.shape, generator=generator) * 2 - 1) / fan**0.5
        lengths = torch.tensor(problem.lengths)
        layout = SequenceLayout.from_attention_mask(torch.arange(max(lengths)) < lengths[:, None])
        states = (problem.layers * problem.directions, len(problem.lengths), size)
        names = ("hidden", "memory") if problem.cell == "lstm" else ("hidden",)
        state = tuple(normal(*states) for _ in names) if problem.state_given else None
        data = normal(layout.num_tokens, problem.input_size)
        tensors = cls(layers, layout, data, state)
        if problem.loss in ("all", "outputs"):
            tensors.cotangents["outputs"] = normal(layout.num_tokens, outputs)
        if problem.loss in ("all", "final states", "hidden state"):
            for name in names[:1] if problem.loss == "hidden state" else names:
                tensors.cotangents[name] = normal(*states)
        tensors._want(problem)
        return tensors

    def _want(self, problem: Problem) -> None:
        draw = random.Random(problem.seed)
        weights = list(self.layers.parameters())
        groups = {"data": [self.data], "weights": weights, "states": [*(self.state or ())]}
        for name, tensors in groups.items():
            for tensor in tensors:
                wanted = problem.wanted in ("everything", f"{name} only")
                tensor.requires_grad_(draw.random() < 0.5 if problem.wanted == "some" else wanted)

    def inputs(self) -> dict[str, Tensor]:
        """All tensors that can have a gradient."""
        return {
            "data": self.data,
            **dict(self.layers.named_parameters()),
            **{f"state {number}": tensor for number, tensor in enumerate(self.state or ())},
        }

    def run(self) -> dict[str, Tensor]:
        """Outputs, final states and gradients with the active engine."""
        outputs, final = self.forward()
        results = {"outputs": outputs, **dict(zip(("hidden", "memory"), final, strict=False))}
        return results | self._gradients(results)

    def forward(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        hidden, finals = self.data, []
        directions = 2 if self.layers[0].bidirectional else 1
        for number, layer in enumerate(self.layers):
            state = None
            if self.state is not None:
                state = tuple(part[number * directions : (number + 1) * directions] for part in self.state)
            hidden, final = engines.run_layer(layer, hidden, self.layout, state, list(layer.parameters()))
            finals.append(final)
        return hidden, tuple(torch.cat(parts) for parts in zip(*finals, strict=True))

    def reference(self) -> dict[str, Tensor]:
        """Results of the packed modules of torch in float64."""
        first = self.layers[0]
        sizes = first.input_size, first.hidden_size, len(self.layers)
        module = type(first)(*sizes, bidirectional=first.bidirectional, dtype=torch.float64)
        weights = {
            name.replace("_l0", f"_l{layer}"): f"{layer}.{name}"
            for layer in range(len(self.layers))
            for name, _ in first.named_parameters()
        }
        module.load_state_dict({theirs: self.layers.get_parameter(ours).detach() for theirs, ours in weights.items()})
        for theirs, ours in weights.items():
            module.get_parameter(theirs).requires_grad_(self.layers.get_parameter(ours).requires_grad)
        data = self.data.detach().double().requires_grad_(self.data.requires_grad)
        state = self.state and tuple(part.detach().double().requires_grad_(part.requires_grad) for part in self.state)
        initial = state if state is None or len(state) == 2 else state[0]
        packed, final = module(PackedSequence(data, self.layout.batch_sizes), initial)
        results = (
            {"outputs": packed.data, **dict(zip(("hidden", "memory"), final, strict=False))}
            if isinstance(final, tuple)
            else {"outputs": packed.data, "hidden": final}
        )
        double = Tensors(self.layers, self.layout, data, state, self.cotangents)
        inputs = double.inputs() | {ours: module.get_parameter(theirs) for theirs, ours in weights.items()}
        return results | double._gradients(results, inputs)

    def _gradients(self, results: dict[str, Tensor], inputs: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
        inputs = {name: tensor for name, tensor in (inputs or self.inputs()).items() if tensor.requires_grad}
        if not inputs:
            return {}
        used = [name for name in self.cotangents if results[name].requires_grad]
        if not used:
            return {}
        grads = torch.autograd.grad(
            [results[name] for name in used],
            list(inputs.values()),
            [self.cotangents[name].to(results[name].dtype) for name in used],
            allow_unused=True,
            materialize_grads=True,
        )
        return {f"gradient of {name}": grad for name, grad in zip(inputs, grads, strict=True)}


def relative_error(found: Tensor, expected: Tensor, least: float = 0.0) -> float:
    """Largest difference divided by the largest expected value, or by `least` if that is larger."""
    if not found.isfinite().all():
        return torch.inf
    difference, size = (found.double() - expected).abs().max().item(), expected.abs().max().item()
    return difference and difference / max(size, least)
