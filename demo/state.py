"""Everything the pretend world knows, in one dictionary of plain JSON, guarded by one lock,
kept in a file between starts."""

import json
import os
import threading
from pathlib import Path
from typing import Any

SAVE_EVERY = 0.5  # seconds


class State:
    def __init__(self, file: Path | None = None):
        self.lock = threading.RLock()
        self.file = file
        self.data: dict[str, Any] = {}
        self.changed = threading.Event()
        self.stopped = threading.Event()
        if file and file.exists():
            self.data = json.loads(file.read_text("utf-8"))
        self.thread: threading.Thread | None = None
        if file:
            self.thread = threading.Thread(target=self._keep, name="demo-state", daemon=True)
            self.thread.start()

    def part(self, name: str) -> Any:
        with self.lock:
            return self.data.setdefault(name, {})

    def next_number(self, name: str, start: int) -> int:
        with self.lock:
            numbers = self.data.setdefault("numbers", {})
            numbers[name] = numbers.get(name, start - 1) + 1
            self.touch()
            return int(numbers[name])

    def touch(self) -> None:
        self.changed.set()

    def save(self) -> None:
        if not self.file:
            return
        with self.lock:
            self.changed.clear()
            text = json.dumps(self.data)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_suffix(".new")
        beside.write_text(text, "utf-8")
        os.replace(beside, self.file)

    def _keep(self) -> None:
        while not self.stopped.wait(SAVE_EVERY):
            if self.changed.is_set():
                self.save()

    def stop(self) -> None:
        self.stopped.set()
        if self.thread:
            self.thread.join(5)
            self.save()
