"""The port to the bucket: list, read, delete with a condition, remove a delete marker, and the run record."""
