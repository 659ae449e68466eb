"""Made-up signers, signs and cameras."""
