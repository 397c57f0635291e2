"""Bytes to records: find, download, verify, decode; the generated stand-in."""
