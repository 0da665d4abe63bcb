"""Packages that only `prices refresh` needs: a stack on an existing cluster needs no cloud SDK."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from tools.errors import ToolError


def optional(module: str) -> Any:
    """The module. ToolError: its package is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # google.api_core announces the end of Python 3.11 in 2027
            return importlib.import_module(module)
    except ImportError as error:
        raise ToolError(
            f"the Python package of {module} is not installed: .venv/bin/python -m pip install -r requirements-dev.txt"
        ) from error
