"""From an encoded query to an answer; the browser's engine mirrors this folder."""
