"""Writes what the journeys say now into their files: `python -m tests.flows.golden.record [flow ...]`."""

import os
import sys

import django
import yaml

import tests.environment  # noqa: F401 - the settings of the tests


class _Plain(yaml.SafeDumper):
    """Long texts as blocks; nothing by reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Plain.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shopapp.settings")
    django.setup()
    from tests.flows.golden import player

    for flow in sys.argv[1:] or player.FLOWS:
        journeys = [
            {name: value for name, value in journey.items() if name not in ("said", "did", "ends")}
            | player.outcome(player.play(flow, journey))
            for journey in player.load(flow)
        ]
        (player.HERE / f"{flow}.yaml").write_text(
            yaml.dump(journeys, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=116), "utf-8"
        )
        sys.stdout.write(f"{flow}: {sum(len(journey['said']) for journey in journeys)} messages\n")


if __name__ == "__main__":
    main()
