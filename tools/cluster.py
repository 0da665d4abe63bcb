"""`python -m tools cluster`: commands for the simulated clusters of this computer."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from simulator.cluster import Cluster, State, Status
from simulator.errors import SimulatorError
from simulator.home import DEFAULT_NAME
from tools.errors import ToolError
from tools.processes import choose as choose_processes
from tools.processes import with_programs
from tools.progress import plain_lines
from tools.toolchain import Toolchain, ensure

Command = TypeVar("Command", bound=Callable[..., Any])

named: Callable[[Command], Command] = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="Which simulated cluster."
)


def _next(text: str) -> None:
    click.echo(f"Next: {text}")


def _option(name: str) -> str:
    return "" if name == DEFAULT_NAME else f" --name {name}"


def _toolchain() -> Toolchain:
    return ensure(plain_lines())


def table(statuses: list[Status]) -> Table:
    """One line for each cluster."""
    lines = Table("cluster", "state", "API server", "memory", "kubeconfig", box=None, pad_edge=False)
    for status in statuses:
        state = f"{status.state} ({status.problem})" if status.problem else str(status.state)
        memory = f"{status.memory_mebibytes} MiB" if status.programs else ""
        lines.add_row(status.name, state, status.server, memory, str(status.kubeconfig))
    return lines


def _show(statuses: list[Status]) -> None:
    console = Console(soft_wrap=True)
    console.print(table(statuses), highlight=False, markup=False)


class ClusterCommands(click.Group):
    """Prints a SimulatorError as it is, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SimulatorError as error:
            raise ToolError(str(error)) from None


@click.group("cluster", cls=ClusterCommands)
def main() -> None:
    """Commands for the simulated clusters of this computer."""


@main.command()
@named
def start(name: str) -> None:
    """Starts a cluster from any state. Its objects are kept."""
    cluster = Cluster(name)
    pods = choose_processes(os.environ, cluster.node)

    def report(line: str) -> None:
        click.echo(line, err=True)

    cluster.start(_toolchain(), report, processes=with_programs(pods, os.environ, report))
    if pods.reason:
        click.echo(f"every pod is simulated: {pods.reason}", err=True)
    _show([cluster.status()])
    _next(f"python -m tools cluster kubectl{_option(name)} get nodes")


@main.command()
@named
def stop(name: str) -> None:
    """Stops the programs of a cluster and keeps its objects for the next start."""
    stopped = Cluster(name).stop()
    click.echo(f"cluster {name}: {'stopped, its objects are kept' if stopped else 'was not running'}")
    _next(f"python -m tools cluster start{_option(name)} to start it again, or delete{_option(name)} to remove it")


@main.command()
@named
def delete(name: str) -> None:
    """Removes a cluster: programs, ports, objects, keys."""
    deleted = Cluster(name).delete()
    click.echo(f"cluster {name}: {'deleted' if deleted else 'there is none'}")
    _next(f"python -m tools cluster start{_option(name)} for a new one")


@main.command()
@named
def status(name: str) -> None:
    """Prints the state of a cluster and the memory of its programs. Exit code 1 if it does not run."""
    found = Cluster(name).status()
    _show([found])
    for component, program in found.programs.items():
        click.echo(f"  {component:<24} process {program.process_id:<8} {program.memory_mebibytes:>5} MiB")
    if found.state is State.RUNNING:
        _next(f"python -m tools cluster kubectl{_option(name)} get nodes")
        return
    _next(f"python -m tools cluster start{_option(name)}")
    raise SystemExit(1)


@main.command(name="list")
def list_clusters() -> None:
    """Lists every simulated cluster."""
    clusters = Cluster.clusters()
    if not clusters:
        click.echo("there is no simulated cluster")
        _next("python -m tools cluster start")
        return
    _show([cluster.status() for cluster in clusters])
    _next("python -m tools cluster status --name NAME")


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@named
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def kubectl(name: str, arguments: tuple[str, ...]) -> None:
    """Runs kubectl on a cluster, as cluster administrator."""
    cluster = Cluster(name)
    if not cluster.kubeconfig.exists():
        raise SimulatorError(f"cluster {name}: there is none. Next: python -m tools cluster start{_option(name)}")
    program = _toolchain().path("kubectl")
    os.execv(program, ["kubectl", f"--kubeconfig={cluster.kubeconfig}", *arguments])  # noqa: S606 - no shell
