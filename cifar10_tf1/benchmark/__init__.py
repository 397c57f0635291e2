"""Speed of training and testing, beside plain ports of the originals."""
