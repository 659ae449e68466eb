"""What is shipped, read without torch; the offline page."""
