"""The machine: both TensorFlow versions, devices, memory, a description for records."""
