"""Classification of pictures by a trained network."""
