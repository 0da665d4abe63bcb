"""`python -m simulator.clouds`: what a simulated cloud holds, by hand."""

import os
from collections import Counter
from pathlib import Path

import click

from simulator.clouds.cloud import SimulatedCloud
from simulator.clouds.provider import DIRECTORY_VARIABLE
from simulator.clouds.sdk import PACKAGES

directory = click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=lambda: os.environ.get(DIRECTORY_VARIABLE),
    required=True,
    help=f"Where it is; default: ${DIRECTORY_VARIABLE}.",
)


@click.group(help=__doc__)
def main() -> None: ...


@main.command()
@directory
@click.option("--ids", is_flag=True, help="Every resource by its id, not only how many of each type.")
def status(directory: Path, ids: bool) -> None:
    """Tells what the simulated cloud holds, and which control planes play its clusters."""
    cloud = SimulatedCloud(directory)
    for name in PACKAGES:
        held = cloud.resources(name)
        click.echo(f"simulated {name}: {len(held)} resources")
        for token, identity in held if ids else ():
            click.echo(f"  {token}  {identity}")
        for token, count in sorted(Counter(token for token, _ in held).items()) if not ids else ():
            click.echo(f"  {count:>4}  {token}")
    for cluster in cloud.clusters():
        found = cluster.status()
        click.echo(f"cluster {found.name}: {found.state} {found.server}")
    click.echo("Next: python -m simulator.clouds delete to remove all of it")


@main.command()
@directory
def delete(directory: Path) -> None:
    """Ends the clusters of the simulated cloud and removes all that it holds."""
    gone = SimulatedCloud(directory).delete()
    click.echo(f"simulated cloud {directory}: {'deleted' if gone else 'there is none'}")


if __name__ == "__main__":
    main()
