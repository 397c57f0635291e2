"""What is known of CUDA, and what is asked of the driver; no TensorFlow."""
