"""From interactions to batches: a whole epoch drawn at once as index tensors, a step a slice of them."""
