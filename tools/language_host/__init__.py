"""A stand-in for Pulumi's Python language host, where the official one is not available.

The engine starts `pulumi-language-python` and calls its LanguageRuntime service. The official program is part of every
Pulumi release, but not available as a Go module, so an engine that was built from modules lacks it. This one implements
the same service as far as `preview`, `up`, `refresh`, `destroy`, policy packs, component plugins and `pulumi install`
need it; the other methods (code generation, packing) return an error that names them.
"""
