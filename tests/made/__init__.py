"""What tests make for themselves: clips, references, runs, bundles, videos and services."""
