"""The folder of a run, its checkpoints, pretrained weights."""
