"""The clinical evidence on HER2-targeted therapy of biliary tract cancer.

>>> import herbtc
>>> catalog = herbtc.load()
>>> catalog.trial("herizon-btc-01").phase
<Phase.TWO_B: '2b'>

`herbtc.query` answers in DataFrames, `herbtc.measures`, `herbtc.synthesis` and `herbtc.plots` pool and show them.
"""

from herbtc._version import __version__
from herbtc.catalog import Catalog, load, read
from herbtc.errors import (
    DataError,
    HerbtcError,
    HerbtcWarning,
    RegistryError,
    SynthesisError,
    UnknownKeyError,
)

__all__ = [
    "Catalog",
    "DataError",
    "HerbtcError",
    "HerbtcWarning",
    "RegistryError",
    "SynthesisError",
    "UnknownKeyError",
    "__version__",
    "load",
    "read",
]
