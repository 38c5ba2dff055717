"""How the gateway is put in place: the demo, and what production needs."""
