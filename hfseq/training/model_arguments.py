"""The settings of the model."""

from dataclasses import dataclass
from typing import Any

from hfseq.data.bounds import AT_LEAST_1, SHARE_BELOW_1
from hfseq.data.settings import check_settings_of, setting
from hfseq.errors import HfseqError, nearest

FINETUNING = ("whole", "frozen", "lora")


@dataclass
class ModelArguments:
    """The model, and the part of it that is trained."""

    _argument_group_name = "model"

    model: str = setting(
        "lstm",
        "The model: a preset; a YAML file of settings; a folder with a saved model; or the id of a model on the Hub.",
    )
    model_type: str | None = setting(
        None,
        "Train this architecture of transformers (`bert`, `hfseq_recurrent`, ...) from scratch, instead of a "
        "pretrained model.",
    )
    config_overrides: dict[str, Any] | str | None = setting(
        None,
        "Settings of the model's configuration, such as `hidden_size=128,pooling=max`; in a YAML file, a mapping.",
    )
    model_revision: str | None = setting(None, "Revision of a model on the Hub: a branch, tag or commit.")
    trust_remote_code: bool = setting(False, "Run code that comes with a model on the Hub or in a folder.")
    finetuning: str | None = setting(
        None,
        "Part of a pretrained model that is trained: the whole model, only the head (frozen), or LoRA matrices and "
        "the head (lora). By default whole.",
        choices=FINETUNING,
    )
    lora_r: int = setting(8, "Rank of the LoRA matrices.", bounds=AT_LEAST_1)
    lora_alpha: int = setting(16, "Scale of the LoRA matrices.", bounds=AT_LEAST_1)
    lora_dropout: float = setting(0.05, "Dropout before the LoRA matrices.", bounds=SHARE_BELOW_1)
    lora_target_modules: list[str] | None = setting(
        None, "Names of the layers that get LoRA matrices. By default all linear layers except the head."
    )

    def __post_init__(self) -> None:
        check_settings_of(self)


def check_finetuning(finetuning: str | None) -> None:
    """
    Raises:
        HfseqError: `finetuning` is not one of its choices.
    """
    if finetuning is not None and finetuning not in FINETUNING:
        raise HfseqError(f"finetuning {finetuning!r} is not known: {nearest(finetuning, FINETUNING)}")
