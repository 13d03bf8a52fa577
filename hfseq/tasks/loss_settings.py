"""Settings of the loss."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossSettings:
    """Settings of the loss.

    Attributes:
        class_weights (`str`, *optional*): `"balanced"`, or one weight per label: `"1.0,2.5"`.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target that is spread over all labels
            (Szegedy et al. 2016).
    """

    class_weights: str | None = None
    label_smoothing: float = 0.0
