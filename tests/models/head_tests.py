"""Tests for all models of the recurrent family.

The test file of a model has a subclass of [`RecurrentModelTests`], or of [`RecurrentHeadTests`] if it has a loss:

    class TestMyHead(RecurrentHeadTests):
        model_class, auto_class = MyHead, AutoModelForMyTask
        head_weights = {"classifier": r"^classifier"}
        problem_types = ("single_label_classification",)

        def make_labels(self, problem_type, attention_mask): ...

The model is then also part of the tests for all models (see head_table.py): saved models load without hfseq, and two
processes compute the same loss as one.
"""

import re
from typing import Any, ClassVar

import pytest
import torch
from engine_choice import ENGINES, force_engine
from ragged import CELLS, SMALL, assert_all_close, assert_near, gradients, make_rows, pad_rows, scalar
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, Trainer, TrainingArguments, set_seed
from transformers.utils import find_labels

from hfseq import RecurrentConfig, RecurrentModel


def assert_initial_values(model: nn.Module, pattern: str) -> None:
    """Checks the initial values of all parameters whose name matches."""
    config = model.config
    hidden = config.hidden_size
    names = [name for name, _ in model.named_parameters() if re.search(pattern, name)]
    assert names, f"no parameter matches {pattern!r}"
    for name in names:
        value = model.get_parameter(name).detach()
        assert value.isfinite().all(), name
        if "embed_tokens" in name:
            assert not value[config.pad_token_id].any()
            assert value[1:].std().item() == pytest.approx(config.initializer_range, rel=0.3)
        elif "weight_hh" in name:
            for gate in value.split(hidden):
                torch.testing.assert_close(gate @ gate.T, torch.eye(hidden), rtol=0, atol=1e-5)
        elif "bias" in name:
            expected = torch.zeros_like(value)
            if config.cell_type in ("lstm", "minlstm") and "bias_ih" in name:
                expected[hidden : 2 * hidden] = config.forget_gate_bias
            assert torch.equal(value, expected), name
        else:
            for gate in value.split(hidden) if "weight_ih" in name else [value]:
                limit = (6 / sum(gate.shape)) ** 0.5
                assert gate.abs().max() <= limit
                assert gate.std() > limit / 4, name


class RecurrentModelTests:
    """Tests of a model without a loss. `outputs_of_rows` returns the outputs for each sequence."""

    model_class: ClassVar[type]
    auto_class: ClassVar[type]
    head_weights: ClassVar[dict[str, str]] = {}
    # Settings of the configuration in addition to SMALL.
    settings: ClassVar[dict[str, Any]] = {}
    # Kinds of inputs: tokens (None), or the number of features per step.
    feature_sizes: ClassVar[tuple[int | None, ...]] = (None, 3)

    def pytest_generate_tests(self, metafunc):
        if "features" in metafunc.fixturenames:
            names = ["tokens" if size is None else "numeric" for size in self.feature_sizes]
            metafunc.parametrize("features", self.feature_sizes, ids=names)

    def make_model(self, **config: Any) -> Any:
        set_seed(0)
        values = SMALL | self.settings | config
        if "input_features" in values:
            del values["vocab_size"], values["pad_token_id"]
        return self.model_class(RecurrentConfig(**values)).eval()

    def make_inputs(self, model: Any) -> dict[str, Tensor]:
        """A ragged batch, as arguments of `forward`."""
        rows = make_rows(features=model.config.input_features)
        if model.config.input_features is not None:
            rows = [row.float() for row in rows]
        batch, mask = pad_rows(rows, "mixed", 1)
        return {model.main_input_name: batch, "attention_mask": mask}

    def outputs_of_rows(self, outputs: Any, attention_mask: Tensor) -> list[Tensor]:
        """The outputs for each sequence, without padding. By default the rows of the logits."""
        return list(outputs.logits)

    def run(self, model: Any, rows: list[Tensor], side: str, extra: int = 0) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Outputs of one padded batch, and the gradients of their sum."""
        batch, mask = pad_rows(rows, side, extra)
        outputs = self.outputs_of_rows(model(**{model.main_input_name: batch}, attention_mask=mask), mask)
        return outputs, gradients(model, scalar(outputs))

    def run_alone(self, model: Any, rows: list[Tensor]) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Outputs of each row alone, without padding or mask, and the sum of the gradients."""
        outputs, total = [], {}
        for row in rows:
            mask = torch.ones(1, len(row), dtype=torch.long)
            (output,) = self.outputs_of_rows(model(**{model.main_input_name: row[None]}), mask)
            for name, value in gradients(model, scalar([output])).items():
                total[name] = total.get(name, 0) + value
            outputs.append(output)
        return outputs, total

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_padding_does_not_change_results(self, cell_type, features):
        inputs = {} if features is None else {"input_features": features}
        model = self.make_model(cell_type=cell_type, **inputs).double()
        rows = make_rows(features=features)
        expected, expected_gradients = self.run_alone(model, rows)
        for side, extra in (("left", 0), ("right", 3), ("mixed", 2)):
            outputs, found_gradients = self.run(model, rows, side, extra)
            torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-10)
            assert_all_close(found_gradients, expected_gradients)
        assert all(gradient.any() for gradient in expected_gradients.values())

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("cell_type", CELLS)
    def test_padding_changes_nothing_with_each_engine(self, cell_type, engine, features, monkeypatch):
        """In single precision, the only precision of the compiled kernel."""
        force_engine(monkeypatch, engine)
        inputs = {} if features is None else {"input_features": features}
        # Not attention: the gradient of its bias is almost zero, because the bias changes all scores equally.
        model = self.make_model(cell_type=cell_type, pooling="mean", **inputs)
        rows = make_rows(features=features)
        if features is not None:
            rows = [row.float() for row in rows]
        expected, expected_gradients = self.run_alone(model, rows)
        for side, extra in (("left", 0), ("right", 3), ("mixed", 2)):
            outputs, found_gradients = self.run(model, rows, side, extra)
            assert_near(dict(enumerate(outputs)), dict(enumerate(expected)), 1e-5)
            assert_near(found_gradients, expected_gradients, 1e-5)

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_saved_model_gives_identical_outputs(self, cell_type, tmp_path):
        model = self.make_model(cell_type=cell_type)
        model.save_pretrained(tmp_path)
        assert (tmp_path / "model.safetensors").exists()
        batch, mask = pad_rows(make_rows(), "mixed")
        expected = model(batch, attention_mask=mask)[0]
        for loader in (self.model_class, self.auto_class):
            loaded = loader.from_pretrained(tmp_path)
            assert type(loaded) is self.model_class and not loaded.training
            assert torch.equal(loaded(batch, attention_mask=mask)[0], expected)

    def test_auto_classes_know_the_model(self, tmp_path):
        model = self.make_model(hidden_size=3)
        model.save_pretrained(tmp_path)
        config = AutoConfig.from_pretrained(tmp_path)
        assert type(config) is RecurrentConfig and config.hidden_size == 3
        assert type(self.auto_class.from_config(config)) is self.model_class
        assert type(AutoModel.from_pretrained(tmp_path)) is RecurrentModel

    def test_backbone_and_head_load_from_each_other(self, tmp_path):
        model = self.make_model()
        model.save_pretrained(tmp_path / "model")
        backbone = RecurrentModel.from_pretrained(tmp_path / "model")
        assert_all_close(backbone.state_dict(), model.base_model.state_dict(), 0)
        backbone.save_pretrained(tmp_path / "backbone")
        again = self.model_class.from_pretrained(tmp_path / "backbone")
        assert_all_close(again.base_model.state_dict(), backbone.state_dict(), 0)
        for pattern in self.head_weights.values():
            assert_initial_values(again, pattern)

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_missing_weights_are_initialised_correctly(self, cell_type, tmp_path):
        """from_pretrained creates models on the meta device, so missing weights are uninitialised memory first."""
        model = self.make_model(cell_type=cell_type)
        for parameter in model.parameters():
            nn.init.constant_(parameter, 0.25)
        model.save_pretrained(tmp_path)
        saved = load_file(tmp_path / "model.safetensors")
        layers = r"encoder\.layers\..*"
        groups = {"weights": f"{layers}weight", "biases": f"{layers}bias"}
        if None in self.feature_sizes:
            groups["embeddings"] = "embed_tokens"
        for pattern in (groups | self.head_weights).values():
            kept = {name: value for name, value in saved.items() if not re.search(pattern, name)}
            assert 0 < len(kept) < len(saved)
            save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
            loaded = self.model_class.from_pretrained(tmp_path)
            assert_initial_values(loaded, pattern)
            assert all(torch.equal(loaded.state_dict()[name], value) for name, value in kept.items())

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_new_model_is_initialised_correctly(self, cell_type):
        assert_initial_values(self.make_model(cell_type=cell_type, forget_gate_bias=0.5), "")

    def test_forward_needs_exactly_one_input(self):
        model = self.make_model()
        ids = torch.ones(2, 3, dtype=torch.long)
        embeds = torch.zeros(2, 3, SMALL["embedding_size"])
        kinds = "give exactly one of input_ids, inputs_embeds, input_features; got "
        with pytest.raises(ValueError, match=f"^{kinds}none$"):
            model()
        with pytest.raises(ValueError, match=f"^{kinds}input_ids and inputs_embeds$"):
            model(ids, inputs_embeds=embeds)
        with pytest.raises(ValueError, match=r"attention_mask has shape \(2, 4\), the inputs .* have \(2, 3\)"):
            model(ids, attention_mask=torch.ones(2, 4))
        embedded = model(inputs_embeds=model.get_input_embeddings()(ids))[0]
        assert torch.equal(embedded, model(ids, token_type_ids=torch.ones_like(ids))[0])

    def test_forward_rejects_inputs_of_the_other_kind(self):
        if self.feature_sizes == (None,):
            pytest.skip("it reads tokens only")
        with pytest.raises(ValueError, match="input_features were given to a model of tokens"):
            self.make_model()(input_features=torch.zeros(2, 3, 2))
        with pytest.raises(ValueError, match="input_ids were given to a model of numeric series"):
            self.make_model(input_features=2)(torch.ones(2, 3, dtype=torch.long))

    def test_hidden_states_and_tuples(self):
        model = self.make_model()
        batch, mask = pad_rows(make_rows(), "right")
        outputs = model(batch, attention_mask=mask, output_hidden_states=True)
        sizes = [SMALL["embedding_size"], model.config.output_size, model.config.output_size]
        assert [tuple(hidden.shape) for hidden in outputs.hidden_states] == [(*batch.shape, size) for size in sizes]
        assert model(batch, attention_mask=mask).hidden_states is None
        plain = model(batch, attention_mask=mask, output_hidden_states=True, return_dict=False)
        assert isinstance(plain, tuple) and torch.equal(plain[0], outputs[0])
        assert all(torch.equal(one, other) for one, other in zip(plain[-1], outputs.hidden_states, strict=True))

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_bfloat16_autocast(self, cell_type):
        model = self.make_model(cell_type=cell_type)
        batch, mask = pad_rows([*make_rows(), torch.empty(0, dtype=torch.long)], "left")
        expected = scalar(self.outputs_of_rows(model(batch, attention_mask=mask), mask))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = scalar(self.outputs_of_rows(model(batch, attention_mask=mask), mask))
        torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=0.02)
        assert all(gradient.isfinite().all() for gradient in gradients(model, found).values())


class RecurrentHeadTests(RecurrentModelTests):
    """Tests of a model with a loss."""

    problem_types: ClassVar[tuple[str, ...]]

    def make_labels(self, problem_type: str, attention_mask: Tensor) -> Tensor:
        """Labels of a batch with this mask; -100 without a label.

        They depend on the row and on the index of the real token, but not on the padding.
        """
        raise NotImplementedError

    def make_batch(self, model: Any) -> dict[str, Tensor]:
        """A ragged batch with labels of the first problem type, as arguments of `forward`."""
        inputs = self.make_inputs(model)
        return inputs | {"labels": self.make_labels(self.problem_types[0], inputs["attention_mask"])}

    def count_items(self, labels: Tensor) -> Tensor:
        """Divisor of the loss of a batch with these labels."""
        return labels.ne(-100).sum()

    def pytest_generate_tests(self, metafunc):
        super().pytest_generate_tests(metafunc)
        if "problem_type" in metafunc.fixturenames:
            metafunc.parametrize("problem_type", self.problem_types)

    def test_loss_does_not_depend_on_the_split_of_a_batch(self, problem_type):
        model = self.make_model(problem_type=problem_type)
        batch, mask = pad_rows(make_rows(), "mixed")
        labels = self.make_labels(problem_type, mask)
        whole = model(batch, attention_mask=mask, labels=labels).loss
        items = self.count_items(labels)
        losses = [
            model(batch[part], attention_mask=mask[part], labels=labels[part], num_items_in_batch=items).loss
            for part in (slice(0, 5), slice(5, None))
        ]
        torch.testing.assert_close(sum(losses), whole)
        assert_all_close(gradients(model, sum(losses)), gradients(model, whole), 1e-5)

    def test_padding_does_not_change_the_loss(self, problem_type):
        model = self.make_model(problem_type=problem_type).double()
        losses, found = [], []
        for side, extra in (("right", 0), ("left", 2), ("mixed", 3)):
            batch, mask = pad_rows(make_rows(), side, extra)
            losses.append(model(batch, attention_mask=mask, labels=self.make_labels(problem_type, mask)).loss)
            found.append(gradients(model, losses[-1]))
        assert losses[0] > 0
        for loss, gradient in zip(losses[1:], found[1:], strict=True):
            # The loss may be computed in float32.
            torch.testing.assert_close(loss, losses[0], rtol=1e-6, atol=1e-6)
            assert_all_close(gradient, found[0], 1e-6)

    def test_trainer_accumulates_the_loss_of_the_whole_batch(self, problem_type, tmp_path):
        model = self.make_model(problem_type=problem_type)
        batch, mask = pad_rows(make_rows(), "right", 2)
        labels = self.make_labels(problem_type, mask)
        whole = model(batch, attention_mask=mask, labels=labels).loss
        trainer = Trainer(model, TrainingArguments(tmp_path, use_cpu=True, report_to="none"))
        steps = [
            {model.main_input_name: batch[part], "attention_mask": mask[part], "labels": labels[part]}
            for part in (slice(0, 4), slice(4, None))
        ]
        samples, items = trainer.get_batch_samples(iter(steps), 2, torch.device("cpu"))
        losses = [trainer.compute_loss(model, sample, num_items_in_batch=items) for sample in samples]
        torch.testing.assert_close(sum(losses), whole)
        assert_all_close(gradients(model, sum(losses)), gradients(model, whole), 1e-5)

    def test_forward_has_no_loss_without_labels(self, problem_type):
        model = self.make_model(problem_type=problem_type)
        batch, mask = pad_rows(make_rows(), "right")
        outputs = model(batch, attention_mask=mask)
        assert outputs.loss is None
        labelled = model(batch, attention_mask=mask, labels=self.make_labels(problem_type, mask), return_dict=False)
        assert labelled[0].dim() == 0 and torch.equal(labelled[1], outputs.logits)

    def test_trainer_finds_the_labels(self):
        # Trainer uses the name of the class and the signature of forward, which a decorator can hide.
        assert find_labels(self.model_class) == ["labels"]
        assert self.model_class.accepts_loss_kwargs
