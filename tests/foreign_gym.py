"""What NeMo Gym says of answers over loopback: run by an interpreter that has the library, in a package of ours.

python foreign_gym.py < answers.json > said.json
"""

import json
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import uvicorn

sys.path.insert(0, str(Path.cwd()))
from app import CertifiedTasks, Config
from nemo_gym.config_types import DatasetConfig
from nemo_gym.server_utils import ServerClient
from omegaconf import OmegaConf


def body(row: dict[str, Any], text: str, verifier: str) -> bytes:
    part = {"type": "output_text", "text": text, "annotations": []}
    thought = {"type": "reasoning", "id": "t", "summary": [{"type": "summary_text", "text": "Answer: 12 metres"}]}
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "r", "created_at": 0, "model": "m", "object": "response", "output": [thought, said]}
    response |= {"parallel_tool_calls": False, "tool_choice": "none", "tools": []}
    metadata = {**row["verifier_metadata"], "verifier": verifier}
    return json.dumps(row | {"response": response, "verifier_metadata": metadata}).encode()


def main() -> None:
    given = json.load(sys.stdin)
    config = Config(host="127.0.0.1", port=0, entrypoint="app.py", name="tasks")
    app = CertifiedTasks(config=config, server_client=MagicMock(spec=ServerClient)).setup_webserver()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/verify"
    row = json.loads(Path("data/example.jsonl").read_text(encoding="utf-8").splitlines()[0])

    def verdict(text: str, verifier: str) -> Any:
        sent = urllib.request.Request(url, body(row, text, verifier), {"Content-Type": "application/json"})
        with urllib.request.urlopen(sent, timeout=60) as answer:
            said = json.load(answer)
        assert said["reward"] == float(said["verdict"] is True)
        assert said["mask_sample"] is (said["verdict"] is None)
        return said["verdict"]

    verifier = row["verifier_metadata"]["verifier"]
    found = {"prompt": row["responses_create_params"]["input"]}
    found["answers"] = [verdict(text, verifier) for text in given["answers"]]
    [file] = Path("configs").glob("*.yaml")
    agent = OmegaConf.to_container(OmegaConf.load(file))[f"{file.stem}_simple_agent"]["responses_api_agents"]
    found["sets"] = {one["name"]: DatasetConfig(**one).license for one in agent["simple_agent"]["datasets"]}
    found["hostile"] = [verdict("Answer: 12 m", one) for one in given["hostile"]]
    print(json.dumps(found))
    server.should_exit = True


if __name__ == "__main__":
    main()
