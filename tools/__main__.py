"""`python -m tools`: the commands that the Makefile calls. The code of a command is imported only when it runs."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "install": "tools.commands:install",
    "doctor": "tools.doctor:doctor",
    "env": "tools.commands:env",
    "up": "tools.stack_commands:up",
    "demo": "tools.demo:demo",
    "down": "tools.stack_commands:down",
    "preview": "tools.preview:preview",
    "diff": "tools.diff:diff",
    "render": "tools.render:render",
    "refresh": "tools.stack_commands:refresh",
    "rehearse": "tools.rehearsal:rehearse",
    "status": "tools.stack_commands:status",
    "cluster": "tools.cluster:main",
    "prices": "tools.prices.commands:prices",
    "detect": "tools.detect:detect",
    "verify-gpu": "tools.verify_gpu:verify_gpu",
    "upstream": "tools.upstream.commands:upstream",
    "upstream-crds": "tools.upstream.commands:upstream_crds",
    "verify-upstream": "tools.upstream.verify:verify_upstream",
    "verify-controllers": "tools.controllers:verify_controllers",
}
"""Location of each command, as `module:name of a click command`."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, or when the help needs its first line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The platform's toolchain, its embedded cluster and its stacks."""


if __name__ == "__main__":
    main(prog_name="python -m tools")
