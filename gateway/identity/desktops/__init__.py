"""Desktops that bring a ticket: Kerberos sign-in without a password."""
