"""Trains and tests many seeds side by side: docs/sweep.md.

Each run is a process of train.py in a folder of its own; its tests are processes of
test.py. The folders alone tell what is done, so a sweep can be killed at any moment.
"""
