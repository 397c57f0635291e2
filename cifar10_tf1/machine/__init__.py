"""The machine: both TensorFlows, devices, memory, a description for records."""
