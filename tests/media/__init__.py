"""Pictures: uploads, refusals, renditions, and what is fetched from elsewhere."""
