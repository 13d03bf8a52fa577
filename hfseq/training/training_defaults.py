"""Settings that hfseq adds to transformers' `TrainingArguments`, or that have another default, and bounds of all."""

from dataclasses import dataclass

from hfseq.data.bounds import ABOVE_0, AT_LEAST_0, AT_LEAST_1, SEED, SHARE_BELOW_1, Bounds
from hfseq.data.settings import setting

TRAINING_BOUNDS = {
    "num_train_epochs": Bounds(0, 1e6, above=True),
    **dict.fromkeys(("learning_rate", "logging_steps", "eval_steps", "save_steps", "max_train_seconds"), ABOVE_0),
    **dict.fromkeys(("per_device_train_batch_size", "per_device_eval_batch_size"), ABOVE_0),
    **dict.fromkeys(("gradient_accumulation_steps", "neftune_noise_alpha", "ddp_bucket_cap_mb"), ABOVE_0),
    **dict.fromkeys(("weight_decay", "warmup_steps", "adam_epsilon", "max_grad_norm", "eval_delay"), AT_LEAST_0),
    **dict.fromkeys(("dataloader_num_workers", "early_stopping_threshold"), AT_LEAST_0),
    **dict.fromkeys(("torch_empty_cache_steps", "eval_accumulation_steps", "dataloader_prefetch_factor"), AT_LEAST_1),
    **dict.fromkeys(("ddp_timeout", "early_stopping_patience"), AT_LEAST_1),
    **dict.fromkeys(("adam_beta1", "adam_beta2", "label_smoothing_factor"), SHARE_BELOW_1),
    **dict.fromkeys(("seed", "data_seed"), SEED),
    # The default -1 means that num_train_epochs decides. Trainer takes 0 and other negative numbers for it, too.
    "max_steps": Bounds(1),
    "save_total_limit": Bounds(0, text="be at least 0 (`null` in a YAML file keeps all)"),
}


@dataclass
class TrainingDefaults:
    """Settings of the training that hfseq adds, or whose default it changes."""

    output_dir: str | None = setting(
        None,
        "Folder for the trained model, the checkpoints and the record of the run. By default runs/DATASET-MODEL.",
    )
    overwrite_output_dir: bool = setting(False, "Overwrite an existing run in output_dir.")
    early_stopping_patience: int | None = setting(
        None,
        "Stop after this many evaluations in a row in which metric_for_best_model did not improve. null: never.",
    )
    early_stopping_threshold: float = setting(
        0.0, "Smallest change of metric_for_best_model that counts as an improvement."
    )
    report_to: list[str] | None = setting(
        None, "Tools to log the training to, such as tensorboard or trackio. By default none."
    )
    eval_strategy: str = setting(
        "epoch", "When to evaluate on the validation split.", choices=("no", "steps", "epoch")
    )
    save_strategy: str = setting("epoch", "When to save a checkpoint.", choices=("no", "steps", "epoch", "best"))
    do_train: bool = setting(True, "Always true. Use `hfseq evaluate` to evaluate without training.")
    restore_callback_states_from_checkpoint: bool = setting(
        True, "Always true: a resumed run continues the count of early_stopping_patience."
    )
    save_total_limit: int | None = setting(
        0,
        "Number of checkpoints to keep after the training, the best one included; null keeps all. During the "
        "training, the newest and the best checkpoint are always kept.",
    )
    load_best_model_at_end: bool = setting(
        True, "Save the model of the best checkpoint, by metric_for_best_model, instead of the last one."
    )
    logging_strategy: str = setting("epoch", "When to log the training loss.", choices=("no", "steps", "epoch"))
    seed: int = setting(0, "Seed of the initial weights, of dropout and of the order of the examples.")
    remove_unused_columns: bool = setting(
        False, "Remove columns of the data that the model does not read. hfseq does this in any case."
    )
    metric_for_best_model: str | None = setting(
        None,
        "Metric on the validation split that chooses the best checkpoint. By default the main metric of the task.",
    )
    push_to_hub: bool = setting(False, "Push the trained model to the Hub at the end of the training.")
    hub_strategy: str = setting(
        "end", "When to push to the Hub.", choices=("end", "every_save", "checkpoint", "all_checkpoints")
    )
    per_device_eval_batch_size: int = setting(64, "Batch size of evaluation and test, per device.")
    evaluate_test: bool = setting(
        True,
        "Evaluate on the test split after the training. `hfseq compare --tune` does not while it chooses settings.",
    )
    max_train_seconds: float | None = setting(
        None,
        "Train for this many seconds, without those of evaluation, and fit the learning-rate schedule to them. "
        "num_train_epochs and early_stopping_patience are then not used.",
    )
    lazy_embeddings: bool = setting(
        True,
        "Update the rows of an embedding matrix only when they are next used. This is faster for large vocabularies, "
        "with the same result.",
    )
    keep_freed_memory: bool = setting(
        False,
        "Keep memory that the C library has freed for the next step. This is faster on a CPU, but the process keeps "
        "its peak memory. Only with glibc.",
    )
