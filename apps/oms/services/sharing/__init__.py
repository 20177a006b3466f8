"""Share links: their administration, and what they show."""
