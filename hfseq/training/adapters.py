"""LoRA: adds an adapter to a pretrained model, and merges it after the training."""

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel
from transformers.utils import ADAPTER_CONFIG_NAME, ADAPTER_SAFE_WEIGHTS_NAME, ADAPTER_WEIGHTS_NAME

from hfseq.errors import HfseqError, first_line
from hfseq.tasks import Task
from hfseq.training.model_arguments import ModelArguments

ADAPTER_FOLDER = "adapter"


def add_adapter(model: PreTrainedModel, arguments: ModelArguments, fresh: set[str], task: Task) -> Any:
    """Wraps a pretrained model with LoRA matrices (Hu et al. 2022).

    Args:
        model (`PreTrainedModel`): the model.
        arguments (`ModelArguments`): rank, scale, dropout, and which layers.
        fresh (`set[str]`): names of the weights that are not in the checkpoint. They are trained completely.
        task (`Task`): the task of the model.

    Raises:
        HfseqError: peft is missing, or does not find the layers.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise HfseqError('finetuning `lora` needs peft: pip install "hfseq[lora]"') from error
    prefix = f"{model.base_model_prefix}."
    whole = sorted({name.removeprefix(prefix).partition(".")[0] for name in fresh})
    try:
        config = LoraConfig(
            task_type=task.peft_task_type,
            r=arguments.lora_r,
            lora_alpha=arguments.lora_alpha,
            lora_dropout=arguments.lora_dropout,
            target_modules=arguments.lora_target_modules or "all-linear",
            modules_to_save=whole or None,
        )
        return get_peft_model(model, config)
    except ValueError as error:
        raise HfseqError(f"LoRA does not fit this model: {first_line(error)}") from error


def is_adapted(model: Any) -> bool:
    """Whether a model is wrapped by peft."""
    return hasattr(model, "merge_and_unload")


def merge_adapter(trainer: Any, folder: Path, base_model: str | None) -> None:
    """Merges a LoRA adapter into its model, and saves the adapter in the folder `adapter`.

    Args:
        trainer (`transformers.Trainer`): the trainer. Its model is replaced.
        folder (`Path`): the folder of the saved model. The adapter is saved in a subfolder.
        base_model (`str`, *optional*): name of the checkpoint of the adapter.
    """
    model = trainer.model
    if not is_adapted(model):
        return
    if trainer.is_world_process_zero():
        model.save_pretrained(folder / ADAPTER_FOLDER)
        _name_base_model(folder / ADAPTER_FOLDER / "adapter_config.json", base_model)
        if trainer.args.push_to_hub:
            # Pushed checkpoints contain the adapter, which would be loaded on top of the merged weights.
            for name in (ADAPTER_CONFIG_NAME, ADAPTER_SAFE_WEIGHTS_NAME, ADAPTER_WEIGHTS_NAME):
                Path(trainer.args.output_dir, name).unlink(missing_ok=True)
    trainer.model = trainer.model_wrapped = model.merge_and_unload()


def _name_base_model(path: Path, base_model: str | None) -> None:
    # peft writes the local folder of the checkpoint.
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_model
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
