"""The parts of `make demo` that need no cluster.

Not proved here: the whole of it; tests/engine/test_dev_stack.py asks the same stack for the same model.
"""

import json
from pathlib import Path

from tools.demo import MODEL, picture
from tools.results import REQUESTS


def test_the_picture_of_the_shipped_request_is_eight_lines_of_what_the_model_gets() -> None:
    lines = picture(REQUESTS / f"{MODEL}.json").splitlines()
    assert [len(line) for line in lines] == [16] * 8
    assert lines[1] == "    **@@++@@::  "


def test_dark_and_light_pixels_are_the_ends_of_the_scale(tmp_path: Path) -> None:
    request = tmp_path / "one.json"
    request.write_text(json.dumps({"inputs": [{"data": [0.0, 1.0, *([0.5] * 62)]}]}))
    assert picture(request).splitlines()[0] == "  @@" + "==" * 6
