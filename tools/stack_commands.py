"""The commands for a stack, as `python -m tools` has them."""

import click

from tools.lifecycle import Lifecycle

_stack_option = click.option("--stack", default="dev", show_default=True, help="The stack: Pulumi.<stack>.yaml.")


@click.command()
@_stack_option
@click.option("--dry-run", is_flag=True, help="Stop after the preview and the policies; change nothing.")
@click.option("--no-detect", is_flag=True, help="Do not first detect what an existing cluster already has.")
def up(stack: str, dry_run: bool, no_detect: bool) -> None:
    """Deploy a stack: tools, simulated cluster, policies, stack, summary."""
    Lifecycle().up(stack, dry_run=dry_run, look_first=not no_detect)


@click.command()
@_stack_option
@click.option("--yes", is_flag=True, help="Do not ask. A simulated stack is never asked about.")
@click.option("--dry-run", is_flag=True, help="Print what would be deleted, kept and orphaned; delete nothing.")
def down(stack: str, yes: bool, dry_run: bool) -> None:
    """Delete a stack completely."""
    Lifecycle().down(stack, yes=yes, dry_run=dry_run)


@click.command()
@_stack_option
def refresh(stack: str) -> None:
    """Update the state from the deployed resources; print the drift."""
    Lifecycle().refresh(stack)


@click.command()
@_stack_option
def status(stack: str) -> None:
    """Print what is deployed, where its state is, whether a run was interrupted."""
    Lifecycle().status(stack)
