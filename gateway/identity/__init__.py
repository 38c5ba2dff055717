"""Who is asking: organisations, their directories, staff, sign-in and sessions."""
