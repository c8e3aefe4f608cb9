"""`khatm simulator`: a whole Fatoora on this machine."""

from pathlib import Path

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep the state in this folder.")
@click.option("--memory", is_flag=True, help="Keep the state in memory (the default without --data).")
@click.option("--set", "settings", multiple=True, metavar="ENVIRONMENT.SWITCH=VALUE", help="Change a behaviour.")
def simulator(host: str, port: int, data: Path | None, memory: bool, settings: tuple[str, ...]) -> None:
    """Serve the six gateway endpoints for sandbox, simulation and production, and /manage for machines.

    \b
    Prints "simulator ready: http://HOST:PORT" when it accepts connections. SIGTERM and Ctrl-C stop it cleanly.
    """
    from khatm.simulator.server import run

    if memory and data is not None:
        raise click.UsageError("--memory and --data exclude each other: say where the state is kept, once")
    run(host=host, port=port, data=data, settings=settings)
