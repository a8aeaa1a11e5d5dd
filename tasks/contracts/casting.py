"""Who is asked for what, and that the stand-in can't pass for a real model.

The stand-in says by its names that it is none: they begin with `offline-`, whether it was asked for under such a name
or answered under one.
"""

import re
from collections.abc import Collection

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Endpoint, Role, Settings

STAND_IN = "offline-"  # how the names of the stand-in's models begin
OFFLINE = "offline"  # the `base_url` of the built-in one
NOT_FOR_TRAINING = "These rows were made by the offline stand-in, which is not a language model: do not train on them."

_FILE = re.compile(r"^(?:[/\\~.]|[A-Za-z]:[/\\])|\.(?:gguf|ggml|bin|safetensors|pt|pth|onnx)$", re.IGNORECASE)
WRITERS = ("generator", "responder")


def is_stand_in(*names: str | None) -> bool:
    """Whether any of a model's names (asked for, served) is one of the stand-in's."""
    return any(name.startswith(STAND_IN) for name in names if name)


def without_directories(name: str) -> str:
    """Return a model's name; of one that is a file's path, what that file is called: folders say where it lay.

    `Qwen/Qwen3-8B` is a name and stays; `/home/me/models/q.gguf` and `models/q.gguf` are `q.gguf`.
    """
    if not _FILE.search(name):
        return name
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1]


def cast(settings: Settings, also: Collection[str] = ()) -> dict[str, Role]:
    """Return the roles that a whole run of this profile asks, by name; `also` those that its programs ask."""
    models, judges = settings.models, settings.verdicts.judges
    moderator = models.moderator if "moderation" in judges else None
    is_judging = (
        {*settings.scores.judges} - settings.scores.unasked,
        settings.seeds.min_score,
        settings.groundings.choice == "listwise",
        settings.groundings.judge_support,
        settings.preferences.draws and settings.preferences.judge not in settings.scores.unasked,
        [name for name in judges if name != "moderation" or moderator is None],
    )
    found = {"generator": models.generator, "responder": models.responder}
    if any(is_judging) or "judge" in also:
        found["judge"] = models.judge
    found |= {name: models.roles[name] for name in sorted(also) if name in models.roles}
    if moderator is not None:
        found["moderator"] = moderator
    if settings.embeddings.embedder == "endpoint":
        found["embedder"] = models.embedder
    return found


def refuse_stand_ins(settings: Settings, also: Collection[str] = ()) -> None:
    """Return when no stand-in would pass for a real model, nor choose among a real model's rows.

    A real judge of a stand-in's rows is allowed: its rows say whose they are. `also` are roles that programs ask.

    Raises:
        UsageError: The built-in stand-in would answer under a real model's name, or stands beside a real writer.
    """
    roles = cast(settings, also)
    for name, role in roles.items():
        if any(endpoint.base_url == OFFLINE for endpoint in role.endpoints) and not is_stand_in(role.model):
            shared = Endpoint(base_url=settings.models.base_url, key_env=settings.models.key_env)
            where = "models.base_url" if role.endpoints == (shared,) else f"models.{name}.endpoints"
            raise UsageError(
                f"{where} is `{OFFLINE}`, so the built-in stand-in would answer as {role.model}; set {where}",
                hint="for OPENAI_BASE_URL, or else OpenAI: --set models.base_url= ; for a server of your own: --set "
                "models.base_url=http://127.0.0.1:8000/v1",
            )
    real = [name for name in WRITERS if not is_stand_in(roles[name].model)]
    if not real:
        return
    for name, role in roles.items():
        if is_stand_in(role.model):
            work, place = (
                _WORK.get(name, _WORK["generator"]),
                f"roles.{name}" if name in settings.models.roles else name,
            )
            raise UsageError(
                f"models.{name} is `{role.model}`, the offline stand-in, beside models.{real[0]}, which is "
                f"`{roles[real[0]].model}`: it is not a language model, and must not {work} a real one's rows",
                hint=f"name a model: --set models.{place}.model=NAME{_ELSE.get(name, '')}",
            )


_WORK = {
    "generator": "stand among",
    "responder": "stand among",
    "judge": "choose among",
    "moderator": "moderate",
    "embedder": "compare",
}
_ELSE = {
    "judge": " ; if it is the writer's own, also --set scores.allow_same_model=true",
    "embedder": " ; or --set embeddings.embedder=hashing",
}
