"""The resource types that the simulated clouds know, as data. A type that is missing here is refused by name."""

from simulator.clouds.rows import Row
from simulator.clouds.tables import (
    aws_compute,
    aws_data,
    aws_identity,
    aws_network,
    gcp_container,
    gcp_data,
    gcp_network,
)

ROWS: dict[str, Row] = {
    row.type: row
    for table in (aws_network, aws_compute, aws_identity, aws_data, gcp_network, gcp_container, gcp_data)
    for row in table.ROWS
}
