"""Bespoke Curator on the same calls: `PYTHON curator.py URL ROWS FOLDER TEXT`, in an interpreter that has it."""

import importlib.util
import json
import os
import resource
import sys
import time

URL, ROWS, FOLDER, TEXT = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
LITELLM = importlib.util.find_spec("litellm").submodule_search_locations[0]
os.environ |= {
    "TIKTOKEN_CACHE_DIR": f"{LITELLM}/litellm_core_utils/tokenizers",  # its own copy: it would download one
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "TELEMETRY_ENABLED": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "CURATOR_CACHE_DIR": FOLDER,
    "OPENAI_API_KEY": "none",
}

from bespokelabs import curator  # noqa: E402 - it reads its environment when it is imported

limits = {"max_concurrent_requests": 64, "max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
model = curator.LLM(model_name="gpt-4o-mini", backend="openai", backend_params={"base_url": URL, **limits})
started = time.perf_counter()
answers = model([TEXT.format(number) for number in range(ROWS)])
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(
    json.dumps({"seconds": seconds, "peak_mb": peak, "ends": {"answered": len(getattr(answers, "dataset", answers))}})
)
