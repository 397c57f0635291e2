"""What surrounds the steps of a training."""
