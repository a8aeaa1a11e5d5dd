"""datatrove on the same calls, with its request cache: `PYTHON datatrove.py URL ROWS FOLDER TEXT` where it is."""

import json
import resource
import sys
import time

sys.path.pop(0)  # this file has the library's name

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter

URL, ROWS, FOLDER, TEXT = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


async def rollout(document, generate):  # noqa: ANN001, ANN201 - their protocol, in their interpreter
    """Ask for one document."""
    return await generate({"messages": [{"role": "user", "content": document.text}]})


if __name__ == "__main__":
    config = InferenceConfig(
        server_type="endpoint",
        model_name_or_path="m",
        endpoint_url=URL.removesuffix("/v1"),
        max_concurrent_generations=64,
        metric_interval=3600,
    )
    writer = JsonlWriter(f"{FOLDER}/out", output_filename="${rank}_${chunk_index}.jsonl", compression=None)
    runner = InferenceRunner(rollout, config, writer, checkpoints_local_dir=f"{FOLDER}/checkpoints")
    documents = [Document(text=TEXT.format(number), id=str(number)) for number in range(ROWS)]
    started = time.perf_counter()
    LocalPipelineExecutor(pipeline=[documents, runner], logging_dir=f"{FOLDER}/logs").run()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "ends": {"answered": ROWS}}))
