"""The numbers that recognition decides by, fitted on validation clips."""
