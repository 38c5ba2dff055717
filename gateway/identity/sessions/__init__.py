"""Sessions: opened, kept in memory, limited, ended."""
