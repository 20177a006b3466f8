"""Wire formats: JSON requests, responses and stored texts. No decisions are made here."""
