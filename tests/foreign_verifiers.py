"""What `verifiers` says of answers: run by an interpreter that has the library, with a package of ours on its path.

    python foreign_verifiers.py MODULE < answers.json > said.json

It is given texts for the first task and verifiers of other tasks; it gives the reward and the metric of each, and what
a rollout against a server (where the library is older than 0.3) is worth.
"""

import asyncio
import importlib
import json
import sys
from typing import Any

import verifiers


def said(reward: float, has_verdict: float) -> bool | None:
    return bool(reward) if has_verdict else None


async def single_turn(module: Any, given: dict[str, Any]) -> dict[str, Any]:
    environment = module.load_environment()
    row = environment.get_dataset()[0]

    async def scored(text: str, verifier: str) -> bool | None:
        completion = [{"role": "assistant", "content": text}]
        info = {**(json.loads(row["info"]) if isinstance(row["info"], str) else row["info"]), "verifier": verifier}
        state = verifiers.State(prompt=row["prompt"], completion=completion, answer=row["answer"], info=info)
        state["timing"] = {"scoring_ms": 0.0, "total_ms": 0.0}
        await environment.rubric.score_rollout(state)
        return said(state["reward"], state["metrics"]["has_verdict"])

    verifier = (json.loads(row["info"]) if isinstance(row["info"], str) else row["info"])["verifier"]
    found = {"prompt": row["prompt"], "answers": [await scored(text, verifier) for text in given["answers"]]}
    found["hostile"] = [await scored("Answer: 12 m", one) for one in given["hostile"]]
    client = verifiers.types.ClientConfig(api_base_url=given["server"], api_key_var="NO_KEY")
    rolled = await environment.generate(environment.get_dataset(), client=client, model="m")
    outputs = rolled.get("outputs", rolled)
    return found | {"rollout": [one["reward"] for one in outputs]}


async def taskset(module: Any, given: dict[str, Any]) -> dict[str, Any]:
    import verifiers.v1 as vf
    from verifiers.v1.utils.loaders import load_taskset, taskset_class

    name = module.__name__
    loaded = load_taskset(module.Tasks.__orig_bases__[0].__args__[1](id=name))
    assert taskset_class(name) is module.Tasks
    [task] = list(loaded)

    async def scored(text: str, **changed: Any) -> bool | None:
        trace = a_trace(vf, task, text)
        await task.with_data(**changed).score(trace)
        return said(trace.reward, trace.metrics["has_verdict"])

    found = {
        "prompt": [{"role": one.role, "content": one.content} for one in task.data.prompt],
        "answers": [await scored(text) for text in given["answers"]],
    }
    found["hostile"] = [await scored("Answer: 12 m", verifier=one) for one in given["hostile"]]
    return found | {"is_valid": await task.validate(None), "key": task.key}


def a_trace(vf: Any, task: Any, text: str) -> Any:
    told = vf.TraceTask(data=task.data, hash=task.hash, key=task.key, type=type(task).__name__)
    trace = vf.Trace(task=told, agent=vf.AgentInfo.model_construct())
    trace.nodes.append(vf.MessageNode(message=vf.AssistantMessage(content=text), sampled=True))
    return trace


if __name__ == "__main__":
    package, asked = importlib.import_module(sys.argv[1]), json.load(sys.stdin)
    way = single_turn if hasattr(package, "load_environment") else taskset
    print(json.dumps(asyncio.run(way(package, asked)) | {"version": verifiers.__version__, "way": way.__name__}))
