"""The house rules that a reviewer would otherwise have to remember; each is also run on a planted offence."""
