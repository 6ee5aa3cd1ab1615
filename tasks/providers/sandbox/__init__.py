"""sandbox-provider: payroll portals and banks whose people are invented, and nothing else is."""
