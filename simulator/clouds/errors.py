"""What a simulated cloud says no with."""


class CloudRefusal(Exception):
    """The cloud refuses a call, in the words of its API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the simulated cloud refuses: {code}: {message}")
        self.code = code
