"""Sizes as the API server writes them."""


def quantity(mebibytes: int) -> str:
    """A size in the form in which the API server keeps it (`1Ti`, not `1024Gi`), so that a refresh sees no drift."""
    size, unit = int(mebibytes), 0
    while size and size % 1024 == 0 and unit < 2:
        size, unit = size // 1024, unit + 1
    return f"{size}{('Mi', 'Gi', 'Ti')[unit]}"
