"""The server says of each example's known answer that it is right, and of an empty one that it is wrong."""

import asyncio
import json
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from app import CertifiedTasks, Config, VerifyRequest
from nemo_gym.server_utils import ServerClient

HERE = Path(__file__).parents[1]
EXAMPLES = [json.loads(line) for line in (HERE / "data" / "example.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row["verifier_metadata"]["id"])
def test_the_known_answer_is_right_and_an_empty_one_is_wrong(row: dict) -> None:
    config = Config(host="127.0.0.1", port=8080, entrypoint="", name="certified_tasks")
    server = CertifiedTasks(config=config, server_client=MagicMock(spec=ServerClient))

    def reward(text: str) -> float:
        part = {"type": "output_text", "text": text, "annotations": []}
        said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        of_model = {"id": "r", "created_at": 0, "model": "m", "object": "response", "output": [said]}
        of_model |= {"parallel_tool_calls": False, "tool_choice": "none", "tools": []}
        return asyncio.run(server.verify(VerifyRequest(**row, response=of_model))).reward

    assert reward(row["reference"]) == 1.0
    assert reward("") == 0.0
