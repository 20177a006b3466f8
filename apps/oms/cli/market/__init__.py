"""Commands on markets."""
