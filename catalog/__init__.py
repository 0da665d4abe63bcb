"""Ground floor: what is true, as tables. Imports nothing of the project, and no Pulumi."""
