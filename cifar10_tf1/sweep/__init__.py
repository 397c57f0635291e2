"""Trains and tests many seeds side by side; see docs/sweep.md."""
