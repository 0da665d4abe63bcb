"""Sizes in the API server's format."""


def quantity(mebibytes: int) -> str:
    """A size in the API server's canonical form (`1Ti`, not `1024Gi`), so that a refresh shows no drift."""
    size, unit = int(mebibytes), 0
    while size and size % 1024 == 0 and unit < 2:
        size, unit = size // 1024, unit + 1
    return f"{size}{('Mi', 'Gi', 'Ti')[unit]}"
