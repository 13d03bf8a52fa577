from huggingface_hub.dataclasses import strict

from hfseq import RecurrentConfig


@strict
class ReviewsConfig(RecurrentConfig):
    model_type = "own_reviews"

    temperature: float = 2.0
