"""May this person do this to that, now. Knows no HTTP, no clock and no global state."""
