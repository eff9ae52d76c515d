"""Sprint runner: takes the stories of a BMAD sprint through their workflow with supervised coding agents."""

__version__ = "0.1.0"
