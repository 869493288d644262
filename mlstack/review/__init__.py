"""`mlstack review`: what a preview will do, as a typed report with guards, and as a comment. No network in here."""
