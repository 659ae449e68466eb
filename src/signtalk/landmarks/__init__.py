"""What a clip of landmarks is, and the features that a network reads."""
