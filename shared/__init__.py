"""The house's domains, a package each, and `core`, on which every domain stands."""
