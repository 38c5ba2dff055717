"""Answers for machines: health, readiness and public keys."""
