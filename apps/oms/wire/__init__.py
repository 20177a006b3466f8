"""The languages we speak: JSON in and out, and nothing decided."""
