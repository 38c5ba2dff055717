"""The one database of the gateway: sessions, staff, the bulletin, sign-in attempts and the vetting register."""
