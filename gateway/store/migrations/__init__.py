"""The steps by which the database comes from any older shape to the present one."""
