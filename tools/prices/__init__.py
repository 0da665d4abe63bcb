"""Refreshes the price tables of `components/prices` from the clouds' own price APIs."""
