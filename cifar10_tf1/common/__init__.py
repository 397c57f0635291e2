"""Shared by all packages: errors, files, seeds, optional packages."""
