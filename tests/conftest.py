"""What every test has at hand: a database and a browser. Properties are tried on the same examples in every run."""

from hypothesis import settings

pytest_plugins = ("tests.browser", "tests.database", "tests.application")

# A failure that only some runs see teaches people to press the button again; new examples come with new tests.
settings.register_profile("house", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("house")
