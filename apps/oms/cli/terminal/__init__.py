"""What a person sees on a terminal: tables, results of commands, the live view."""
