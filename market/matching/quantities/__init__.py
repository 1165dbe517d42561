"""Quantities: units of measurement and the figures that running text states in them."""

from market.matching.quantities.phrases import is_measure
from market.matching.quantities.reading import Quantity, found, parse, written
from market.matching.quantities.units import Unit, convert, unit

__all__ = ["Quantity", "Unit", "convert", "found", "is_measure", "parse", "unit", "written"]
