"""The one database: sessions, staff, the bulletin, sign-in attempts, the vetting register."""
