"""The bundled chart mirror: minimal stand-ins, written by us, for the charts that the platform installs.

Each has upstream's name, version, object names, labels, ports and value names, so that an add-on takes the same path
(`helm.v4.Chart`) with and without the internet. A folder's `values.yaml` lists the values that the stand-in
understands, with upstream's defaults; `python -m simulator.charts` writes `values.schema.json` from it, and helm
refuses every other value by that schema. To support a further value: add it to `values.yaml`, use it in a template,
run the command.
"""
