"""Key services are asked in parallel: a bounded number of requests at a time, each question once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from sops_python.errors import Attempt
from sops_python.keys.opening import Opening, Step, Unwrap

In = TypeVar("In")
Out = TypeVar("Out")


def open_all(openings: Iterable[Opening], unwrap: Unwrap, in_flight: int) -> None:
    """Ask for what the openings need until each has ended. An interruption ends it: nothing new is asked."""
    with ThreadPoolExecutor(in_flight, "sops-key") as pool:
        asked: dict[tuple[str, ...], Future[bytes | Attempt]] = {}
        running: dict[Future[bytes | Attempt], list[Step]] = {}

        def ask(step: Step) -> None:
            key = step.key
            future = asked.get(key.blob)
            if future is None:
                future = asked[key.blob] = pool.submit(unwrap, key)
            running.setdefault(future, []).append(step)

        try:
            for opening in openings:
                for step in opening.steps():
                    ask(step)
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    for step in running.pop(future):
                        for following in step.opening.answer(step, future.result()):
                            ask(following)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def map_all(function: Callable[[In], Out], items: Sequence[In], in_flight: int) -> list[Out]:
    """The function's results, in order."""
    with ThreadPoolExecutor(in_flight, "sops-key") as pool:
        return list(pool.map(function, items))
