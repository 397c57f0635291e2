"""The report command: one run or several, compared with the documented one.

    python -m cifar10_tf1.report model/run.json
"""
