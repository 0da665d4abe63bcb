"""One process on one GPU, started like a training: `python -m tools.gpu_process`, with LOCAL_RANK and WORLD_SIZE.

Uses only the CUDA driver (libcuda), so it runs wherever a GPU is available, without PyTorch. Prints one line of JSON.
"""

import ctypes
import json
import os
import sys

BYTES = 64 * 1024 * 1024
_NAME_LENGTH = 256


class CudaError(Exception):
    """A call of the CUDA driver that did not succeed."""


def _call(library: ctypes.CDLL, function: str, *arguments: object) -> None:
    code = getattr(library, function)(*arguments)
    if code:
        raise CudaError(f"{function} answered {code}")


def report() -> dict[str, object]:
    """What this process can use of the GPU of its local rank: allocates, writes and reads back 64 MiB on it."""
    rank, world = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise CudaError(f"the driver's library libcuda.so.1 is not in this container: {error}") from None
    _call(cuda, "cuInit", 0)
    count, device, context, address = ctypes.c_int(), ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    _call(cuda, "cuDeviceGetCount", ctypes.byref(count))
    if count.value != world:
        raise CudaError(f"{count.value} devices are visible to a process of {world}")
    name, total = ctypes.create_string_buffer(_NAME_LENGTH), ctypes.c_size_t()
    _call(cuda, "cuDeviceGet", ctypes.byref(device), rank)
    _call(cuda, "cuDeviceGetName", name, _NAME_LENGTH, device)
    _call(cuda, "cuDeviceTotalMem_v2", ctypes.byref(total), device)
    _call(cuda, "cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    _call(cuda, "cuCtxSetCurrent", context)
    _call(cuda, "cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(BYTES))
    _call(cuda, "cuMemsetD8_v2", address, ctypes.c_ubyte(rank + 1), ctypes.c_size_t(BYTES))
    back = (ctypes.c_ubyte * BYTES)()
    _call(cuda, "cuMemcpyDtoH_v2", back, address, ctypes.c_size_t(BYTES))
    if bytes(back) != bytes([rank + 1]) * BYTES:
        raise CudaError("memory of the device differs from what was written to it")
    return {"rank": rank, "name": name.value.decode(), "memory_mib": total.value // 2**20}


if __name__ == "__main__":
    try:
        answer = report()
    except CudaError as error:
        answer = {"rank": int(os.environ["LOCAL_RANK"]), "error": str(error)}
    print(json.dumps(answer))  # noqa: T201 - read by the parent process
    sys.exit(1 if "error" in answer else 0)
