"""Videos to clips, on one machine or on many."""
