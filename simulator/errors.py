"""The one error that the simulator shows to users."""


class SimulatorError(Exception):
    """What went wrong, with which value, and what to do next: a whole message, to be printed without a traceback."""
