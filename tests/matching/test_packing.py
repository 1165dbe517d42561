"""Signatures are kept as bytes, and come back as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import features
from market.matching.features import Reading
from market.matching.signatures import (
    DIGEST,
    FORMAT,
    Indicator,
    Particulars,
    Signature,
    digest,
    pack,
    pack_vectors,
    plain,
    protecting,
    signature_of,
    split,
    unpack,
    unpack_bags,
    unpack_vectors,
    words_of,
)
from market.matching.sparse import Bags
from tests.matching.makers import (
    bags_of,
    demands,
    experts,
    few,
    listings,
    offers,
    outcomes,
    speaking_of,
    unit_vectors,
)


def again(signature: Signature) -> Signature:
    """Kept and read, as a database does it."""
    vectors = None if signature.vectors is None else pack_vectors(signature.vectors)
    return unpack(pack(signature), digests=b"".join(signature.digests), vectors=vectors, model=signature.model)


def assert_same_bags(one: Bags, other: Bags) -> None:
    assert one.keys.tolist() == other.keys.tolist()
    assert one.counts.tolist() == other.counts.tolist()
    assert one.starts.tolist() == other.starts.tolist()


def assert_comes_back(signature: Signature) -> None:
    found = again(signature)
    assert found.particulars == signature.particulars
    assert_same_bags(found.bags, signature.bags)
    assert (found.written, found.digests, found.model) == (signature.written, signature.digests, signature.model)
    if signature.vectors is None or found.vectors is None:
        assert found.vectors is signature.vectors is None
    else:
        assert np.array_equal(found.vectors, signature.vectors)


@few
@given(listings(demands))
def test_a_demand_comes_back_as_it_was(signature: Signature) -> None:
    assert_comes_back(signature)


@few
@given(listings(outcomes))
def test_an_outcome_comes_back_as_it_was(signature: Signature) -> None:
    assert_comes_back(signature)


@few
@given(listings(experts))
def test_an_expert_comes_back_with_works_and_all(signature: Signature) -> None:
    assert_comes_back(signature)


def test_an_indicator_between_two_figures_comes_back() -> None:
    between = Indicator("工作温度", "between", -40.0, 85.5, "℃")
    assert again(speaking_of("", indicators=(between,))).particulars.indicators == (between,)


def test_a_listing_of_which_nothing_is_known_comes_back() -> None:
    assert again(speaking_of("")).particulars == Particulars("demand")


@few
@given(listings(offers))
def test_the_features_can_be_read_alone(signature: Signature) -> None:
    assert_same_bags(unpack_bags(pack(signature)), signature.bags)


def test_without_vectors_there_are_none_afterwards() -> None:
    found = unpack(pack(speaking_of("防腐涂层", vectors=unit_vectors(1, 4, 0))))
    assert (found.vectors, found.digests, found.model) == (None, (), "")


@given(st.integers(1, 5), st.integers(1, 64), st.integers(0, 1000))
def test_vectors_lose_less_than_a_model_tells(texts: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.uniform(-1, 1, (texts, width)).astype(np.float32)
    found = unpack_vectors(pack_vectors(vectors), texts)
    assert found.shape == vectors.shape
    assert np.abs(found - vectors).max() < 0.001


@given(st.floats(1, 60_000, width=32))
def test_how_often_a_feature_stands_somewhere_is_kept_to_a_thousandth(times: float) -> None:
    signature = replace(speaking_of(""), bags=bags_of([{4: times}]))
    assert unpack_bags(pack(signature)).counts[0] == pytest.approx(times, rel=0.001)


def test_a_listing_as_long_as_may_be_is_kept_with_finite_counts() -> None:
    # What the interface takes at most, all of it one character.
    passages = [*(("电" * 256, 2.0) for _ in range(2)), *(("电" * 500, 1.0) for _ in range(2))]
    passages += [*(("电" * 20_000, 1.0) for _ in range(2)), *(("电" * 2000, 1.0) for _ in range(2))]
    assert np.isfinite(unpack_bags(pack(signature_of(Particulars("outcome"), [passages]))).counts).all()


def test_an_expert_with_as_many_works_as_may_be_is_kept_with_finite_counts() -> None:
    texts = [[("电", 1.0)], *([("电" * 512, 2.0), ("电" * 5000, 1.0)] for _ in range(200))]
    assert np.isfinite(unpack_bags(pack(signature_of(Particulars("expert"), texts))).counts).all()


# What is signed


def test_each_work_is_kept_apart() -> None:
    signature = speaking_of("防腐涂层", "", "marine towers", noun="expert")
    counts = [len(signature.bags.one(place).keys) for place in range(1, 3)]
    assert counts == [0, len(Reading([[("marine towers", 1.0)]]).bags.keys)]


def test_the_first_bag_is_of_everything_an_expert_has_written() -> None:
    texts = ("防腐涂层", "涂层", "marine towers")
    assert_same_bags(speaking_of(*texts, noun="expert").bags.one(0), Reading([[(text, 1.0) for text in texts]]).bags)


def test_the_words_of_the_own_text_are_kept_as_they_were_written() -> None:
    signature = speaking_of("Coatings resist corrosion", "a work on towers")
    assert {"coatings", "resist", "corrosion"} <= set(words_of(signature).values())
    assert "towers" not in words_of(signature).values()


def test_words_are_found_by_their_features_after_reading() -> None:
    found = again(speaking_of("锂离子电池隔膜"))
    assert words_of(found)[features.key_of("隔膜", features.WORD)] == "隔膜"


@given(st.text(), st.text())
def test_other_texts_have_other_digests(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_a_digest_is_of_the_text_that_is_embedded() -> None:
    passages = [("标题", 2.0), ("", 1.0), ("正文", 1.0)]
    assert plain(passages) == "标题\n正文"
    assert signature_of(Particulars("demand"), [passages]).digests == (digest("标题\n正文"),)


def test_what_a_passage_counts_does_not_change_the_digest() -> None:
    one, other = (signature_of(Particulars("demand"), [[("电池", weight)]]) for weight in (1.0, 2.0))
    assert one.digests == other.digests


def test_half_a_character_has_a_digest() -> None:
    assert len(digest("\ud800")) == DIGEST


@given(st.lists(st.text(), max_size=5))
def test_digests_in_a_row_are_told_apart(texts: list[str]) -> None:
    digests = tuple(digest(text) for text in texts)
    assert split(b"".join(digests)) == digests


def test_what_is_public_comes_back_beside_what_is_compared() -> None:
    whole = signature_of(Particulars("demand"), [[("涂层", 1.0), ("鲲鹏起泡", 1.0)]])
    public = signature_of(Particulars("demand"), [[("涂层", 1.0)]])
    found = again(protecting(whole, public))
    assert_same_bags(found.bags, whole.bags)
    assert_same_bags(found.shown, public.bags)
    assert_same_bags(unpack_bags(pack(found)), public.bags)
    assert_same_bags(found.in_public().bags, public.bags)
    assert set(words_of(found).values()) == {"涂层"}
    assert found.digests == public.digests != whole.digests


def test_the_format_changes_with_the_features() -> None:
    # Signatures of another format are made anew, and so their features.
    assert FORMAT - features.VERSION == 200
