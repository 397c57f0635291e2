"""The machine: where TensorFlow 1.15 and 2 differ, devices, a description."""
