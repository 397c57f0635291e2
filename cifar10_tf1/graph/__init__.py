"""Input pipeline, loss and update, the numeric check of one batch."""
