"""Directories of every kind: who somebody is, asked of their own organisation."""
