"""What tenants hand to workloads."""

from typing import TypedDict

from pulumi import Input


class PriorityHandle(TypedDict):
    """Names of the priority classes, highest first."""

    serving: str
    """Models that people wait for."""
    training: str
    """Trainings."""
    preemptible: str
    """Trainings that give way, on spot nodes or on spare capacity."""


class TeamHandle(TypedDict):
    """A team as its workloads see it. Its names are known once quota, limits and isolation of the namespace exist."""

    name: str
    """Name of the team."""
    namespace: Input[str]
    """Where its workloads go."""
    training_service_account: Input[str]
    """For the pods of trainings."""
    serving_service_account: Input[str]
    """For the pods of served models; KServe finds the store's credentials on it."""
    priorities: PriorityHandle
    """Priority classes of its workloads."""
