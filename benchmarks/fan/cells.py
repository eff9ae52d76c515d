"""What is measured: how many clients, how many events a second, for how long, and who of the clients is difficult."""

from dataclasses import dataclass

STALLED_SHARE = 10
"""One in so many never reads."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One line of the tables."""

    clients: int
    per_second: int
    """Events; 0 is the saturation."""
    seconds: float
    stalled: int = 0
    """Clients that never read."""
    offer: bool = False
    """Clients offer to take compressed frames, as browsers do."""

    @property
    def name(self) -> str:
        extra = "-stalled" if self.stalled else "-deflate" if self.offer else ""
        return f"{self.clients}x{self.per_second}{extra}" if self.per_second else "saturation"

    @property
    def healthy(self) -> int:
        return self.clients - self.stalled

    @property
    def due(self) -> int:
        """Events that every client should get; 0: as many as the server can."""
        return round(self.per_second * self.seconds)

    @property
    def gap_ns(self) -> int:
        return SECOND_NS // self.per_second if self.per_second else 0

    @property
    def offered(self) -> int:
        """Deliveries a second that are asked for."""
        return self.clients * self.per_second


RATES = (20, 100, 1000)
SATURATION = Cell(clients=100, per_second=0, seconds=1.5)
# At 20 events a second it takes about 3 s until a client that does not read has filled 20 KB of buffers.
CELLS = (
    *(Cell(clients=1, per_second=rate, seconds=1.0) for rate in RATES),
    *(Cell(clients=many, per_second=rate, seconds=1.5) for many in (100, 500) for rate in RATES),
    *(Cell(clients=100, per_second=rate, seconds=1.5, offer=True) for rate in (100, 1000)),
    *(
        Cell(clients=many, per_second=rate, seconds=4.5 if rate == 20 else 2.0, stalled=many // STALLED_SHARE)
        for many in (100, 500)
        for rate in RATES
    ),
    SATURATION,
)
QUICK = ("1x100", "100x100", "100x1000", "100x1000-deflate", "100x100-stalled", "100x1000-stalled", "saturation")
