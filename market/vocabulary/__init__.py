"""Controlled vocabularies: stable codes with a Chinese and an English label. Imports nothing of market."""

from market.vocabulary.catalogue import VOCABULARIES, vocabulary
from market.vocabulary.cooperation import mode_nearness
from market.vocabulary.regions import region_nearness
from market.vocabulary.terms import Term, Vocabulary
from market.vocabulary.trl import trl_from_stage

__all__ = [
    "VOCABULARIES",
    "Term",
    "Vocabulary",
    "mode_nearness",
    "region_nearness",
    "trl_from_stage",
    "vocabulary",
]
