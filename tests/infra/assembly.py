"""What a synthesis wrote, read back as a deployment would."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

type Resource = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The templates of one stage, by the last part of their stack's name."""

    folder: Path

    @cached_property
    def templates(self) -> Mapping[str, dict[str, Any]]:
        """Return each stack's template."""
        return {
            path.name.removesuffix(".template.json").split("-", 2)[2]: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.glob("*.template.json"))
        }

    @property
    def files(self) -> list[Path]:
        """Return the templates' files."""
        return sorted(self.folder.glob("*.template.json"))

    def resources(self, kind: str, *, stack: str | None = None) -> Iterator[tuple[str, Resource]]:
        """Yield the logical id and the properties of all resources of a kind."""
        for name, template in self.templates.items():
            if stack in (None, name):
                for logical, resource in template["Resources"].items():
                    if resource["Type"] == kind:
                        yield logical, resource.get("Properties", {})

    def one(self, kind: str, *, stack: str | None = None) -> Resource:
        """Return the properties of the only resource of a kind."""
        [(_, properties)] = self.resources(kind, stack=stack)
        return properties

    def functions(self) -> dict[str, Resource]:
        """Return our functions, by their name without the stage."""
        found = (properties for _, properties in self.resources("AWS::Lambda::Function"))
        return {one["FunctionName"].split("-", 2)[2]: one for one in found if "Layers" in one}

    def counts(self) -> dict[str, int]:
        """Return how many resources each stack has."""
        return {name: len(template["Resources"]) for name, template in self.templates.items()}

    def after(self, stack: str) -> set[str]:
        """Return the stacks that are deployed before a stack, directly or not."""
        manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        stacks = {name: set(one.get("dependencies", ())) for name, one in manifest.items()}
        [start] = [name for name in stacks if name.count("-") >= 2 and name.split("-", 2)[2] == stack]
        seen: set[str] = set()
        left = [start]
        while left:
            for earlier in stacks.get(left.pop(), set()) - seen:
                seen.add(earlier)
                left.append(earlier)
        return {name.split("-", 2)[2] for name in seen if name.count("-") >= 2 and not name.endswith(".assets")}


def text(value: object) -> str:
    """Return a property as one text, with what is only known at deployment in brackets."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(text(one) for one in value)
    if isinstance(value, dict):
        [(name, inner)] = value.items()
        if name == "Fn::Join":
            return text(inner[0]).join(text(one) for one in inner[1])
        return f"<{json.dumps(inner)}>"
    return str(value)
