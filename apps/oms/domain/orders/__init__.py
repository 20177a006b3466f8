"""Orders: lifecycle, execution reports, order types, rounding, external orders."""
