"""Management of what no real authority lets anyone touch: the clock, faults, snapshots, and a fresh start.

The shapes are in docs/simulator.md. Source: gateway contract, sections 10.3 and 14.2.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from khatm.environment import Environment
from khatm.simulator.errors import InvalidManagementRequest, UnknownFault, UnknownSnapshot
from khatm.simulator.fatoora import Fatoora
from khatm.simulator.fault_script import read_script
from khatm.simulator.manage_reading import members_of, number_in_path, route, shown
from khatm.simulator.snapshots import Snapshot
from khatm.simulator.store import utc_text
from khatm.simulator.switches import shown_value

_CLOCK = (
    '{"advance_seconds": NUMBER} or {"now": "ISO-8601 with a zone"}, with or without {"frozen": true or false} '
    'or {"speed": NUMBER from 0 to 86400}; one of these alone; or {"reset": true} alone'
)
_FASTEST = 86_400
"""A day in a second."""


def routes(fatoora: Fatoora) -> list[BaseRoute]:
    """Return the routes below /manage."""
    state = _State(fatoora)
    return [
        route("GET", "/clock", state.read_clock),
        route("POST", "/clock", state.move_clock),
        route("GET", "/faults", state.list_faults),
        route("POST", "/faults", state.arm_faults),
        route("DELETE", "/faults", state.clear_faults),
        route("DELETE", "/faults/{fault}", state.clear_fault),
        route("GET", "/snapshots", state.list_snapshots),
        route("POST", "/snapshot", state.take_snapshot),
        route("DELETE", "/snapshots/{snapshot}", state.drop_snapshot),
        route("POST", "/restore", state.restore),
        route("POST", "/reset", state.reset),
        route("GET", "/switches", state.list_switches),
    ]


class _State:
    def __init__(self, fatoora: Fatoora) -> None:
        self._fatoora = fatoora

    async def read_clock(self, _request: Request) -> Response:
        return JSONResponse(self._clock())

    def _clock(self) -> dict[str, object]:
        time = self._fatoora.time
        return {
            "now": utc_text(self._fatoora.clock.now()),
            "frozen": time.frozen,
            "speed": time.speed,
            "shift_seconds": round(time.shift.total_seconds(), 3),
        }

    async def move_clock(self, request: Request) -> Response:
        members = await members_of(request)
        try:
            self._move_clock(members)
        except (ValueError, OverflowError):
            raise InvalidManagementRequest(field="clock", found=shown(members), allowed=_CLOCK) from None
        return await self.read_clock(request)

    def _move_clock(self, members: dict[str, object]) -> None:
        """Raise ValueError for what is none of the shapes, and before anything is changed."""
        time = self._fatoora.time
        if members == {"reset": True}:
            time.restore()
            return
        speed = _speed(members)
        if not members or not members.keys() <= {"advance_seconds", "now", "frozen", "speed"}:
            raise ValueError(members)
        if {"advance_seconds", "now"} <= members.keys():
            raise ValueError(members)
        if "now" in members:
            moment = datetime.fromisoformat(str(members["now"]))
            if moment.tzinfo is None:
                raise ValueError("no zone")
            time.set(moment)
        elif "advance_seconds" in members:
            time.advance(_duration(members["advance_seconds"]))
        if speed is not None:
            time.run(speed)

    async def list_faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": [each.shown() for each in self._fatoora.faults.armed()]})

    async def arm_faults(self, request: Request) -> Response:
        added = self._fatoora.faults.arm(read_script(await members_of(request)))
        return JSONResponse({"faults": [each.shown() for each in added]})

    async def clear_faults(self, _request: Request) -> Response:
        return JSONResponse({"cleared": self._fatoora.faults.clear()})

    async def clear_fault(self, request: Request) -> Response:
        text = request.path_params["fault"]
        number = number_in_path(text)
        if number is None:
            raise UnknownFault(fault=text)
        return JSONResponse({"cleared": self._fatoora.faults.clear(number)})

    async def take_snapshot(self, _request: Request) -> Response:
        return JSONResponse(_members(await anyio.to_thread.run_sync(self._fatoora.take_snapshot)))

    async def list_snapshots(self, _request: Request) -> Response:
        return JSONResponse({"snapshots": [_members(each) for each in self._fatoora.snapshots.kept()]})

    async def drop_snapshot(self, request: Request) -> Response:
        text = request.path_params["snapshot"]
        number = number_in_path(text)
        if number is None:
            raise UnknownSnapshot(snapshot=text)
        self._fatoora.snapshots.drop(number)
        return JSONResponse({"snapshots": [_members(each) for each in self._fatoora.snapshots.kept()]})

    async def restore(self, request: Request) -> Response:
        members = await members_of(request)
        number = members.get("id")
        if members.keys() != {"id"} or isinstance(number, bool) or not isinstance(number, int):
            allowed = '{"id": NUMBER} with the id of a snapshot'
            raise InvalidManagementRequest(field="restore", found=shown(members), allowed=allowed)
        await anyio.to_thread.run_sync(self._fatoora.restore_snapshot, number)
        return JSONResponse({"id": number, **self._clock()})

    async def list_switches(self, _request: Request) -> Response:
        switches = {
            each.value: {name: shown_value(value) for name, value in asdict(self._fatoora.switches(each)).items()}
            for each in Environment
        }
        return JSONResponse(switches)

    async def reset(self, request: Request) -> Response:
        await anyio.to_thread.run_sync(self._fatoora.reset)
        return await self.read_clock(request)


def _members(snapshot: Snapshot) -> dict[str, object]:
    return {"id": snapshot.id, "taken_at": utc_text(snapshot.taken_at)}


def _duration(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    return timedelta(seconds=value)


def _speed(members: dict[str, object]) -> float | None:
    """Return how fast the clock is to run: `frozen` is 0 or 1, `speed` says it; None leaves it."""
    frozen, speed = members.get("frozen", 1), members.get("speed", 1)
    if "frozen" in members:
        if "speed" in members or not isinstance(frozen, bool):
            raise ValueError(members)
        return 0.0 if frozen else 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 <= speed <= _FASTEST:
        raise ValueError(members)
    return float(speed) if "speed" in members else None
