"""Questions to the NVIDIA driver, and the CUDA versions that TensorFlow needs."""
