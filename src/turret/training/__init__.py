"""Training: objectives, procedures, optimizers, the runner and what a run leaves behind."""
