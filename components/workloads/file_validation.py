"""Rules on files of workloads: paths that nothing else takes, contents that a ConfigMap holds."""

from collections.abc import Iterator, Mapping

from components.base.grammar import MOUNT_PATH, SUBDOMAIN, check_text
from components.findings import Finding
from components.workloads.files import MAX_FILES_BYTES, FilesSpec

TAKEN_FOLDERS = ("/", "/tmp", "/dev", "/dev/shm", "/proc", "/sys", "/etc", "/bin", "/sbin", "/usr", "/lib")  # noqa: S108
"""Folders of the image, of the container runtime, or of other volumes."""
PLATFORM_MOUNTS = {"/tmp": "temporary files", "/dev/shm": "shared memory"}  # noqa: S108 - paths of the container
KSERVE_MODEL_PATH = "/mnt/models"
"""Where KServe's runtimes find their model (kserve v0.20.0 pkg/constants, DefaultModelLocalMountPath)."""
_KERNEL = ("/proc/", "/sys/", "/dev/")


def folder(path: str) -> str:
    """A normalized path: without doubled and final slashes and single dots."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def of_the_image(path: str) -> bool:
    """Whether a folder is the image's or the kernel's, over which nothing may be mounted."""
    return path in TAKEN_FOLDERS or path.startswith(_KERNEL)


def taken(path: str, place: str, owner: str) -> Finding:
    """The finding for a path that is mounted already."""
    return Finding(path, place, f"one volume for each path; this one has {owner}", "mount it elsewhere, like /data")


def check_files(path: str, spec: FilesSpec, mounted: Mapping[str, str]) -> Iterator[Finding]:
    """Files from settings and from Secrets. `mounted`: path -> what is mounted there. Contents are not shown."""
    places = dict(mounted)
    files, secrets = spec.get("files") or {}, spec.get("secret_folders") or {}
    for place, text in files.items():
        where = f"{path}.files.{place}"
        yield from check_text(where, place, MOUNT_PATH)
        yield from _check_place(where, place, places, "a file of its own")
        if "PRIVATE KEY-----" in text:
            remedy = "put it into a Secret of the team's namespace and name that in secretFolders"
            yield Finding(where, "[not shown]", "settings must not contain credentials", remedy)
    size = sum(len(text.encode()) for text in files.values())
    if size > MAX_FILES_BYTES:
        rule = f"at most {MAX_FILES_BYTES} bytes together: they are in one ConfigMap"
        yield Finding(f"{path}.files", f"{size} bytes", rule, "put data into a dataset or the bucket")
    for secret, place in secrets.items():
        where = f"{path}.secretFolders.{secret}"
        yield from check_text(where, secret, SUBDOMAIN)
        yield from check_text(where, place, MOUNT_PATH)
        yield from _check_place(where, place, places, f"Secret {secret}")


def _check_place(where: str, place: str, places: dict[str, str], owner: str) -> Iterator[Finding]:
    normalized = folder(place)
    if MOUNT_PATH.accepts(place) and (normalized in places or of_the_image(normalized)):
        yield taken(where, place, places.get(normalized, "the image's own files"))
    places.setdefault(normalized, owner)
