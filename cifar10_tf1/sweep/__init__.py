"""Whole runs of many seeds, side by side, tested and summed up: docs/sweep.md.

    python -m cifar10_tf1.sweep --seeds 1-10

A run is a plain process of train.py in a folder of its own, its tests a process
of test.py. What has been done is read from the folders alone, so a sweep can be
killed at any moment and begun again, by anybody who has the folder.
"""
