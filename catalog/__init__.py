"""The lowest layer: facts as tables. Imports nothing of the project, and no Pulumi."""
