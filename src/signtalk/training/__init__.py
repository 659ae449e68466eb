"""Recipe, batches, the loop and the run folder."""
