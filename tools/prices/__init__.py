"""Refreshes the price tables of `catalog/prices` from the clouds' own price APIs."""
