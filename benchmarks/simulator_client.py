"""The client of the benchmark `simulator`, a process of its own: sends calls over open connections, times the answers.

`python -m benchmarks.simulator_client HOST PORT FILE…`: a connection for each file, which holds calls, each after its
length in four octets. Prints the seconds from the first call to the last answer, then what each answer took, one a
line. Every answer must be a 200. It knows no HTTP but Content-Length, so that it costs the machine little.
"""

import re
import socket
import sys
import threading
import time
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_PORTION = 256 * 1024


def main() -> None:
    """Send everything, then print."""
    host, port, *files = sys.argv[1:]
    taken: list[float] = []
    failures: list[str] = []
    threads = [
        threading.Thread(target=_send, args=((host, int(port)), _calls(Path(file).read_bytes()), taken, failures))
        for file in files
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - began
    if failures:
        sys.exit(failures[0])
    print(whole, *taken, sep="\n")


def _calls(data: bytes) -> list[bytes]:
    found = []
    start = 0
    while start < len(data):
        size = int.from_bytes(data[start : start + 4])
        found.append(data[start + 4 : start + 4 + size])
        start += 4 + size
    return found


def _send(address: tuple[str, int], calls: list[bytes], taken: list[float], failures: list[str]) -> None:
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for call in calls:
            if failures:
                return
            began = time.perf_counter()
            connection.sendall(call)
            answer = _answer(connection)
            taken.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200 "):
                failures.append(answer[:2000].decode("utf-8", "replace"))


def _answer(connection: socket.socket) -> bytes:
    data = connection.recv(_PORTION)
    while data:
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            length = _LENGTH.search(head)
            if length is not None and len(body) >= int(length[1]):
                break
        part = connection.recv(_PORTION)
        if not part:
            break
        data += part
    return data


if __name__ == "__main__":
    main()
