"""distilabel on the same calls, with its cache: `PYTHON distilabel.py URL ROWS FOLDER TEXT`, where it is installed."""

import json
import resource
import sys
import time

sys.path.pop(0)  # this file has the library's name

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

URL, ROWS, FOLDER, TEXT = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

if __name__ == "__main__":
    with Pipeline("bench", cache_dir=FOLDER) as pipeline:
        rows = [{"instruction": TEXT.format(number)} for number in range(ROWS)]
        model = OpenAILLM(model="m", base_url=URL, api_key="none")
        LoadDataFromDicts(data=rows, batch_size=64) >> TextGeneration(llm=model, input_batch_size=64)
    started = time.perf_counter()
    answered = len(pipeline.run(use_cache=True)["default"]["train"])
    seconds = time.perf_counter() - started
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "ends": {"answered": answered}}))
