"""What KServe adds to the pods of models."""

FETCH_CPU_MILLIS = 100
FETCH_MEMORY_GIB = 2
"""Of KServe's container that downloads a model; a large file needs no more than a small one."""
