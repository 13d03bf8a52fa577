"""The compiled kernels of hfseq, if it is installed. Without it, a saved model runs in plain torch.

If they cannot be imported, the functions are `None`, and `WHY_MISSING` is the reason.
"""

import os
import warnings
from contextlib import nullcontext

__all__ = ["WHY_MISSING", "constant_weights", "gated_scan", "load_library", "recurrent_layer", "why_unavailable"]

WHY_MISSING: str | None = None


def _why_missing(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "hfseq":
        return "hfseq is not installed"
    reason = f"hfseq.kernels cannot be imported ({type(error).__name__}: {error})"
    if os.environ.get("HFSEQ_ENGINE") != "torch":
        warnings.warn(
            f"{reason}: recurrent layers run on plain torch, which is slower. Install hfseq again, or set "
            "HFSEQ_ENGINE=torch to use plain torch without this warning",
            stacklevel=3,
        )
    return reason


try:
    from hfseq.kernels.library import load_library, why_unavailable
    from hfseq.kernels.recurrence import constant_weights, recurrent_layer
    from hfseq.kernels.scan import gated_scan
except Exception as error:  # the package is missing or damaged
    load_library = why_unavailable = recurrent_layer = gated_scan = None  # type: ignore[assignment]
    constant_weights = nullcontext  # type: ignore[assignment]
    WHY_MISSING = _why_missing(error)
