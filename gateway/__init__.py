"""The way in: sessions, HTTP, pages and the record."""
