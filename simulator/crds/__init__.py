"""Stand-in CRDs: the kinds that the platform emits or awaits, so that the simulated cluster needs no internet.

Written by us, not upstream's files. Each holds the subset of upstream's fields that the platform uses, with
upstream's names, types, defaults and required fields, so that a misspelt field is refused as upstream refuses it.
`python -m simulator.crds` writes one YAML file for each add-on from the Python tables beside it.
"""
