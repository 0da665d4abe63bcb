"""A stand-in for Pulumi's Python language host, for places where the official one cannot be had.

The engine starts `pulumi-language-python` and speaks the LanguageRuntime protocol to it. The official program comes
with every Pulumi release, but not as a Go module, so an engine that was built from modules lacks it. This one speaks
the same protocol to the same engine, as far as `preview`, `up`, `refresh`, `destroy`, policy packs, component plugins
and `pulumi install` need it; what it does not do (code generation, packing) it refuses by name.
"""
