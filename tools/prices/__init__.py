"""Refreshes the price tables of `catalog/prices` from the price APIs of the clouds."""
