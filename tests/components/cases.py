"""One complete set of arguments for every component: what the contract test starts from, by family."""

from tests.components.contract.accelerators import CASES as ACCELERATORS
from tests.components.contract.case import Case
from tests.components.contract.cloud_data import CASES as CLOUD_DATA
from tests.components.contract.data import CASES as DATA
from tests.components.contract.edge import CASES as EDGE
from tests.components.contract.foundations import CASES as FOUNDATIONS
from tests.components.contract.monitoring import CASES as MONITORING
from tests.components.contract.serving import CASES as SERVING
from tests.components.contract.tenants import CASES as TENANTS
from tests.components.contract.training import CASES as TRAINING

CASES: list[Case] = [
    *FOUNDATIONS,
    *ACCELERATORS,
    *EDGE,
    *DATA,
    *CLOUD_DATA,
    *MONITORING,
    *TENANTS,
    *TRAINING,
    *SERVING,
]
