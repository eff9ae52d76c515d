"""The parts of the fan-out benchmark: the servers that are compared, the clients, the cells and the verdicts."""
