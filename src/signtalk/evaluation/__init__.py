"""Measures, protocols, the stress test and their reports."""
