"""The weights of a recurrent layer, also where pruning, normalisation or a parametrization computes them."""

from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from .min_cells import MinCell

_CELLS: dict[type[nn.Module], str] = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}
# Forward pre-hooks of torch that compute a weight from other parameters, whatever the inputs of the layer are.
_COMPUTING_HOOKS = (BasePruningMethod, SpectralNorm, WeightNorm)


def cell_of(layer: nn.Module) -> str | None:
    """`"rnn"`, `"lstm"` or `"gru"` if a layer computes as torch's own does; None otherwise, as if it is quantized."""
    for base, cell in _CELLS.items():
        # A parametrized layer is of a subclass; a subclass or an instance may also have a forward of its own.
        if isinstance(layer, base) and type(layer).forward is base.forward and "forward" not in vars(layer):
            return cell
    return None


def has_cell_state(layer: nn.Module) -> bool:
    """Whether the state of a layer has a cell state. Quantized layers have a `mode`, as torch's own layers do."""
    return getattr(layer, "mode", None) == "LSTM" or getattr(layer, "num_states", 1) == 2


def weight_names(layer: nn.Module) -> list[str]:
    """The names of the weights of a layer, in torch's order; none for a layer that keeps them in another form."""
    if isinstance(layer, MinCell):
        names = ["weight_ih_l0", "bias_ih_l0"]
    elif isinstance(layer, nn.RNNBase):
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    else:
        return []
    suffixes = ("", "_reverse") if layer.bidirectional else ("",)
    return [name + suffix for suffix in suffixes for name in names]


def layer_weights(layer: nn.Module) -> list[Tensor]:
    """The weights of a layer, in torch's order, computed anew where they are not parameters themselves."""
    for hook in layer._forward_pre_hooks.values():
        if isinstance(hook, _COMPUTING_HOOKS):
            hook(layer, ())
    return [getattr(layer, name) for name in weight_names(layer)]


def computes_weights(layer: nn.Module) -> bool:
    """Whether some of the weights are not parameters, but computed from them."""
    return any(name not in layer._parameters for name in weight_names(layer))


def has_other_hooks(layer: nn.Module) -> bool:
    """Whether hooks want to see the call of the layer itself, beside those that compute weights."""
    pre_hooks = layer._forward_pre_hooks.values()
    if any(not isinstance(hook, _COMPUTING_HOOKS) for hook in pre_hooks):
        return True
    return bool(layer._forward_hooks or layer._backward_hooks or layer._backward_pre_hooks)
