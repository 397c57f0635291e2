"""What is here, what is missing, what helps: run first, and in bug reports.

    python -m cifar10_tf1.doctor

It runs on any Python 3.6 or newer, with nothing installed: what the project and
TensorFlow need is imported within the checks, where its absence is a line. It
downloads nothing and leaves nothing behind.
"""
