"""The conditional random field, compared with an enumeration of all paths."""

import itertools

import pytest
import torch
from ragged import gradients

from hfseq.models.recurrent.crf import LinearChainCRF
from hfseq.models.recurrent.tag_schemes import forbidden_transitions

TAGS = ("O", "B-X", "I-X", "B-Y", "I-Y")
# Rows with one tag, without tags, with gaps, and with padding on both sides.
MASK = torch.tensor([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 1, 0, 1, 1], [1, 0, 0, 1, 0]])
LEGAL = ((0, 3, 4), (), (1,), (1, 2, 2, 0), (3, 0))
# The second row begins within an entity. The third has a transition from one entity into another.
BROKEN = ((0, 3, 4), (), (2,), (1, 4, 4, 0), (3, 0))

both = pytest.mark.parametrize("constraints", [None, "bio"])


def make_crf(constraints=None):
    crf = LinearChainCRF(TAGS, constraints).double()
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random, dtype=torch.double))
    return crf


def make_emissions(requires_grad=False):
    random = torch.Generator().manual_seed(2)
    emissions = torch.randn(*MASK.shape, len(TAGS), generator=random, dtype=torch.double)
    # Values outside the mask are ignored.
    return emissions.masked_fill(MASK.unsqueeze(2) == 0, torch.nan).requires_grad_(requires_grad)


def make_tags(rows):
    tags = torch.full(MASK.shape, -100)
    for number, row in enumerate(rows):
        tags[number, MASK[number].bool()] = torch.tensor(row, dtype=torch.long)
    return tags


def is_allowed(path):
    previous = "O"
    for number in path:
        tag = TAGS[number]
        if tag.startswith("I-") and previous[1:] != tag[1:]:
            return False
        previous = tag
    return True


def path_score(crf, emissions, path):
    score = crf.start[path[0]] + crf.end[path[-1]]
    score = score + sum(step[tag] for step, tag in zip(emissions, path, strict=True))
    return score + sum(crf.transitions[pair] for pair in itertools.pairwise(path))


def all_paths(crf, emissions, constrained):
    paths = [p for p in itertools.product(range(len(TAGS)), repeat=len(emissions)) if not constrained or is_allowed(p)]
    return paths, torch.stack([path_score(crf, emissions, path) for path in paths])


@both
@pytest.mark.parametrize("tags", [LEGAL, BROKEN], ids=["legal", "broken"])
def test_likelihood_and_gradients_equal_those_of_all_paths(constraints, tags):
    crf, emissions = make_crf(constraints), make_emissions(requires_grad=True)
    expected = []
    for row, mask, path in zip(emissions, MASK.bool(), tags, strict=True):
        if not path:
            expected.append(torch.zeros((), dtype=torch.double))
            continue
        # No constraints apply to a row that violates them itself.
        _, scores = all_paths(crf, row[mask], constraints is not None and is_allowed(path))
        expected.append(scores.logsumexp(0) - path_score(crf, row[mask], path))
    expected = torch.stack(expected)
    found = crf(emissions, make_tags(tags), MASK)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert (found >= 0).all()
    weights = torch.arange(1.0, 6.0, dtype=torch.double)
    wanted = [emissions, *crf.parameters()]
    one, other = (torch.autograd.grad(loss @ weights, wanted) for loss in (found, expected))
    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@both
def test_decoding_finds_the_best_path(constraints):
    crf, emissions = make_crf(constraints), make_emissions()
    found = crf.decode(emissions, MASK)
    assert torch.equal(found == -100, MASK == 0)
    broken = 0
    for row, mask, tags in zip(emissions, MASK.bool(), found, strict=True):
        if mask.any():
            paths, scores = all_paths(crf, row[mask], constraints is not None)
            assert tuple(tags[mask].tolist()) == paths[scores.argmax()]
            broken += not is_allowed(tags[mask].tolist())
    # Otherwise the constraints would have no effect in this test.
    assert (broken > 0) == (constraints is None)


@both
def test_untrained_crf_is_a_softmax_at_each_position(constraints):
    crf, emissions = LinearChainCRF(TAGS).double(), make_emissions()
    expected = torch.nn.functional.cross_entropy(emissions.transpose(1, 2), make_tags(LEGAL), reduction="none")
    torch.testing.assert_close(crf(emissions, make_tags(LEGAL), MASK), expected.nansum(1))


def test_loss_is_zero_without_tags():
    crf, emissions = make_crf("bio"), make_emissions()
    nothing = torch.zeros_like(MASK)
    loss = crf(emissions, make_tags(LEGAL), nothing)
    assert loss.tolist() == [0] * len(MASK)
    assert not any(gradient.any() for gradient in gradients(crf, loss.sum()).values())
    assert (crf.decode(emissions, nothing) == -100).all()


def test_sums_are_in_single_precision_or_higher():
    crf = LinearChainCRF(TAGS)
    long = torch.ones(1, 3000, dtype=torch.long)
    emissions = torch.full((1, 3000, len(TAGS)), 1.0, dtype=torch.bfloat16)
    loss = crf(emissions, long, long)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(3000 * torch.tensor(5.0).log().item(), rel=1e-3)


def test_bioes_rules_are_enforced():
    tags = ["O", "S-X", "B-X", "I-X", "E-X", "B-Y", "E-Y", "NOUN"]
    between, begin, end = forbidden_transitions(tags, "bioes")
    allowed = {
        (before, after)
        for (i, before), (j, after) in itertools.product(enumerate(tags), repeat=2)
        if not between[i, j]
    }
    free = {"O", "S-X", "B-X", "B-Y", "NOUN"}
    closed = {"O", "S-X", "E-X", "E-Y", "NOUN"}
    spans = {("B-X", "I-X"), ("B-X", "E-X"), ("I-X", "I-X"), ("I-X", "E-X"), ("B-Y", "E-Y")}
    assert allowed == set(itertools.product(closed, free)) | spans
    assert [tag for tag, no in zip(tags, begin, strict=True) if no] == ["I-X", "E-X", "E-Y"]
    assert [tag for tag, no in zip(tags, end, strict=True) if no] == ["B-X", "I-X", "B-Y"]


def test_parts_of_speech_have_no_constraints():
    assert not any(rule.any() for rule in forbidden_transitions(["NOUN", "INTJ", "E-mail", "", "B-X"], "bio"))


@pytest.mark.parametrize(
    ("scheme", "tags", "message"),
    [
        (
            "bio",
            ["O", "B-X", "I-Y"],
            "the labels have 'I-Y' but no 'B-Y', so they are not in the BIO scheme: ",
        ),
        ("bioes", ["O", "B", "I"], "the labels have 'B' but no 'E', so they are not in the BIOES scheme"),
        ("bio", ["LABEL_0", "LABEL_1"], "no label begins a span, .* not in the BIO scheme: 'LABEL_0', 'LABEL_1'"),
        ("bio", ["O", "B-X", "I-X", "E-X"], "have 'E-X' and 'B-X', .* set crf_constraints to 'bioes'"),
        ("bio", ["O", "B", "S"], "have 'S' and 'B', so they are in the BIOES scheme"),
    ],
)
def test_crf_rejects_tags_of_another_scheme(scheme, tags, message):
    with pytest.raises(ValueError, match=message):
        LinearChainCRF(tags, scheme)
