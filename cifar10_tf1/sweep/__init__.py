"""Trains and tests many seeds side by side: docs/sweep.md.

    python -m cifar10_tf1.sweep --seeds 1-10

A run is a process of train.py in a folder of its own, its tests are processes of
test.py. What has been done is read from the folders alone, so a sweep can be killed
at any moment and started again by anybody who has the folder.
"""
