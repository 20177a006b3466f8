"""Routes of research: the catalogue of strategies."""
