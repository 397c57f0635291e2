"""Shared by all packages: errors, files, seeds, JSON schemas, optional packages."""
