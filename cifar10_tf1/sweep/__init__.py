"""Trains and tests many seeds side by side; see docs/sweep.md.

Each run is a process of train.py in its own folder, and its tests are processes of
test.py. Only the folders record what is done, so a sweep can be killed at any moment.
"""
