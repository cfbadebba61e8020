"""What a dataset and its split do to results: leakage and the usual flaws of offline evaluation, measured. One file for each check."""
