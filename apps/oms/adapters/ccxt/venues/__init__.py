"""What is particular to each venue: catalog, profiles, error codes, order states."""
