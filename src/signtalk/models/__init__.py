"""Networks and losses: tensors only, no files."""
