"""The demo: real companies, an invented vendor with its partners, and the story of one day of syncd."""
