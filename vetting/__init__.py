"""Who is cleared to what, until when. Knows no HTTP, no clock and no global state."""
