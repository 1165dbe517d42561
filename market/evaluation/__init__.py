"""Judges matching by labelled data: a folder's texts become listings, and the code that serves users ranks them."""

from market.evaluation.keeping import keeping_vectors
from market.evaluation.running import Speed, run
from market.evaluation.sets import BadSet, LabelledSet, read

__all__ = ["BadSet", "LabelledSet", "Speed", "keeping_vectors", "read", "run"]
