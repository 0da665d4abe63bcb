"""The error type that the simulator shows to users."""


class SimulatorError(Exception):
    """What failed, with which value, and what to do next: a complete message, to print without a traceback."""
