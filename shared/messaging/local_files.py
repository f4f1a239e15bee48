"""The channel of a laptop: each message becomes a file that can be read under /dev instead of received."""

import json
import os
from pathlib import Path

from shared.core import clock
from shared.messaging.channel import OutgoingMessage, Sent


class LocalFiles:
    """Writes messages into a folder, readable by its owner alone: what is in them would be anybody's mail."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which is made when the first message comes."""
        self._folder = folder

    def send(self, message: OutgoingMessage) -> Sent:
        """Write the message whole or not at all. The same message again replaces its file: a person reads one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {
            "at": clock.now().isoformat().replace("+00:00", "Z"),
            "channel": message.channel.value,
            "to": message.to,
            "from": message.sender,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "store_id": str(message.store_id),
            "purpose": message.purpose,
        }
        path = self._folder / f"{message.id}.json"
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        with os.fdopen(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return Sent(f"file:{path.name}")
