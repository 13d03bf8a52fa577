"""Every setting of transformers' TrainingArguments has an effect, or is rejected before the training."""

import dataclasses
import math

import pytest
from small import TINY
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments
from transformers.trainer_utils import SchedulerType
from transformers.training_args import OptimizerNames

from hfseq import HfseqError, run_training
from hfseq.data.arguments import DataArguments
from hfseq.training import arguments as arguments_module
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.reading import parse_flags, parse_mapping
from hfseq.training.settings import resolve
from hfseq.training.trainer_settings import EFFECTIVE, FIXED, REFUSED, WITHOUT_CHOICE, check_model_settings

FIELDS = {item.name: item for item in dataclasses.fields(TrainingArguments) if item.init}
# Required arguments of schedules.
NEEDED = {
    "warmup_stable_decay": {"num_decay_steps": 10},
    "cosine_with_min_lr": {"min_lr": 1e-5},
    "cosine_warmup_with_min_lr": {"min_lr": 1e-5},
}
WITHOUT_PACKAGES = {"adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adagrad", "rmsprop"}


def training(**values):
    return SequenceTrainingArguments(output_dir="out", use_cpu=True, **values)


def test_every_setting_of_transformers_is_classified():
    """A new version of transformers may add a setting that hfseq would ignore: decide its effect, and list it."""
    tables = [set(EFFECTIVE), set(FIXED), set(REFUSED), set(WITHOUT_CHOICE)]
    assert set.union(*tables) == set(FIELDS)
    assert sum(map(len, tables)) == len(FIELDS), "a setting is in two tables"


@pytest.mark.parametrize("name", sorted(FIXED))
def test_fixed_setting_rejects_other_values(name):
    value = FIXED[name][0]
    other = (not value) if isinstance(value, bool) else f"not {value}"
    assert getattr(training(**{name: value}), name) == value
    with pytest.raises(HfseqError, match=f"^{name} must be .* or left out: "):
        training(**{name: other})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_setting_must_be_left_out(name):
    other = ["loss"] if name in ("include_for_metrics", "label_names") else 3 if name == "local_rank" else "something"
    with pytest.raises(HfseqError, match=f"^{name} must be left out: "):
        training(**{name: other})


def test_resume_from_a_folder_is_rejected():
    for given in (
        parse_flags(["--resume_from_checkpoint", "no/such/folder"]),
        parse_mapping({"resume_from_checkpoint": True}, where="x"),
    ):
        with pytest.raises(HfseqError, match="resume_from_checkpoint must be left out: an interrupted run continues"):
            resolve(given)
    with pytest.raises(HfseqError, match="do_train must be true or left out"):
        resolve(parse_flags(["--do_train", "false"]))
    resolve(parse_flags(["--do_train", "--do_eval", "--do_predict"]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"eval_steps": 5}, "eval_steps has no effect without --eval_strategy steps"),
        ({"save_steps": 5}, "save_steps has no effect without --save_strategy steps"),
        ({"logging_steps": 5}, "logging_steps has no effect without --logging_strategy steps"),
        ({"dataloader_persistent_workers": True}, "has no effect without --dataloader_num_workers of at least 1"),
        ({"dataloader_multiprocessing_context": "spawn"}, "has no effect without --dataloader_num_workers"),
        ({"fp16": True}, "fp16 has no effect without a GPU; on a CPU, use --bf16 true"),
        ({"use_liger_kernel": True}, "use_liger_kernel has no effect without a GPU and the package liger-kernel"),
        ({"ddp_backend": "gloo"}, "ddp_backend has no effect without several processes"),
        ({"optim_target_modules": ["query"]}, "optim_target_modules is for the GaLore and APOLLO optimizers"),
        ({"optim": "sgd", "optim_args": "momentun=0.9"}, "sgd has no argument 'momentun': did you mean 'momentum'?"),
        ({"optim": "sgd", "optim_args": "momentum"}, "optim_args must look like"),
        ({"optim": "sgd", "optim_args": "momentum=-1"}, "optim sgd cannot be used here: Invalid momentum value: -1"),
        ({"optim_args": "eps=1e-3"}, "adamw_torch_fused has no argument 'eps'"),
        ({"lr_scheduler_type": "warmup_stable_decay"}, "needs num_decay_steps: --lr_scheduler_kwargs"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "lr_scheduler_type cosine_with_min_lr: .*min_lr"),
        ({"lr_scheduler_type": "constant", "lr_scheduler_kwargs": {"a": 1}}, "constant has no argument 'a'"),
        (
            {"lr_scheduler_type": "cosine_with_restarts", "lr_scheduler_kwargs": {"num_cycle": 2}},
            "no argument 'num_cycle': did you mean 'num_cycles'?",
        ),
        (
            {"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"num_cycles": "two"}},
            "lr_scheduler_type cosine: ",
        ),
    ],
)
def test_setting_without_effect_is_rejected(values, message):
    with pytest.raises(HfseqError, match=message):
        training(**values)


@pytest.mark.parametrize("kind", [kind.value for kind in SchedulerType])
def test_every_schedule_works_or_is_rejected(kind):
    arguments = training(lr_scheduler_type=kind, lr_scheduler_kwargs=NEEDED.get(kind))
    assert arguments.lr_scheduler_type == kind


@pytest.mark.parametrize("kind", [kind.value for kind in OptimizerNames])
def test_every_optimizer_works_or_is_rejected(kind):
    values = {"optim": kind}
    if kind.startswith(("galore", "apollo")):
        values["optim_target_modules"] = "all-linear"
    try:
        training(**values)
    except HfseqError as error:
        assert kind not in WITHOUT_PACKAGES
        assert str(error).startswith(f"optim {kind} cannot be used here: ")
    else:
        assert kind in WITHOUT_PACKAGES


# --- numbers


def numeric_settings():
    for cls in (DataArguments, ModelArguments, SequenceTrainingArguments):
        for item in dataclasses.fields(cls):
            text = item.type.__name__ if isinstance(item.type, type) else str(item.type)
            known = item.name not in (set(FIXED) | set(REFUSED) | set(WITHOUT_CHOICE))
            if item.init and known and any(word in text for word in ("int", "float")):
                yield cls, item.name


@pytest.mark.parametrize(
    ("cls", "name"), list(numeric_settings()), ids=lambda value: getattr(value, "__name__", value)
)
def test_every_number_is_checked(cls, name):
    """nan, inf, negative numbers and numbers that overflow are rejected with the name of the setting."""
    fixed = {"output_dir": "out", "use_cpu": True} if cls is SequenceTrainingArguments else {}
    for value in (math.nan, math.inf, -math.inf, -5, 2**70):
        with pytest.raises(HfseqError, match=f"^{name} must "):
            cls(**fixed, **{name: value})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_train_epochs": 1e300}, "num_train_epochs must be above 0 and at most 1,000,000"),
        ({"max_steps": 0}, "max_steps must be at least 1, not 0"),
        ({"save_total_limit": -1}, "save_total_limit must be at least 0"),
        ({"data_seed": 2**32}, "data_seed must be at least 0 and below"),
        ({"adam_beta1": 1.0}, "adam_beta1 must be at least 0 and below 1, not 1.0"),
        ({"learning_rate": math.nan}, "learning_rate must be a finite number, not nan"),
    ],
)
def test_numbers_out_of_range_are_rejected(values, message):
    with pytest.raises(HfseqError, match=message):
        training(**values)


def test_more_processes_than_gpus_are_rejected(monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    arguments = object.__new__(SequenceTrainingArguments)
    arguments.use_cpu = False
    with pytest.raises(HfseqError, match=r"2 processes on a machine with 1 GPU: .* or add --use_cpu"):
        arguments._check_processes()


def test_quantiles_must_be_numbers():
    with pytest.raises(HfseqError, match="quantiles must be ascending numbers"):
        DataArguments(quantiles="0.1,nan,0.9")


# --- settings that depend on the model or the data


def test_neftune_is_rejected_for_frozen_embeddings():
    model = BertForSequenceClassification(
        BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9, intermediate_size=8)
    )
    arguments = training(neftune_noise_alpha=5.0)
    check_model_settings(arguments, model, "bert")
    model.get_input_embeddings().weight.requires_grad_(False)
    with pytest.raises(HfseqError, match="neftune_noise_alpha has no effect on bert: its embeddings are frozen"):
        check_model_settings(arguments, model, "bert")


def test_neftune_is_rejected_for_recurrent_models(reviews, tmp_path):
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path / "run"), "neftune_noise_alpha": 5.0}
    with pytest.raises(HfseqError, match=r"neftune_noise_alpha has no effect on lstm: .*embedding_dropout"):
        run_training(settings)
    assert not (tmp_path / "run" / "run.json").exists()


def test_drop_last_leaves_out_training_examples_only(reviews, tmp_path):
    settings = {**TINY, "dataset": str(reviews), "dataloader_drop_last": True, "num_train_epochs": 1}
    values = {**settings, "per_device_train_batch_size": 48, "per_device_eval_batch_size": 16}
    record = run_training({**values, "output_dir": str(tmp_path / "run")})
    assert record.costs["steps"] == 160 // 48
    assert record.data["examples"]["test"] == 40 and record.metrics["test"]["accuracy"] * 40 % 1 == pytest.approx(0)
    with pytest.raises(HfseqError, match="dataloader_drop_last leaves out all 160 training examples"):
        run_training({**settings, "per_device_train_batch_size": 200, "output_dir": str(tmp_path / "none")})


@pytest.mark.parametrize(("metric", "mode"), [("accuracy", "max"), ("loss", "min")])
def test_plateau_schedule_uses_the_direction_of_the_metric(metric, mode, reviews, tmp_path, monkeypatch):
    from hfseq.training import run as run_module

    seen = {}

    def stop(arguments, prepared, hooks=None):
        seen.update(arguments.training.lr_scheduler_kwargs)
        raise HfseqError("far enough")

    monkeypatch.setattr(run_module, "make_trainer", stop)
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path), "metric_for_best_model": metric}
    with pytest.raises(HfseqError, match="far enough"):
        run_training({**settings, "lr_scheduler_type": "reduce_lr_on_plateau"})
    assert seen == {"mode": mode}


def test_machine_without_a_gpu_trains_on_the_cpu(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    assert SequenceTrainingArguments(output_dir="out", bf16=True).use_cpu


def test_unconnected_processes_are_rejected(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(arguments_module.SequenceTrainingArguments, "world_size", 1)
    arguments = object.__new__(SequenceTrainingArguments)
    with pytest.raises(HfseqError, match=r"one of 2 processes \(WORLD_SIZE\)"):
        arguments._check_distributed()
    monkeypatch.setenv("WORLD_SIZE", "1")
    arguments._check_distributed()


def test_reasons_fit_into_a_sentence():
    """Each reason is a clause that follows a colon."""
    for reason in [*REFUSED.values(), *(reason for _, reason in FIXED.values())]:
        assert reason[0].islower() and not reason.endswith("."), reason
