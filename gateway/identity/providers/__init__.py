"""OpenID providers: who somebody is, told by a token."""
