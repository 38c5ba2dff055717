"""The wire towards the browser: worker, connection, request head and responses."""
