"""The weights of a recurrent layer, also if pruning, normalisation or a parametrization computes them."""

from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from .min_cells import MinCell

_CELLS: dict[type[nn.Module], str] = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}
# Forward pre-hooks of torch that compute a weight from other parameters, independently of the inputs of the layer.
_COMPUTING_HOOKS = (BasePruningMethod, SpectralNorm, WeightNorm)


def cell_of(layer: nn.Module) -> str | None:
    """`"rnn"`, `"lstm"` or `"gru"` for a layer with the `forward` of torch; otherwise `None`, such as if quantized."""
    for base, cell in _CELLS.items():
        # The class of a parametrized layer is a subclass. A subclass or an instance may have its own `forward`.
        if isinstance(layer, base) and type(layer).forward is base.forward and "forward" not in vars(layer):
            return cell
    return None


def has_cell_state(layer: nn.Module) -> bool:
    """Whether the state of a layer has a cell state. Quantized layers have a `mode`, as torch's own layers do."""
    return getattr(layer, "mode", None) == "LSTM" or getattr(layer, "num_states", 1) == 2


def weight_names(layer: nn.Module) -> list[str]:
    """The names of the weights of a layer, in the order of torch. Empty for layers with weights in another form."""
    if isinstance(layer, MinCell):
        names = ["weight_ih_l0", "bias_ih_l0"]
    elif isinstance(layer, nn.RNNBase):
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    else:
        return []
    suffixes = ("", "_reverse") if layer.bidirectional else ("",)
    return [name + suffix for suffix in suffixes for name in names]


def layer_weights(layer: nn.Module) -> list[Tensor]:
    """The weights of a layer, in the order of torch. Weights that are not parameters are computed."""
    for hook in layer._forward_pre_hooks.values():
        if isinstance(hook, _COMPUTING_HOOKS):
            hook(layer, ())
    return [getattr(layer, name) for name in weight_names(layer)]


def computes_weights(layer: nn.Module) -> bool:
    """Whether some weights are computed from parameters instead of being parameters."""
    return any(name not in layer._parameters for name in weight_names(layer))


def has_other_hooks(layer: nn.Module) -> bool:
    """Whether the layer has hooks other than those that compute weights."""
    pre_hooks = layer._forward_pre_hooks.values()
    if any(not isinstance(hook, _COMPUTING_HOOKS) for hook in pre_hooks):
        return True
    return bool(layer._forward_hooks or layer._backward_hooks or layer._backward_pre_hooks)
