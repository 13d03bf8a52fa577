"""Predictions, generation and evaluation with saved models."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.inference.backend import Backend
    from hfseq.inference.predictions import Predictions
    from hfseq.inference.predictor import Predictor, generate, load_predictor
    from hfseq.inference.torch_backend import TorchBackend

__all__ = ["Backend", "Predictions", "Predictor", "TorchBackend", "generate", "load_predictor"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Backend": ".backend",
        "Predictions": ".predictions",
        "Predictor": ".predictor",
        "TorchBackend": ".torch_backend",
        "generate": ".predictor",
        "load_predictor": ".predictor",
    },
)
