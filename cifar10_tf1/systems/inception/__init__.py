"""Inception v3: its layers as a table, what builds them, its published weights."""
