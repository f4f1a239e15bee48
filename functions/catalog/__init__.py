"""Products and variants: for merchants, and for shoppers."""
