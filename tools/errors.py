"""The error type that the tools show to users."""

from __future__ import annotations

import click


class ToolError(click.ClickException):
    """What failed, with which value, and what to do next: click prints it without a traceback (exit code 1)."""
