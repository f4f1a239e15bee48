"""What shoppers browse and search, over HTTP, and what keeps it current."""
