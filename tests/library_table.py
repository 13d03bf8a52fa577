"""The methods of transformers and evaluate that hfseq overrides, and the private names of libraries that it uses.

Only a few of them are documented for this use, so any release of these libraries may change them. The tables say what
hfseq was written against; `test_library_table.py` compares them with the installed versions. When a test fails after
an upgrade, read the new code of the library, adapt the override in hfseq, and then the entry here.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Override:
    """A method or a private attribute of a library that a class of hfseq defines again.

    Attributes:
        signature (`str`, *optional*): the parameters and their defaults; `None` for attributes and properties.
        reason (`str`): why hfseq overrides it.
        calls (`dict[str, list[str]]`): the functions of the same module of the library that call a private method, and
            the calls in them, as `ast.unparse` writes them. Public methods have calls where hfseq relies on them.
    """

    signature: str | None
    reason: str
    calls: dict[str, list[str]] = field(default_factory=dict)


_CALLBACK = "(self, args, state, control, **kwargs)"
_REMOTE_CODE = "a saved folder carries the code of the class, which this Auto class loads"
_CONSTRUCTOR = "the constructor has arguments of its own and passes the others on"

OVERRIDES: dict[str, Override] = {
    # The Trainer: data and sampling.
    "Trainer.__init__": Override(
        "(self, model=None, args=None, data_collator=None, train_dataset=None, eval_dataset=None, "
        "processing_class=None, model_init=None, compute_loss_func=None, compute_metrics=None, callbacks=None, "
        "optimizers=(None, None), optimizer_cls_and_kwargs=None, preprocess_logits_for_metrics=None)",
        "the task gives the loss, the metrics and the collator",
    ),
    "Trainer._get_dataloader": Override(
        "(self, dataset, description, batch_size, sampler_fn=None, is_training=False, dataloader_key=None)",
        "batches are cut from a sequence store; only training may drop the last batch",
        {
            "Trainer.get_train_dataloader": [
                "self._get_dataloader(dataset=self.train_dataset, description='Training', "
                "batch_size=self._train_batch_size, sampler_fn=self._get_train_sampler, is_training=True)"
            ],
            "Trainer.get_eval_dataloader": [
                "self._get_dataloader(dataset=eval_dataset, description='Evaluation', "
                "batch_size=self.args.eval_batch_size, sampler_fn=self._get_eval_sampler, "
                "dataloader_key=dataloader_key)"
            ],
            "Trainer.get_test_dataloader": [
                "self._get_dataloader(dataset=test_dataset, description='test', "
                "batch_size=self.args.eval_batch_size, sampler_fn=self._get_eval_sampler)"
            ],
        },
    ),
    "Trainer._get_collator_with_removed_columns": Override(
        "(self, data_collator, description=None)",
        "a sequence store gives finished batches, which the collator must not collate again",
        {
            "Trainer._get_dataloader": [
                "self._get_collator_with_removed_columns(self.data_collator, description=description)"
            ]
        },
    ),
    "Trainer._set_signature_columns_if_needed": Override(
        "(self)",
        "the task reads columns that the model does not",
        {
            "Trainer._remove_unused_columns": ["self._set_signature_columns_if_needed()"],
            "Trainer._get_collator_with_removed_columns": ["self._set_signature_columns_if_needed()"],
        },
    ),
    "Trainer._remove_unused_columns": Override(
        "(self, dataset, description=None)",
        "the transform of a data set makes the columns that the model reads from others",
        {"Trainer._get_dataloader": ["self._remove_unused_columns(dataset, description=description)"]},
    ),
    "Trainer._get_train_sampler": Override(
        "(self, train_dataset=None)",
        "batches hold sequences of similar length, in an order that depends on seed and epoch only",
        {"Trainer.get_train_dataloader": ["sampler_fn=self._get_train_sampler"]},
    ),
    "Trainer._get_eval_sampler": Override(
        "(self, eval_dataset)",
        "evaluation goes from long to short sequences; `predict` restores the order of the data set",
        {
            "Trainer.get_eval_dataloader": ["sampler_fn=self._get_eval_sampler"],
            "Trainer.get_test_dataloader": ["sampler_fn=self._get_eval_sampler"],
        },
    ),
    # The Trainer: loss and optimizer.
    "Trainer.compute_loss": Override(
        "(self, model, inputs, return_outputs=False, num_items_in_batch=None)",
        "all models of a task are trained with the loss of the task",
        {
            "Trainer.training_step": ["self.compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)"],
            "Trainer.prediction_step": [
                "self.compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)"
            ],
        },
    ),
    "Trainer._get_num_items_in_batch": Override(
        "(self, batch_samples, device)",
        "the task counts the items that its loss is the mean of",
        {
            "Trainer.get_batch_samples": ["self._get_num_items_in_batch(batch_samples, device)"],
            "Trainer.prediction_step": ["self._get_num_items_in_batch([inputs], self.args.device)"],
        },
    ),
    "Trainer.get_optimizer_cls_and_kwargs": Override(
        "(args, model=None)",
        "LazyAdamW replaces AdamW where it gives the same result",
        {"Trainer.create_optimizer": ["self.get_optimizer_cls_and_kwargs(self.args, opt_model)"]},
    ),
    "Trainer.create_optimizer": Override(
        "(self, model=None)",
        "LazyAdamW makes the embeddings lazy again at the beginning of each training",
        {
            "Trainer.create_optimizer_and_scheduler": ["self.create_optimizer()"],
            "Trainer._prepare_for_training": ["self.create_optimizer()", "self.create_optimizer(model)"],
        },
    ),
    "Trainer._clip_grad_norm": Override(
        "(self, model)",
        "the norm of sparse gradients is computed as that of dense ones",
        {"Trainer._run_epoch": ["self._clip_grad_norm(model)"]},
    ),
    "Trainer._get_grad_norm": Override(
        "(self, model, grad_norm=None)",
        "the norm of sparse gradients is computed as that of dense ones",
        {"Trainer._run_epoch": ["self._get_grad_norm(model, grad_norm=grad_norm)"]},
    ),
    # The Trainer: evaluation.
    "Trainer.evaluate": Override(
        "(self, eval_dataset=None, ignore_keys=None, metric_key_prefix='eval')",
        "an undefined metric counts as the worst value when it chooses the checkpoint",
        {
            "Trainer.evaluate": [
                "self.evaluate(eval_dataset=_eval_dataset if override else eval_dataset_name, "
                "ignore_keys=ignore_keys, metric_key_prefix=f'{metric_key_prefix}_{eval_dataset_name}')"
            ],
            "Trainer._evaluate": ["self.evaluate(ignore_keys=ignore_keys_for_eval)"],
        },
    ),
    "Trainer.evaluation_loop": Override(
        "(self, dataloader, description, prediction_loss_only=None, ignore_keys=None, metric_key_prefix='eval')",
        "the loss is the mean over all items, not over batches",
        {
            "Trainer.evaluate": [
                "self.evaluation_loop(eval_dataloader, description='Evaluation', prediction_loss_only=True if "
                "self.compute_metrics is None else None, ignore_keys=ignore_keys, "
                "metric_key_prefix=metric_key_prefix)"
            ],
            "Trainer.predict": [
                "self.evaluation_loop(test_dataloader, description='Prediction', ignore_keys=ignore_keys, "
                "metric_key_prefix=metric_key_prefix)"
            ],
        },
    ),
    "Trainer.prediction_step": Override(
        "(self, model, inputs, prediction_loss_only, ignore_keys=None)",
        "the task chooses what an evaluation keeps of the outputs",
        {
            "Trainer.evaluation_loop": [
                "self.prediction_step(model, inputs, prediction_loss_only, ignore_keys=ignore_keys)"
            ]
        },
    ),
    "Trainer.predict": Override(
        "(self, test_dataset, ignore_keys=None, metric_key_prefix='test')",
        "the rows are returned in the order of the data set",
    ),
    # The Trainer: training, checkpoints and the Hub.
    "Trainer.train": Override(
        "(self, resume_from_checkpoint=None, trial=None, ignore_keys_for_eval=None)",
        "the keeper of the checkpoints, not Trainer, deletes old ones; LazyAdamW releases the embeddings at the end",
    ),
    "Trainer._save_checkpoint": Override(
        "(self, model, trial)",
        "a checkpoint gets a manifest when it is complete",
        {"Trainer._maybe_log_save_evaluate": ["self._save_checkpoint(model, trial)"]},
    ),
    "Trainer.save_model": Override(
        "(self, output_dir=None, _internal_call=False)",
        "lazy embeddings are brought up to date before they are saved",
        {
            "Trainer._save_checkpoint": ["self.save_model(output_dir, _internal_call=True)"],
            "Trainer.push_to_hub": ["self.save_model(_internal_call=True)"],
            "Trainer._tune_save_checkpoint": ["self.save_model(output_dir, _internal_call=True)"],
        },
    ),
    "Trainer._save": Override(
        "(self, output_dir=None, state_dict=None)",
        "tokens and absolute paths are left out of training_args.bin",
        {
            "Trainer.save_model": [
                "self._save(output_dir, state_dict=state_dict)",
                "self._save(output_dir, state_dict=state_dict)",
                "self._save(output_dir)",
                "self._save(output_dir, state_dict=state_dict)",
                "self._save(output_dir, state_dict={})",
            ]
        },
    ),
    "Trainer._load_best_model": Override(
        "(self)",
        "transformers saves some architectures with other names of weights than the model has in memory",
        {"Trainer._finalize_training": ["self._load_best_model()"]},
    ),
    "Trainer._load_from_checkpoint": Override(
        "(self, resume_from_checkpoint, model=None)",
        "transformers saves some architectures with other names of weights than the model has in memory",
        {
            "Trainer.train": ["self._load_from_checkpoint(resume_from_checkpoint)"],
            "Trainer._prepare_for_training": [
                "self._load_from_checkpoint(resume_from_checkpoint, self.model_wrapped)"
            ],
        },
    ),
    "Trainer._issue_warnings_after_load": Override(
        "(self, load_result)",
        "tied weights are not missing; weights with other names are loaded afterwards",
        {
            "Trainer._load_from_checkpoint": ["self._issue_warnings_after_load(load_result)"] * 2,
            "Trainer._load_best_model": ["self._issue_warnings_after_load(load_result)"] * 2,
        },
    ),
    "Trainer._push_from_checkpoint": Override(
        "(self, checkpoint_folder)",
        "only the files of the model are pushed, not the whole output folder",
        {"Trainer._save_checkpoint": ["self._push_from_checkpoint(output_dir)"]},
    ),
    "Trainer.push_to_hub": Override(
        "(self, commit_message='End of training', blocking=True, token=None, revision=None, private=None, **kwargs)",
        "only the files of the model are pushed, not the whole output folder",
        {"Trainer.save_model": ["self.push_to_hub(commit_message='Model save', revision=self.args.hub_revision)"]},
    ),
    "Trainer.create_model_card": Override(
        "(self, language=None, license=None, tags=None, model_name=None, finetuned_from=None, tasks=None, "
        "dataset_tags=None, dataset=None, dataset_args=None)",
        "the model card is written from the record of the run",
        {"Trainer.push_to_hub": ["self.create_model_card(model_name=model_name, **kwargs)"]},
    ),
    # Arguments and callbacks of the Trainer.
    "TrainingArguments.__post_init__": Override("(self)", "settings that hfseq does not support are refused"),
    "ExportableState.state": Override("(self)", "a checkpoint stores the seconds of training"),
    "EarlyStoppingCallback.check_metric_value": Override(
        "(self, args, state, control, metric_value)",
        "evaluations before the first success do not count",
        {"EarlyStoppingCallback.on_evaluate": ["self.check_metric_value(args, state, control, metric_value)"]},
    ),
    "ProgressCallback.__init__": Override("(self, max_str_len=100)", _CONSTRUCTOR),
    "ProgressCallback.on_train_begin": Override(_CALLBACK, "the progress bar shows the name of the run"),
    "ProgressCallback.on_log": Override(
        "(self, args, state, control, logs=None, **kwargs)", "the newest values are shown beside the progress bar"
    ),
    "ProgressCallback.on_prediction_step": Override(
        "(self, args, state, control, eval_dataloader=None, **kwargs)",
        "evaluations during the training have no progress bar",
    ),
    "TrackioCallback.on_train_end": Override(
        "(self, args, state, control, model=None, processing_class=None, **kwargs)",
        "the metrics of the test split belong to the same trackio run",
    ),
    "TrainerCallback.on_train_begin": Override(_CALLBACK, "the names of the checkpoints must be free"),
    "TrainerCallback.on_epoch_begin": Override(_CALLBACK, "measures the seconds of training"),
    "TrainerCallback.on_epoch_end": Override(_CALLBACK, "measures the seconds of training"),
    "TrainerCallback.on_step_begin": Override(_CALLBACK, "measures the seconds of training"),
    "TrainerCallback.on_step_end": Override(_CALLBACK, "measures the seconds of training"),
    "TrainerCallback.on_evaluate": Override(_CALLBACK, "writes the best validation figure of a run so far"),
    "TrainerCallback.on_train_end": Override(_CALLBACK, "notes that the evaluation of a run has begun"),
    "TrainerCallback.on_log": Override(_CALLBACK, "prints one line per log where there is no progress bar"),
    # Models and their configurations.
    "PreTrainedConfig.__post_init__": Override("(self, **kwargs)", "fields that are derived from others"),
    "PreTrainedConfig.get_text_config": Override(
        "(self, decoder=None, encoder=None)", "generation and resizing read the vocabulary of the decoder"
    ),
    "PreTrainedConfig._auto_class": Override(None, _REMOTE_CODE),
    "PreTrainedModel.__init__": Override("(self, config, *inputs, **kwargs)", _CONSTRUCTOR),
    "PreTrainedModel.__init_subclass__": Override("(cls, **kwargs)", _REMOTE_CODE),
    "PreTrainedModel.save_pretrained": Override(
        "(self, save_directory, is_main_process=True, state_dict=None, push_to_hub=False, max_shard_size='50GB', "
        "variant=None, token=None, save_peft_format=True, save_original_format=True, distributed_checkpoint=False, "
        "**kwargs)",
        "the configuration names the files with the code of the model",
    ),
    "PreTrainedModel._init_weights": Override(
        "(self, module)",
        "recurrent layers have orthogonal weights, a CRF has its own initial values",
        {
            "PreTrainedModel._initialize_weights": ["self._init_weights(module)"],
            "PreTrainedModel._get_resized_embeddings": ["self._init_weights(new_embeddings)"],
            "PreTrainedModel._get_resized_lm_head": ["self._init_weights(new_lm_head)"],
        },
    ),
    "PreTrainedModel._auto_class": Override(None, _REMOTE_CODE),
    "PreTrainedModel._is_stateful": Override(None, "generate() must not go back to an earlier state"),
    "PreTrainedModel._no_split_modules": Override(None, "accelerate must not divide a recurrent stack among devices"),
    "PreTrainedModel._supports_flash_attn": Override(None, "the encoder decides, not the recurrent decoder"),
    "PreTrainedModel._supports_sdpa": Override(None, "the encoder decides, not the recurrent decoder"),
    "PreTrainedModel._tied_weights_keys": Override(None, "output and input embeddings can share their weights"),
    "ModuleUtilsMixin.dtype": Override(None, "the data type of a model whose first parameter is not a float"),
    "EmbeddingAccessMixin.get_input_embeddings": Override("(self)", "the embeddings are not where transformers looks"),
    "EmbeddingAccessMixin.set_input_embeddings": Override(
        "(self, value)", "the embeddings are not where transformers looks"
    ),
    "EmbeddingAccessMixin.get_output_embeddings": Override("(self)", "the decoder has the output embeddings"),
    "EmbeddingAccessMixin.set_output_embeddings": Override(
        "(self, new_embeddings)", "the decoder has the output embeddings"
    ),
    # Generation.
    "GenerationMixin.generate": Override(
        "(self, inputs=None, generation_config=None, logits_processor=None, stopping_criteria=None, "
        "prefix_allowed_tokens_fn=None, synced_gpus=None, assistant_model=None, streamer=None, "
        "negative_prompt_ids=None, negative_prompt_attention_mask=None, custom_generate=None, **kwargs)",
        "the compiled kernel looks for changed weights once per call",
    ),
    "GenerationMixin.prepare_inputs_for_generation": Override(
        "(self, input_ids, next_sequence_length=None, past_key_values=None, attention_mask=None, inputs_embeds=None, "
        "is_first_iteration=False, **kwargs)",
        "after the first step, a recurrent model reads the newest token and its state",
    ),
    "GenerationMixin._supports_default_dynamic_cache": Override(
        "(cls)",
        "the state is an object of hfseq, not a cache of keys and values",
        {"GenerationMixin._prepare_cache_for_generation": ["self._supports_default_dynamic_cache()"] * 2},
    ),
    # Processors.
    "PreTrainedTokenizerBase.vocab_size": Override(None, "the number of k-mers"),
    "PreTrainedTokenizerBase.get_vocab": Override("(self)", "the vocabulary is computed, not stored"),
    "PreTrainedTokenizerBase._auto_class": Override(None, _REMOTE_CODE),
    "PythonBackend.__init__": Override("(self, **kwargs)", _CONSTRUCTOR),
    "PythonBackend.save_vocabulary": Override(
        "(self, save_directory, filename_prefix=None)", "the vocabulary is computed, not stored"
    ),
    "PythonBackend.convert_tokens_to_string": Override("(self, tokens)", "k-mers overlap"),
    "PythonBackend._tokenize": Override(
        "(self, text, **kwargs)",
        "a sequence is divided into k-mers",
        {"PythonBackend.tokenize": ["self._tokenize(text)", "self._tokenize(token)"]},
    ),
    "PythonBackend._convert_token_to_id": Override(
        "(self, token)",
        "the vocabulary is computed, not stored",
        {"PythonBackend._convert_token_to_id_with_added_voc": ["self._convert_token_to_id(token)"]},
    ),
    "PythonBackend._convert_id_to_token": Override(
        "(self, index)",
        "the vocabulary is computed, not stored",
        {
            "PythonBackend.convert_ids_to_tokens": [
                "self._convert_id_to_token(ids)",
                "self._convert_id_to_token(index)",
            ]
        },
    ),
    "FeatureExtractionMixin.to_dict": Override("(self)", "the settings name the class, which AutoProcessor looks for"),
    "PushToHubMixin.save_pretrained": Override("(self, *args, **kwargs)", "the code of a processor is saved with it"),
    "FeatureExtractionMixin._auto_class": Override(None, _REMOTE_CODE),
    "FeatureExtractionMixin.from_pretrained": Override(
        "(cls, pretrained_model_name_or_path, cache_dir=None, force_download=False, local_files_only=False, "
        "token=None, revision='main', **kwargs)",
        "invalid settings in a saved file get a clear error",
    ),
    "SequenceFeatureExtractor.__init__": Override(
        "(self, feature_size, sampling_rate, padding_value, **kwargs)", _CONSTRUCTOR
    ),
    "SequenceFeatureExtractor._pad": Override(
        "(self, processed_features, max_length=None, padding_strategy=<PaddingStrategy.DO_NOT_PAD: 'do_not_pad'>, "
        "pad_to_multiple_of=None, return_attention_mask=None)",
        "series with one channel keep the axis of the channels",
        {
            "SequenceFeatureExtractor.pad": [
                "self._pad(truncated_inputs[i], max_length=max_length, padding_strategy=padding_strategy, "
                "pad_to_multiple_of=pad_to_multiple_of, return_attention_mask=return_attention_mask)"
            ]
        },
    ),
    "ImageProcessingMixin._auto_class": Override(None, _REMOTE_CODE),
    "BaseImageProcessor.__init__": Override("(self, **kwargs)", _CONSTRUCTOR),
    "BaseImageProcessor.preprocess": Override(
        "(self, images, *args, image_like_kwargs=None, **kwargs)", "images are scaled with NumPy"
    ),
    "ProcessorMixin.__init__": Override("(self, *args, **kwargs)", _CONSTRUCTOR),
    "ProcessorMixin.__call__": Override(
        "(self, images=None, text=None, videos=None, audio=None, **kwargs)", "an image and the tokens of its caption"
    ),
    # Metrics.
    "EvaluationModule.__init__": Override(
        "(self, config_name=None, keep_in_memory=False, cache_dir=None, num_process=1, process_id=0, seed=None, "
        "experiment_id=None, hash=None, max_concurrent_cache_files=10000, timeout=100, **kwargs)",
        "rows stay in memory by default",
    ),
    "EvaluationModule._info": Override(
        "(self)", "description and types of the metric", {"EvaluationModule.__init__": ["self._info()"]}
    ),
    "EvaluationModule._compute": Override(
        "(self, *, predictions=None, references=None, **kwargs)",
        "computes the metric",
        {"EvaluationModule.compute": ["self._compute(**inputs, **compute_kwargs)"]},
    ),
    "EvaluationModule._build_data_dir": Override(
        "(self)",
        "no folder is made for rows that stay in memory",
        {"EvaluationModule.__init__": ["self._build_data_dir()"]},
    ),
    "EvaluationModule._finalize": Override(
        "(self)", "a metric without rows gets a clear error", {"EvaluationModule.compute": ["self._finalize()"]}
    ),
    "EvaluationModule._infer_feature_from_batch": Override(
        "(self, batch)",
        "empty columns get a clear error; texts have one or several references",
        {"EvaluationModule.add_batch": ["self._infer_feature_from_batch(batch)"]},
    ),
}

# Module and function of a library -> a piece of its code, as `ast.unparse` writes it, and what hfseq relies on it for.
RELIED_ON: dict[str, dict[str, str]] = {
    "transformers.trainer:Trainer.__init__": {
        "default_callbacks + callbacks": "callbacks of the user come after the default ones",
    },
    "transformers.trainer:Trainer._get_dataloader": {
        "isinstance(dataset, datasets.Dataset)": "a sequence store is none: its columns stay",
        "sampler_fn(dataset)": "the samplers get the sequence store",
        "dataloader_params['drop_last'] = self.args.dataloader_drop_last": "hfseq sets it to false for evaluations",
    },
    "transformers.trainer:Trainer._remove_unused_columns": {
        "signature_columns = self._signature_columns": "hfseq adds the columns that the task reads",
    },
    "transformers.trainer:Trainer._run_epoch": {
        "self.training_step(model, inputs, num_items_in_batch)": "the loss is divided by the items of the whole step",
    },
    "transformers.trainer:Trainer.training_step": {
        "loss_is_scaled_for_ga = self.loss_is_scaled_for_ga": "hfseq sets it: the task has divided the loss already",
    },
    "transformers.trainer:Trainer.evaluation_loop": {
        "if losses is not None": "prediction_step returns no loss while the model generates text",
        "if self.compute_metrics is not None and all_preds is not None": "hfseq sets it to None for generated text",
        "metrics[f'{metric_key_prefix}_loss'] = losses.mean().item()": "hfseq replaces this loss",
    },
    "transformers.trainer:Trainer._determine_best_metric": {
        "metrics[metric_to_check]": "hfseq adds the worst value where the metric is undefined",
    },
    "transformers.trainer:Trainer._save_checkpoint": {
        "save_total_limit=self.args.save_total_limit": "hfseq sets it to None, so that Trainer deletes nothing",
        "isinstance(cb, ExportableState)": "the clock of the training is stored in the checkpoint",
        "self.state.best_model_checkpoint = best_checkpoint_dir": "the keeper does not delete the best checkpoint",
    },
    "transformers.trainer:Trainer._finalize_training": {
        "self.args.save_total_limit == 1": "hfseq sets it to None, so that Trainer deletes nothing",
    },
    "transformers.trainer:Trainer._load_callback_state": {
        "type(callback)(**args)": "the clock of the training is made again from its state",
    },
    "transformers.trainer:Trainer._save": {
        "torch.save(self.args,": "hfseq removes tokens and absolute paths from the arguments before this line",
    },
    "transformers.trainer:Trainer._finish_current_push": {
        "self.push_in_progress.wait_until_done()": "hfseq appends its uploads to this object",
    },
    "transformers.utils.hub:cached_files": {
        "_raise_exceptions_for_gated_repo": "hfseq asks for a file that a repository may not have",
        "_raise_exceptions_for_missing_entries": "hfseq asks for a file that a repository may not have",
        "_raise_exceptions_for_connection_errors": "hfseq asks for a file that a repository may not have",
    },
}


@dataclass(frozen=True)
class Used:
    """A private name of a library that hfseq uses without overriding it.

    Attributes:
        owner (`str`, *optional*): module and class that have it; `None` where hfseq itself tests for it.
        reason (`str`): what hfseq uses it for.
        signature (`str`, *optional*): the parameters and their defaults, for functions written in Python.
    """

    owner: str | None
    reason: str
    signature: str | None = None


USED: dict[str, Used] = {
    "_prepare_inputs": Used("transformers:Trainer", "moves a batch to the device", "(self, inputs)"),
    "_finish_current_push": Used("transformers:Trainer", "waits for uploads of checkpoints", "(self)"),
    "_set_processor_class": Used(
        "transformers:PreTrainedTokenizerBase",
        "AutoProcessor finds the processor of a captioning model",
        "(self, processor_class)",
    ),
    "_exit": Used("os", "ends a run whose comparison was killed and that does not react to SIGTERM", "(status)"),
    "_actions": Used("argparse:ArgumentParser", "completes the flags of a parser in the shell"),
    "_fingerprint": Used("datasets:Dataset", "notices that a data set has another format"),
    "_indices": Used("datasets:Dataset", "reads columns of a selection without a copy"),
    "_data_dir_root": Used("evaluate:EvaluationModule", "names the folder of a metric without making it"),
    "_extract_corpus_statistics": Used(
        "sacrebleu.metrics:CHRF", "scores of single texts", "(self, hypotheses, references)"
    ),
    "_parameters": Used("torch.nn:Module", "reads the weights of a layer quickly"),
    "_forward_hooks": Used("torch.nn:Module", "a layer with hooks does not use the compiled kernel"),
    "_forward_pre_hooks": Used("torch.nn:Module", "a layer with hooks does not use the compiled kernel"),
    "_backward_hooks": Used("torch.nn:Module", "a layer with hooks does not use the compiled kernel"),
    "_backward_pre_hooks": Used("torch.nn:Module", "a layer with hooks does not use the compiled kernel"),
    "_C": Used("torch", "see _AutoDispatchBelowAutograd"),
    "_AutoDispatchBelowAutograd": Used("torch._C:", "calls the operator of the compiled kernel below autograd"),
    "_VF": Used("torch", "the functional form of nn.LSTM, which torch has no public name for"),
    "_is_avx512_bf16_supported": Used("torch.cpu:", "chooses the compiled kernel", "()"),
    "_linear_pointwise": Used(None, "the linear layer of oneDNN, used where torch has it"),
    "_reorder_linear_weight": Used(None, "the linear layer of oneDNN, used where torch has it"),
}
