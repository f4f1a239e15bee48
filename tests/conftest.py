"""What every test has at hand: the application, a database, a browser; and how properties choose their examples."""

from hypothesis import settings

pytest_plugins = ("tests.database", "tests.figures", "tests.application", "tests.browser")  # after those they import

# A failure that only some runs see teaches people to press the button again; new examples come with new tests.
settings.register_profile("house", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("house")
