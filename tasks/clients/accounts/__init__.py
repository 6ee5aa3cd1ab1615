"""Payroll providers and banks, as whoever connects an account sees them."""
