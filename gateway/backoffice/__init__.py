"""Towards the back office: the canonical request, its headers, who is asking, and the wire."""
