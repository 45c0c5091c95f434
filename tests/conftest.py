"""How all tests run."""

from hypothesis import settings

# A machine that does other work as well is slow at times, which is no fault of what is tested.
settings.register_profile("herbtc", deadline=None)
settings.load_profile("herbtc")
