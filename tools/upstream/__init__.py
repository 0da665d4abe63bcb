"""Upstream charts and manifests: their facts are written into `catalog/upstream`, and compared with it."""
