"""The guard as proofs start it: the real one, with the trap that its runner has."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from runner.guard.guard import main
from tests.support.trap import set_by_environment

set_by_environment()
os._exit(main(sys.argv[1:]))
