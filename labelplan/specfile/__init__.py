"""Text <-> spec: a strict YAML reader, the JSON Schema, and errors that name file, line and column."""
