"""The folder of stand-in charts and CRDs that a simulated environment installs from, written when first asked for.

It is a source of `Crds` and `AddonChart` with the origin `stub`: `charts/<chart>/` and `crds/<set>.yaml`.
Where a part runs for real, its chart lacks what the stand-in adds in the place of the part's operator.
"""

import json
import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from catalog import versions
from catalog.upstream import crd_schemas
from simulator import charts, crds
from simulator.real import Part

BUILD = Path(__file__).parents[1] / "build" / "stand-ins"
"""Git ignores it; `make clean` deletes it."""


OPERATED: dict[Part, str] = {Part.PROMETHEUS: "kube-prometheus-stack"}
"""Part -> the chart whose custom resources its operator reconciles."""
OPERATED_FILE = "operated"
"""File of such a chart, which its templates look for."""


@cache
def folder(real: frozenset[Part] = frozenset()) -> Path:
    """The folder, named after what it is made from; a run that reads an older one keeps it."""
    made = BUILD / "-".join([_version(), *sorted(real)])
    if not made.is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(dir=BUILD, prefix=".draft-"))
        write(draft)
        for part in real:
            (draft / "charts" / OPERATED[part] / OPERATED_FILE).write_text("true", encoding="utf-8")
        try:
            draft.rename(made)
        except OSError:  # another process was quicker
            shutil.rmtree(draft)
    return made


def write(target: Path) -> None:
    """Every chart and every set of CRDs."""
    for chart in charts.charts():
        source, made = charts.FOLDER / chart, target / "charts" / chart
        shutil.copytree(source / "templates", made / "templates")
        shutil.copy(charts.FOLDER / "library.tpl", made / "templates" / "_library.tpl")
        shutil.copy(source / "values.yaml", made)
        (made / "Chart.yaml").write_text(json.dumps(charts.about(chart)), encoding="utf-8")
        (made / "values.schema.json").write_text(json.dumps(charts.values_schema(chart)), encoding="utf-8")
    (target / "crds").mkdir()
    for name in crds.KINDS:
        (target / "crds" / f"{name}.yaml").write_text(crds.text_of_set(name), encoding="utf-8")


def _version() -> str:
    """Changes with every file that `write` reads."""
    sources = [path for path in charts.FOLDER.rglob("*") if path.suffix in (".tpl", ".yaml", ".py")]
    sources += [Path(str(module.__file__)) for module in (crds, crd_schemas, versions)]
    sources += [Path(__file__), *crd_schemas.FOLDER.glob("*.json")]
    digest = sha256()
    for path in sorted(sources):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
