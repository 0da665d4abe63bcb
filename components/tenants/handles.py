"""Handles of tenants for workloads."""

from typing import TypedDict

from pulumi import Input


class PriorityHandle(TypedDict):
    """Names of the priority classes, highest first."""

    serving: str
    """Models that serve users."""
    training: str
    """Trainings."""
    preemptible: str
    """Trainings that can be preempted, on spot nodes or on spare capacity."""


class TeamHandle(TypedDict):
    """A team, as an input of its workloads. Its names are known once quota, limits and isolation of the namespace
    exist."""

    name: str
    """Name of the team."""
    namespace: Input[str]
    """Namespace of its workloads."""
    training_service_account: Input[str]
    """Service account of the pods of trainings."""
    serving_service_account: Input[str]
    """Service account of the pods of served models; KServe reads the store's credentials from it."""
    priorities: PriorityHandle
    """Priority classes of its workloads."""
