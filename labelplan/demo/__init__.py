"""The walk-through on real photographs: an embedded S3, a spec, and a checker of its own claims."""
