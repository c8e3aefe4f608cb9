"""The bench: what no real authority lets anyone touch. Faults, the clock, snapshots, and a fresh start."""

import json
from collections import defaultdict
from datetime import datetime, timedelta

import anyio.to_thread
from starlette.responses import Response

from khatm.clock import SAUDI, saudi_time
from khatm.environment import Environment
from khatm.errors import KhatmError
from khatm.simulator.errors import InvalidManagementRequest, UnknownFault, UnknownSnapshot
from khatm.simulator.fault_script import EVERY_ENDPOINT, read_script
from khatm.simulator.faults import ENDPOINT_NAMES
from khatm.simulator.manage_reading import number_in_path, shown
from khatm.simulator.web.fault_form import EFFECTS, script_of
from khatm.simulator.web.visit import Visit, one

_FAULTS, _TIME = "/portal/faults", "/portal/time"
_JUMPS = {"hour": 3600, "otp": 3660, "day": 86400, "late": 90000, "year": 31536000}
_SPEEDS = {"0": 0.0, "1": 1.0, "60": 60.0, "3600": 3600.0}
_CLOCK_ACTIONS = ("advance", "set", "speed", "true")
_FARTHEST = 10**10


async def faults(visit: Visit) -> Response:
    """Show the form and what is armed."""
    return _faults_page(visit, {})


async def arm(visit: Visit) -> Response:
    """Arm what the form describes; what cannot be armed is said beside the form as it was filled in."""
    fields = await visit.form()
    given = {name: one(fields, name) for name in fields}
    try:
        visit.fatoora.faults.arm(read_script(script_of(given)))
    except KhatmError as error:
        return _faults_page(visit, given, error)
    return visit.redirect(_FAULTS, notice="fault_armed")


async def clear(visit: Visit) -> Response:
    """Clear one fault, or all of them."""
    text = one(await visit.form(), "fault")
    number = number_in_path(text)
    if text and number is None:
        raise UnknownFault(fault=text[:20])
    visit.fatoora.faults.clear(number)
    return visit.redirect(_FAULTS, notice="faults_cleared")


async def time(visit: Visit) -> Response:
    """Show the clock and the snapshots."""
    fatoora = visit.fatoora
    now = fatoora.clock.now()
    shift = fatoora.time.shift
    return visit.page(
        "time.html",
        now=now,
        local=saudi_time(now).strftime("%Y-%m-%dT%H:%M"),
        speed=fatoora.time.speed,
        speeds=_SPEEDS,
        shift=_duration_text(shift) if abs(shift) >= timedelta(seconds=1) else None,
        jumps=_JUMPS,
        snapshots=fatoora.snapshots.kept(),
    )


async def move_clock(visit: Visit) -> Response:
    """Advance or set the clock, stop it, or let it run at another speed."""
    fields, clock = await visit.form(), visit.fatoora.time
    action, text = one(fields, "action"), one(fields, "value")
    try:
        match action:
            case "advance":
                clock.advance(_seconds(text))
            case "set":
                clock.set(datetime.fromisoformat(text).replace(tzinfo=SAUDI))
            case "speed":
                clock.run(_SPEEDS[text])
            case "true":
                clock.restore()
            case _:
                raise InvalidManagementRequest(field="action", found=shown(action), allowed=", ".join(_CLOCK_ACTIONS))
    except (ValueError, OverflowError, KeyError):
        allowed = f"seconds, a time such as 2027-01-31T08:00, or one of the speeds {', '.join(_SPEEDS)}"
        raise InvalidManagementRequest(field="clock", found=shown(text), allowed=allowed) from None
    return visit.redirect(_TIME, notice="clock_moved")


async def keep(visit: Visit) -> Response:
    """Take, restore or drop a snapshot."""
    fields, fatoora = await visit.form(), visit.fatoora
    action, text = one(fields, "action"), one(fields, "snapshot")
    if action == "take":
        await anyio.to_thread.run_sync(fatoora.take_snapshot)
        return visit.redirect(_TIME, notice="snapshot_taken")
    number = number_in_path(text)
    if number is None:
        raise UnknownSnapshot(snapshot=text[:20])
    if action == "restore":
        await anyio.to_thread.run_sync(fatoora.restore_snapshot, number)
        return visit.redirect(_TIME, notice="snapshot_restored")
    fatoora.snapshots.drop(number)
    return visit.redirect(_TIME, notice="snapshot_dropped")


async def reset(visit: Visit) -> Response:
    """Begin again, if that is meant."""
    if one(await visit.form(), "sure") != "yes":
        return visit.redirect(_TIME, notice="reset_unsure")
    await anyio.to_thread.run_sync(visit.fatoora.reset)
    return visit.redirect(_TIME, notice="reset_done")


def _faults_page(visit: Visit, given: dict[str, str], error: KhatmError | None = None) -> Response:
    armed = [
        {**each.shown(), "text": json.dumps(each.fault.members, ensure_ascii=False)}
        for each in visit.fatoora.faults.armed()
    ]
    return visit.page(
        "faults.html",
        200 if error is None else 400,
        armed=armed,
        given=defaultdict(str, given),
        problem=None if error is None else error.sentence(visit.language),
        endpoints=(EVERY_ENDPOINT, *ENDPOINT_NAMES),
        environments=[each.value for each in Environment],
        effects=tuple(EFFECTS),
    )


def _seconds(text: str) -> timedelta:
    seconds = int(text)
    if abs(seconds) > _FARTHEST:
        raise ValueError(text)
    return timedelta(seconds=seconds)


def _duration_text(duration: timedelta) -> str:
    """Return a duration with its sign: `+1d 02:03:04`."""
    seconds = round(duration.total_seconds())
    days, rest = divmod(abs(seconds), 86400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{'-' if seconds < 0 else '+'}{f'{days}d ' if days else ''}{clock}"
