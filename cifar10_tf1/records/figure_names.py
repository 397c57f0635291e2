"""Figures that a training takes at its reporting points, without dropout."""

LOSS = 'loss'                                # nats, on the last training batch
TRAINING_ACCURACY = 'training_accuracy'      # on the same batch
VALIDATION_ACCURACY = 'validation_accuracy'  # on the records held back
ALL = (LOSS, TRAINING_ACCURACY, VALIDATION_ACCURACY)
