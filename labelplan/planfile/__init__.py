"""Bytes <-> plan: the format's writer and reader, its statement, its signatures, and whom to trust."""
