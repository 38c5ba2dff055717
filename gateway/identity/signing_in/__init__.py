"""Signing in, what slows guessing, and the way in when nothing else works."""
