"""What the commands that know units work with: the home, its ledger, and a gateway for each unit."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from khatm.cli.output import progress
from khatm.clock import Clock, SystemClock
from khatm.ledger.home import Home
from khatm.ledger.ledger import Ledger, open_ledger
from khatm.ledger.units import Unit

if TYPE_CHECKING:
    from khatm.gateway.client import Gateway


@dataclass
class Workplace:
    """An open ledger with its home and clock; gateways are made per unit and closed with the workplace."""

    home: Home
    ledger: Ledger
    clock: Clock
    _gateways: "dict[tuple[int, str | None], Gateway]" = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def gateway(self, unit: Unit) -> "Gateway":
        """Return the gateway client of a unit: its own address, else KHATM_GATEWAY_URL, else ZATCA's."""
        from khatm.gateway.client import Gateway

        address = unit.gateway_url or os.environ.get("KHATM_GATEWAY_URL") or None
        with self._making:
            known = self._gateways.get((unit.id, address))
            if known is None:
                known = Gateway(unit.environment, base_url=address, clock=self.clock)
                self._gateways[unit.id, address] = known
            return known

    def say_master_key(self) -> None:
        """Say, once, that a sealing key was made because no passphrase is set."""
        if self.home.master_key_created:
            self.home.master_key_created = False
            progress(
                f"made {self.home.master_key_path}: it seals keys and secrets. Back it up, or set KHATM_PASSPHRASE."
            )

    def close(self) -> None:
        """Close the gateways and the ledger."""
        for gateway in self._gateways.values():
            gateway.close()
        self.ledger.close()


@contextmanager
def open_workplace(
    home: Home | None = None, clock: Clock | None = None, *, upgrade: bool = False
) -> Iterator[Workplace]:
    """Open the ledger of KHATM_HOME (or of a given home) for the length of a command; `upgrade` as in `open_ledger`."""
    home, clock = home or Home(), clock or SystemClock()
    workplace = Workplace(home, open_ledger(home, clock, upgrade=upgrade), clock)
    try:
        yield workplace
    finally:
        workplace.say_master_key()  # also when the command failed: the key is made, and this is the only time
        workplace.close()
