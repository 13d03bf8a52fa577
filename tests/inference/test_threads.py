"""Threads that share one predictor get the results of a single thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from small import TINY

from hfseq.inference.predictor import Predictor
from hfseq.inference.torch_backend import TorchBackend
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.limits import LIMITS
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCausalLM, RecurrentForSequenceClassification
from hfseq.training.run import run_training

THREADS, ROUNDS = 8, 6
SOURCE = np.random.default_rng(0)
WORDS = ["the", "film", "was", "great", "dull", "sunny", "a", "day"]


def texts(count: int) -> list[str]:
    """From no words to three times as many as the model reads."""
    return [" ".join(SOURCE.choice(WORDS, SOURCE.integers(0, 48))) for _ in range(count)]


def save_classifier(folder, tokenizer) -> Predictor:
    torch.manual_seed(0)
    config = RecurrentConfig(vocab_size=len(tokenizer), embedding_size=8, hidden_size=8, pad_token_id=0)
    RecurrentForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Predictor.load(str(folder), device="cpu")


def in_threads(function, arguments):
    """Calls a function with each argument in several threads, which all begin at once."""
    barrier = threading.Barrier(THREADS)

    def work(number):
        barrier.wait()
        return [(index, function(arguments[index])) for index in range(number, len(arguments), THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(pair for pairs in pool.map(work, range(THREADS)) for pair in pairs)
    return [found[index] for index in range(len(arguments))]


def test_threads_predict_texts_and_pairs(tmp_path):
    """Pairs that are too long change the truncation of the tokenizer for a moment."""
    tokenizer = train_tokenizer("word", texts(50), vocab_size=100, model_max_length=16)
    predictor = save_classifier(tmp_path, tokenizer)
    requests = []
    for number in range(THREADS * ROUNDS):
        some = texts(int(SOURCE.integers(1, 20)))
        requests.append(list(zip(some, texts(len(some)), strict=True)) if number % 2 else some)
    alone = [predictor.logits(request, batch_size=4) for request in requests]
    together = in_threads(lambda request: predictor.logits(request, batch_size=4), requests)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_predict_dna(tmp_path):
    predictor = save_classifier(tmp_path, DNATokenizer(3, model_max_length=20))
    requests = [["".join(SOURCE.choice(list("ACGT"), SOURCE.integers(3, 90))) for _ in range(5)] for _ in range(32)]
    alone = [predictor.logits(request) for request in requests]
    for one, other in zip(alone, in_threads(predictor.logits, requests), strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_predict_series(tmp_path):
    values = SOURCE.normal(size=(30, 9, 2))
    run_training({**TINY, "max_steps": 2, "dataset": (values, ["a", "b"] * 15), "output_dir": str(tmp_path / "run")})
    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    requests = [[SOURCE.normal(size=(SOURCE.integers(1, 30), 2)) for _ in range(4)] for _ in range(32)]
    alone = [predictor(request) for request in requests]
    assert in_threads(predictor, requests) == alone


def test_threads_generate_and_predict(tmp_path):
    tokenizer = train_tokenizer("word", texts(50), vocab_size=100, add_cls=False)
    tokenizer.eos_token = tokenizer.sep_token
    config = RecurrentConfig(
        vocab_size=len(tokenizer), embedding_size=8, hidden_size=8, bidirectional=False, pad_token_id=0
    )
    torch.manual_seed(0)
    RecurrentForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    predictor = Predictor.load(str(tmp_path), device="cpu")
    state = torch.random.get_rng_state()

    def work(number):
        if number % 3 == 0:
            return predictor(texts_of[number])
        return predictor.generate(
            "the film", seed=number % 4, max_new_tokens=int(number % 7) + 1, num_beams=1 + number % 2
        )

    texts_of = {number: texts(3) for number in range(0, 48, 3)}
    alone = [work(number) for number in range(48)]
    assert in_threads(work, range(48)) == alone
    assert len({str(found) for found in alone}) > 10
    # Sampling does not change the random numbers of the program.
    assert torch.equal(torch.random.get_rng_state(), state)


def test_threads_evaluate(tmp_path):
    """An evaluation keeps the references of its data in the task."""
    rows = [
        {"source": text, "target": text[::-1]} for text in ("ab", "ba", "aab", "abb", "bba", "aaa", "bbb", "b")
    ] * 3
    settings = {**TINY, "task": "sequence_to_sequence", "model": "gru", "max_steps": 2, "dataset": rows,
                "max_target_length": 6, "output_dir": str(tmp_path / "run")}  # fmt: skip
    run_training(settings)
    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    data = [rows[:3], rows[3:6], rows[5:7]]
    alone = [predictor.evaluate(part) for part in data]
    assert alone[0] != alone[1]
    assert in_threads(predictor.evaluate, data * 4) == alone * 4


def test_limits_of_one_thread_do_not_change_another():
    LIMITS.media_values, default = 5, LIMITS.media_values
    try:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: LIMITS.media_values).result() == default
        assert LIMITS.media_values == 5
    finally:
        LIMITS.media_values = default


def test_the_model_of_a_backend_runs_in_several_threads_at_once(tmp_path):
    """Only the processor is used by one thread at a time."""
    predictor = save_classifier(tmp_path, train_tokenizer("word", texts(50), vocab_size=100))
    inside = threading.Barrier(2, timeout=30)
    real = predictor.backend.run

    def run(batch):
        inside.wait()
        return real(batch)

    assert isinstance(predictor.backend, TorchBackend)
    predictor.backend.run = run
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(predictor, [["a"], ["b"]]))) == 2
