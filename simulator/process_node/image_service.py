"""ImageService of the container runtime interface: rows of the table of images, installed on request."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc

from simulator.process_node.images import Image, ImageError, Installed, find, install, installed
from simulator.process_node.messages import new
from simulator.process_node.refusals import Refused


def reference(image: Any) -> str:
    """The name of an image as the pod has it."""
    return str(image.user_specified_image or image.image)


class ImageService:
    """A method for each request that is answered, by its name in the interface."""

    def __init__(
        self, state: Path, cache: Path, local: tuple[Image, ...], used: Callable[[], Mapping[str, Any]]
    ) -> None:
        """`state`: the node's folder; `cache`: where images are installed; `local`: images of the user's own; `used`:
        images of the containers, by name."""
        self._state, self._cache, self._local, self._used = state, cache, local, used

    def find(self, image: Any) -> Image | None:
        """Its row of the table, or of the settings."""
        return find(reference(image), self._local) or find(image.image, self._local)

    def of(self, image: Any) -> Image:
        """The same. Raises Refused if there is none."""
        found = self.find(image)
        if found is None:
            reason = f"{reference(image)} is not in the table of images that run as processes"
            raise Refused(grpc.StatusCode.NOT_FOUND, f"{reason} (simulator/process_node/images.py)")
        return found

    def install(self, image: Image) -> Installed:
        """Its folders, installed first if necessary."""
        return install(image, self._cache)

    def _image_facts(self, reference: str, image: Image) -> dict[str, Any]:
        return {"id": reference, "repo_tags": [reference], "size": 1, "uid": {"value": image.user}}

    def ListImages(self, _: Any) -> Any:
        found = [(name, self.find(image)) for name, image in self._used().items()]
        return new("ListImagesResponse", images=[self._image_facts(name, image) for name, image in found if image])

    def ImageStatus(self, request: Any) -> Any:
        image = self.find(request.image)
        if image is None or not installed(image, self._cache):
            return new("ImageStatusResponse")
        return new("ImageStatusResponse", image=self._image_facts(reference(request.image), image))

    def PullImage(self, request: Any) -> Any:
        image = self.of(request.image)
        try:
            install(image, self._cache)
        except ImageError as error:
            raise Refused(grpc.StatusCode.UNAVAILABLE, str(error)) from None
        return new("PullImageResponse", image_ref=reference(request.image))

    def RemoveImage(self, _: Any) -> Any:
        return new("Empty")  # the cache is shared by all clusters

    def ImageFsInfo(self, _: Any) -> Any:
        disk = shutil.disk_usage(self._state)
        usage = {
            "timestamp": time.time_ns(),
            "fs_id": {"mountpoint": str(self._state)},
            "used_bytes": {"value": disk.used},
            "inodes_used": {"value": 1},
        }
        return new("ImageFsInfoResponse", image_filesystems=[usage], container_filesystems=[usage])
