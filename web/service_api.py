"""The routes about the runner itself: is it alive, how does it do, what can be set, what can be asked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from runner.settings import Setting, Settings, table
from web import metrics, openapi
from web.answers import Health
from web.ports import Lookout
from web.preferences import Preferences
from web.routes import Answer, Asked, Route

SILENT_SECONDS = 60.0
"""An actor that has shown no sign of life for so long hangs."""


class SettingRow(msgspec.Struct, frozen=True):
    """One setting: its value in force from the next batch or start on, and what it may be."""

    name: str
    value: int | str
    default: int | str
    low: int | None
    high: int | None
    choices: tuple[str, ...]
    help: str


class SettingTable(msgspec.Struct, frozen=True):
    settings: tuple[SettingRow, ...]


SettingChanges = msgspec.defstruct(
    "SettingChanges",
    [(row.name, int | str | msgspec.UnsetType, msgspec.UNSET) for row in table()],
    frozen=True,
    forbid_unknown_fields=True,
    module=__name__,
)
"""The settings to change; the others stay."""


class ServiceApi:
    """The runner about itself, over HTTP."""

    def __init__(
        self,
        lookout: Lookout,
        settings: Preferences,
        sample: Callable[[], Awaitable[metrics.Sample]],
        version: str,
    ) -> None:
        self._lookout = lookout
        self._settings = settings
        self._sample = sample
        self._version = version
        self._described: bytes = b"{}"

    def describe(self, routes: Sequence[Route]) -> None:
        """Take the routes that the description is of, once all are known."""
        self._described = msgspec.json.encode(openapi.describe(routes, self._version))

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/healthz",
                summary="Whether the runner lives",
                handle=self.health,
                answer=Health,
                errors=(503,),
            ),
            Route(
                method="GET",
                path="/metrics",
                summary="Figures in Prometheus' text format",
                handle=self.metrics,
                answer=str,
                media=metrics.MEDIA,
            ),
            Route(
                method="GET",
                path="/api/settings",
                summary="All settings with value, default, bounds and help",
                handle=self.settings,
                answer=SettingTable,
                tagged=True,
                errors=(409,),
            ),
            Route(
                method="PUT",
                path="/api/settings",
                summary="Change settings, all that are named or none",
                handle=self.change,
                body=SettingChanges,
                answer=SettingTable,
                errors=(409,),
            ),
            Route(
                method="GET",
                path="/api/openapi.json",
                summary="This description",
                handle=self.description,
                answer=dict,
                tagged=True,
            ),
        ]

    async def health(self, asked: Asked) -> Answer:
        silences = self._lookout.silences()
        stuck = any(silence > SILENT_SECONDS for silence in silences.values())
        health = Health(
            status="stuck" if stuck else "ok",
            actors={name: round(silence * 1000) for name, silence in silences.items()},
        )
        return Answer(body=msgspec.json.encode(health), status=503 if stuck else 200)

    async def metrics(self, asked: Asked) -> Answer:
        return Answer(body=metrics.text(await self._sample()), media=metrics.MEDIA)

    async def settings(self, asked: Asked) -> SettingTable:
        return _table(await self._settings.load())

    async def change(self, asked: Asked) -> SettingTable:
        given: Mapping[str, int | str] = {
            name: value for name, value in msgspec.structs.asdict(asked.body).items() if value is not msgspec.UNSET
        }
        return _table(await self._settings.change(given))

    async def description(self, asked: Asked) -> Answer:
        return Answer(body=self._described)


def _table(settings: Settings) -> SettingTable:
    return SettingTable(settings=tuple(_row(row, settings) for row in table()))


def _row(row: Setting, settings: Settings) -> SettingRow:
    return SettingRow(
        name=row.name,
        value=getattr(settings, row.name),
        default=row.default,
        low=row.low,
        high=row.high,
        choices=row.choices,
        help=row.help,
    )
