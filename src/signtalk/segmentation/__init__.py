"""The sentences in a stream of landmarks."""
