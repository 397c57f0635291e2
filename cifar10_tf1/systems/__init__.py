"""What is reproduced: one module for each documented result.

A system is a module with `SETTINGS`, `build_training_batch`,
`build_test_batch`, `build_network` and `build_cross_entropy`; the pipeline, the
training and the evaluation take it as an argument and know no system by name.
"""
