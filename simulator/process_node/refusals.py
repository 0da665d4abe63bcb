"""Requests of the kubelet that are answered with an error."""

from typing import NoReturn

import grpc


class Refused(Exception):
    """A request that is answered with an error: status and reason. The kubelet shows the reason in an event."""

    def __init__(self, status: grpc.StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def refuse(reason: str) -> NoReturn:
    """The pod asks for what a process of this computer must not have."""
    raise Refused(grpc.StatusCode.PERMISSION_DENIED, f"{reason}. Such a pod does not run on this node.")
