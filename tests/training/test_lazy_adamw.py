"""Lazy embeddings: the same training as with dense AdamW, and when they are chosen."""

import copy
import json
import math

import pytest
import torch
from safetensors.torch import load_file
from small import TINY, newest_checkpoint
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, TrainerCallback

from hfseq import HfseqError, run_training
from hfseq.kernels.library import load_library
from hfseq.training import lazy_choice
from hfseq.training import run as run_module
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.lazy_adamw import DenseGradients, LazyAdamW
from hfseq.training.lazy_choice import why_not_lazy

pytestmark = pytest.mark.skipif(load_library() is None, reason="the compiled kernels are not installed")

ROWS, SIZE = 500, 20


class Bag(nn.Module):
    """The mean of a text's embeddings, classified."""

    def __init__(self, rows=ROWS):
        super().__init__()
        self.embedding = nn.Embedding(rows, SIZE, padding_idx=0)
        self.head = nn.Sequential(nn.Linear(SIZE, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, input_ids):
        return self.head(self.embedding(input_ids).mean(1))

    def get_input_embeddings(self):
        return self.embedding


def make_model(seed=0):
    torch.manual_seed(seed)
    return Bag()


def make_optimizer(model, lazy):
    groups = [
        {"params": [model.embedding.weight, *model.head[0].parameters()], "weight_decay": 0.01},
        {"params": list(model.head[2].parameters()), "weight_decay": 0.0},
    ]
    if lazy:
        return LazyAdamW(groups, lr=5e-3, lazy=[model.embedding])
    return torch.optim.AdamW(groups, lr=5e-3, fused=True)


def train(model, optimizer, steps, seed=0, clip=0.3):
    """Steps of two batches each, with a schedule; returns the norms of the gradients."""
    torch.manual_seed(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 30) * (1 - step / 400))
    norms = []
    for _ in range(steps):
        for _ in range(2):
            # Few rows stand in each batch, most seldom, the last 50 never; the padding stands in all.
            input_ids = (torch.rand(8, 12) ** 4 * (ROWS - 50)).long()
            labels = torch.randint(0, 3, (8,))
            nn.functional.cross_entropy(model(input_ids), labels).div(2).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(DenseGradients(model).parameters(), clip))
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return torch.stack(norms)


def assert_close(one, other, atol=2e-5):
    for (name, value), expected in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


def assert_same(one, other):
    assert one.keys() == other.keys()
    assert not [name for name, value in one.items() if not torch.equal(value, other[name])]


def test_lazy_adamw_equals_dense_adamw_with_schedule_clipping_decay_and_accumulation():
    dense, lazy = make_model(), make_model()
    before = lazy.embedding.weight.detach().clone()
    norms = train(dense, make_optimizer(dense, lazy=False), 300)
    lazy_norms = train(lazy, make_optimizer(lazy, lazy=True), 300)
    assert 0 < (norms > 0.3).sum() < 300  # some were clipped, some not
    torch.testing.assert_close(lazy_norms, norms, rtol=1e-6, atol=0)
    assert_close(lazy, dense)
    assert (lazy.embedding.weight - before).abs().max() > 0.1


def test_gradient_is_never_dense():
    model = make_model()
    optimizer = make_optimizer(model, lazy=True)
    ids = torch.tensor([[3, 3, 7, 0]])
    for _ in range(2):
        model(ids).sum().backward()
        assert model.embedding.weight.grad.is_sparse and model.embedding.weight.grad.is_coalesced()
        assert model.embedding.weight.grad.indices().tolist() == [[3, 7]]
    optimizer.step()
    assert model.embedding.weight.grad.is_sparse
    optimizer.zero_grad()
    assert model.embedding.weight.grad is None


def test_infinite_gradient_norm_is_reported():
    model = make_model()
    make_optimizer(model, lazy=True)
    model(torch.tensor([[3, 7]])).sum().backward()
    model.embedding.weight.grad.values()[0, 0] = float("nan")
    assert torch.nn.utils.clip_grad_norm_(DenseGradients(model).parameters(), float("inf")).isnan()


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_state_is_that_of_adamw(first, second):
    """Trained, saved, loaded by the other, trained on: as the dense optimiser all the way."""
    expected = make_model()
    optimizer = make_optimizer(expected, lazy=False)
    train(expected, optimizer, 40)
    train(expected, optimizer, 40, seed=1)

    model = make_model()
    optimizer = make_optimizer(model, lazy=first)
    train(model, optimizer, 40)
    state = copy.deepcopy(optimizer.state_dict())
    weights = copy.deepcopy(model.state_dict())
    assert state["state"][0].keys() == {"step", "exp_avg", "exp_avg_sq"}
    model = make_model(seed=5)
    model.load_state_dict(weights)
    optimizer = make_optimizer(model, lazy=second)
    optimizer.load_state_dict(state)
    train(model, optimizer, 40, seed=1)
    assert_close(model, expected)


def test_resuming_from_a_saved_state_is_exact():
    model = make_model()
    optimizer = make_optimizer(model, lazy=True)
    train(model, optimizer, 30)
    state, weights = copy.deepcopy((optimizer.state_dict(), model.state_dict()))
    train(model, optimizer, 30, seed=1)
    other = make_model(seed=5)
    other_optimizer = make_optimizer(other, lazy=True)
    train(other, other_optimizer, 5)  # what is pending there must not reach the loaded weights
    other.load_state_dict(weights)
    other_optimizer.load_state_dict(state)
    train(other, other_optimizer, 30, seed=1)
    assert_same(other.state_dict(), model.state_dict())


def test_changed_betas_apply_from_the_next_step():
    dense, lazy = make_model(), make_model()
    for model, is_lazy in ((dense, False), (lazy, True)):
        optimizer = make_optimizer(model, is_lazy)
        for betas in ((0.9, 0.999), (0.8, 0.99)):
            optimizer.param_groups[0]["betas"] = betas
            train(model, optimizer, 20)
    assert_close(lazy, dense)


def test_weight_read_past_its_module_is_an_error():
    """With the first step it is noticed in time, and the dense optimiser takes over; later it is an error."""

    def penalised(model):
        ids = torch.tensor([[1, 2]])
        return model(ids).sum() + model.embedding.weight.square().sum()

    dense, lazy = make_model(), make_model()
    for model, is_lazy in ((dense, False), (lazy, True)):
        optimizer = make_optimizer(model, is_lazy)
        for _ in range(5):
            penalised(model).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert_close(lazy, dense, atol=0)

    train(lazy, optimizer, 2)
    penalised(lazy).backward()
    with pytest.raises(HfseqError, match=r"gradient of the input embeddings is dense.*`lazy_embeddings` false"):
        optimizer.step()


def swapped(model):
    """Averaged weights for a look, and back: what was kept is the memory itself."""
    kept = {name: parameter.data for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.data = parameter.data * 0.5
    model(torch.tensor([[3, 7]]))
    for name, parameter in model.named_parameters():
        parameter.data = kept[name]


def replaced(model):
    model.embedding.weight.data = torch.full((ROWS, SIZE), 0.25)


def from_vector(model):
    vector = torch.linspace(-1, 1, sum(parameter.numel() for parameter in model.parameters()))
    torch.nn.utils.vector_to_parameters(vector, model.parameters())


@pytest.mark.parametrize("change", [swapped, replaced, from_vector])
def test_replaced_values_are_trained_with_the_moments_of_the_old_ones(change):
    dense, lazy = make_model(), make_model()
    for model, is_lazy in ((dense, False), (lazy, True)):
        optimizer = make_optimizer(model, is_lazy)
        train(model, optimizer, 20)
        change(model)
        train(model, optimizer, 20, seed=1)
    assert_close(lazy, dense)
    assert optimizer.state[lazy.embedding.weight]["step"] == 40


def test_weight_written_while_rows_are_outdated_is_an_error():
    model = make_model()
    optimizer = make_optimizer(model, lazy=True)
    train(model, optimizer, 5)
    with torch.no_grad():
        model.embedding.weight.mul_(2)
    for use in (optimizer.flush, lambda: model(torch.tensor([[3]]))):
        with pytest.raises(HfseqError, match="changed in place while updates of some rows were pending: call `flush"):
            use()

    dense, model = make_model(), make_model()
    for changed, is_lazy in ((dense, False), (model, True)):
        optimizer = make_optimizer(changed, is_lazy)
        train(changed, optimizer, 5)
        if is_lazy:
            optimizer.flush()
        with torch.no_grad():
            changed.embedding.weight.mul_(2)
        train(changed, optimizer, 5)
    assert_close(model, dense)


def test_another_parameter_as_weight_is_rejected():
    model = make_model()
    optimizer = make_optimizer(model, lazy=True)
    train(model, optimizer, 2)
    model.embedding.weight = nn.Parameter(torch.zeros(ROWS, SIZE))
    with pytest.raises(HfseqError, match="another parameter as their weight than the optimizer was given"):
        train(model, optimizer, 1)


def test_detach_restores_the_embedding():
    model = make_model()
    optimizer = make_optimizer(model, lazy=True)
    train(model, optimizer, 5)
    optimizer.detach()
    module = model.embedding
    assert not module.sparse and not module._forward_pre_hooks and not module._state_dict_pre_hooks
    assert not module._load_state_dict_pre_hooks and not module.weight._post_accumulate_grad_hooks
    weight = module.weight.detach().clone()
    optimizer.flush()
    assert torch.equal(module.weight, weight)
    train(model, optimizer, 5)  # as dense AdamW
    optimizer.attach()
    train(model, optimizer, 5)
    dense = make_model()
    optimizer = make_optimizer(dense, lazy=False)
    for _ in range(3):
        train(dense, optimizer, 5)
    assert_close(model, dense)


def test_invalid_arguments_are_rejected_by_lazy_adamw():
    model = make_model()
    with pytest.raises(ValueError, match=r"the weight of Embedding\(500, 20, .*\) is not among the parameters"):
        LazyAdamW(model.head.parameters(), lazy=[model.embedding])
    with pytest.raises(ValueError, match="lazy embeddings cannot be optimised with amsgrad"):
        LazyAdamW(model.parameters(), lazy=[model.embedding], amsgrad=True)


def arguments(**settings):
    return SequenceTrainingArguments(output_dir="unused", use_cpu=True, eval_strategy="no", save_strategy="no",
                                     load_best_model_at_end=False, **settings)  # fmt: skip


def test_lazy_adamw_is_chosen_for_a_large_trainable_embedding():
    assert why_not_lazy(arguments(), Bag(rows=2_000)) is None
    assert why_not_lazy(arguments(optim="adamw_torch"), Bag(rows=2_000)) is None
    config = BertConfig(vocab_size=3_000, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    assert why_not_lazy(arguments(), BertForSequenceClassification(config)) is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"lazy_embeddings": False}, "lazy_embeddings is false"),
        ({"optim": "sgd"}, "the optimiser is sgd"),
        ({"adam_epsilon": 0.0}, "adam_epsilon is 0"),
        ({"torch_compile": True}, "a compiled model does not run the hooks"),
    ],
)
def test_lazy_adamw_is_not_chosen_under_some_settings(settings, reason):
    assert why_not_lazy(arguments(**settings), Bag(rows=2_000)) == reason


def test_lazy_adamw_is_not_chosen_for_other_models(monkeypatch):
    def reason(change, rows=2_000):
        model = Bag(rows=rows)
        change(model)
        return why_not_lazy(arguments(), model)

    assert reason(lambda model: None, rows=1_999) == "1999 rows are few"
    assert reason(lambda model: model.embedding.requires_grad_(False)) == "the embeddings are frozen"
    assert reason(lambda model: model.double()) == "the embeddings are torch.float64 on cpu"
    assert reason(lambda model: setattr(model.embedding, "max_norm", 1.0)) == (
        "the embeddings use max_norm or scale_grad_by_freq"
    )
    assert reason(lambda model: setattr(model, "embedding", nn.Linear(3, 3))) == "the input embeddings are Linear"
    assert reason(lambda model: setattr(model, "embedding", None)) == "the input embeddings are none"

    def tie(model):
        model.output = nn.Linear(SIZE, 2_000)
        model.output.weight = model.embedding.weight

    assert reason(tie) == "the embeddings are tied to another module"
    monkeypatch.setenv("HFSEQ_ENGINE", "torch")
    assert reason(lambda model: None) == "there is no compiled kernel: HFSEQ_ENGINE=torch"


@pytest.fixture
def small_is_large(monkeypatch):
    """Lazy embeddings for the tiny vocabularies of these tests."""
    monkeypatch.setattr(lazy_choice, "MIN_ROWS", 1)


class Watch(TrainerCallback):
    """Looks at the training from within; interrupts it after a step."""

    def __init__(self, stop=None):
        self.stop, self.pending, self.evaluated = stop, [], []

    def on_step_end(self, args, state, control, **kwargs):
        self.optimizer = kwargs["optimizer"].optimizer
        self.pending.append(self.behind())
        if state.global_step == self.stop:
            raise KeyboardInterrupt

    def on_evaluate(self, args, state, control, **kwargs):
        self.evaluated.append(self.behind())

    def behind(self):
        """By how many steps rows may be behind."""
        return self.optimizer._embeddings[0].rows.pending if isinstance(self.optimizer, LazyAdamW) else None


def watch_training(monkeypatch, stop=None):
    make, watch = run_module.make_trainer, Watch(stop)

    def make_watched(*given):
        watch.trainer = make(*given)
        watch.trainer.add_callback(watch)
        return watch.trainer

    monkeypatch.setattr(run_module, "make_trainer", make_watched)
    return watch


def weights(folder):
    return load_file(folder / "model.safetensors")


SETTINGS = {
    **TINY, "config_overrides": "hidden_size=8,embedding_size=8,dropout=0.3,embedding_dropout=0.2",
    "weight_decay": 0.01, "max_grad_norm": 0.5, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 8,
    "eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4, "save_steps": 8, "logging_steps": 1,
    "logging_strategy": "steps", "early_stopping_patience": 50,
}  # fmt: skip


def test_run_equals_one_with_dense_adamw(reviews, tmp_path, monkeypatch, small_is_large):
    histories = {}
    for lazy in (True, False):
        folder = tmp_path / str(lazy)
        with monkeypatch.context() as patch:
            watch = watch_training(patch)
            run_training({**SETTINGS, "dataset": str(reviews), "output_dir": str(folder), "lazy_embeddings": lazy})
        assert isinstance(watch.optimizer, LazyAdamW) == lazy
        if lazy:
            assert max(watch.pending) == 4 and set(watch.evaluated) == {0}
            assert not watch.trainer.model.get_input_embeddings().sparse
        histories[lazy] = [entry for entry in watch.trainer.state.log_history if "grad_norm" in entry]
    one, other = (weights(tmp_path / str(lazy)) for lazy in (True, False))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-4)
    assert len(histories[True]) == 20
    for entry, expected in zip(histories[True], histories[False], strict=True):
        assert entry["grad_norm"] == pytest.approx(expected["grad_norm"], rel=1e-4)


def test_mixed_precision_trains(reviews, tmp_path, monkeypatch, small_is_large):
    watch = watch_training(monkeypatch)
    settings = {
        **SETTINGS,
        "dataset": str(reviews),
        "num_train_epochs": 1,
        "bf16": True,
        "activation_checkpointing": True,
    }
    settings["model"] = "transformer"
    settings["config_overrides"] = "hidden_size=8,num_attention_heads=2,intermediate_size=8"
    record = run_training({**settings, "output_dir": str(tmp_path)})
    assert isinstance(watch.optimizer, LazyAdamW) and math.isfinite(record.metrics["test"]["loss"])


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_interrupted_run_resumes_to_the_same_weights(model, reviews, tmp_path, monkeypatch, small_is_large):
    settings = {**SETTINGS, "model": model, "dataset": str(reviews)}
    if model == "transformer":
        settings["config_overrides"] = "hidden_size=8,num_attention_heads=2,intermediate_size=8"
    run_training({**settings, "output_dir": str(tmp_path / "whole")})
    folder = tmp_path / "parts"
    with monkeypatch.context() as patch:
        watch = watch_training(patch, stop=15)
        with pytest.raises(KeyboardInterrupt):
            run_training({**settings, "output_dir": str(folder)})
    assert watch.pending[-1] == 3 and newest_checkpoint(folder).name == "checkpoint-8"
    # Whoever looks at the interrupted model sees weights that are up to date.
    assert watch.behind() == 0
    run_training({**settings, "output_dir": str(folder)})
    assert_same(weights(folder), weights(tmp_path / "whole"))


def test_best_checkpoint_is_loaded_as_it_was_saved(reviews, tmp_path, monkeypatch, small_is_large):
    """Steps that rows missed after the last checkpoint must not be taken by the weights that are loaded then."""
    settings = {**SETTINGS, "dataset": str(reviews), "output_dir": str(tmp_path), "eval_steps": 8}
    best = {}

    class Keep(TrainerCallback):
        def on_save(self, args, state, control, **kwargs):
            folder = tmp_path / f"checkpoint-{state.global_step}"
            best[str(folder)] = weights(folder)

    make = run_module.make_trainer

    def make_keeping(*given):
        make_keeping.trainer = make(*given)
        make_keeping.trainer.add_callback(Keep())
        return make_keeping.trainer

    monkeypatch.setattr(run_module, "make_trainer", make_keeping)
    run_training({**settings, "num_train_epochs": 1.4})
    state = make_keeping.trainer.state
    assert state.global_step == 14
    assert_same(weights(tmp_path), best[state.best_model_checkpoint])


def test_pretrained_encoder_trains_as_with_dense_adamw(reviews, tiny_bert, tmp_path, monkeypatch, small_is_large):
    settings = {**SETTINGS, "model": str(tiny_bert), "config_overrides": None, "dataset": str(reviews)}
    for lazy in (True, False):
        with monkeypatch.context() as patch:
            watch = watch_training(patch)
            run_training({**settings, "output_dir": str(tmp_path / str(lazy)), "lazy_embeddings": lazy,
                          "num_train_epochs": 1, "learning_rate": 1e-3})  # fmt: skip
        assert isinstance(watch.optimizer, LazyAdamW) == lazy
    one, other = (weights(tmp_path / str(lazy)) for lazy in (True, False))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=1e-4)
    assert json.loads((tmp_path / "True" / "run.json").read_text())["status"] == "finished"
