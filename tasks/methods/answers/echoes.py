"""Is an answer its instruction once more, or a piece of a prompt, in place of an answer.

An echo is the whole instruction, or next to nothing but words that stand in it, in its order. Where the instruction
carries a text and asks for something that leaves most of it as it is (proofreading, choosing, sorting, completing),
only all of the instruction is one. A question said again before it is answered is none.

Of prompts: the fences that we put texts in, headings of chat templates that hold an instruction, a role that is given.
"""

import re

from wellspring.tasks.contracts.prompting import OUR_FENCE
from wellspring.tasks.methods.instructions.copies import coverage, rouge_l, words

VERSION = 1
LEAST_WORDS, SHORT_WORDS, RUN_WORDS = 4, 20, 5
MOST_WORDS = 1_500  # of either text: what is longer is compared by its start
WHOLE, MOST, NEARLY_ALL = 0.9, 0.8, 0.9
_MOST_CHARS = 12_000
_SHOWN_CHARS = 60
_OPENING_CHARS = 300

_LEAD = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|okay|ok)[,.!: ]{1,3})?(?:(?:question|instructions?|prompt|task|user"
    r"|human|query|input|q|you asked"
    r"|your question(?: is| was)?|the question is|frage|pregunta|pergunta|question posée|вопрос|问题|質問"
    r"|질문)\s*[:\uff1a]\s*)?",
    re.IGNORECASE,
)
_KEEPS = re.compile(
    r"\b(?:re-?writ\w+|re-?phras\w+|paraphras\w+|proof-?read\w*|correct\w*|edit\w*|fix\w*|improve|extract\w*|copy"
    r"|repeat|quote|which|choose"
    r"|select|pick|sort\w*|arrange|re-?order|order|format\w*|convert\w*|punctuat\w+|identify|highlight|underline"
    r"|find|summar\w+|capital\w*"
    r"|spell\w*|grammar\w*|reverse|remove|delete|replace|change|complete|continue|finish|fill|insert|add|make"
    r"|turn|transform|combine|join|merge"
    r"|separate|split|classify|categori[sz]e|label|tag|list|name|translate|edita|corri\w+|verbess\w+|korrigier\w+"
    r"|vervollständ\w+|complét\w+"
    r"|réécri\w+|reescri\w+|исправ\w+|перепиш\w+|or)\b|改|纠正|修正|続き|校正|选择|選|고쳐|수정|صحح|اختر|أكمل|सुधार",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    rf"{OUR_FENCE.pattern}"
    r"|\A\W*(?:#{1,4} ?(?:instructions?|input|system|user)\b ?:?\s*\n|<(?:instructions?|system|user|prompt)>"
    r"|below is an instruction that)"
    r"|\A\W*you are (?:a|an) (?:\w+[ -]){0,4}(?:assistant|language model|chatbot|ai)\b"
    r"|\A\W*(?:user|human|system) ?: ?.{0,400}?\n\W*(?:assistant|ai|bot|model) ?:",
    re.IGNORECASE | re.DOTALL,
)
_WANTS_PROMPT = re.compile(
    r"\b(?:prompts?|system|role|persona|chatbots?|assistants?|dialog(?:ue)?|conversation|chat|transcript|xml"
    r"|instruct\w*)\b",
    re.IGNORECASE,
)


def echo(response: str, instruction: str) -> str | None:
    """Return what an answer repeats, and how much of it is that; None where it says something of its own."""
    if (found := _PROMPT.search(response)) and not _WANTS_PROMPT.search(instruction):
        return f"words of a prompt: `{' '.join(found.group().split())[:_SHOWN_CHARS]}`"
    lead = _LEAD.match(response)
    said, asked = response[lead.end() if lead else 0 :][:_MOST_CHARS], instruction[:_MOST_CHARS]
    own = words(said)
    if len(own) < LEAST_WORDS or len(own) > MOST_WORDS:
        return None
    if _is_whole(own, words(asked), is_long="\n" in asked.strip()) and (share := rouge_l(said, asked)) >= WHOLE:
        return f"{share:.0%} of it and of its instruction are the same"
    if _KEEPS.search(asked) or "\n" in asked.strip():
        return None
    needed = MOST if len(own) >= SHORT_WORDS else NEARLY_ALL
    share = coverage(said, asked, RUN_WORDS)
    return f"{share:.0%} of it stands in its instruction" if share >= needed else None


def _is_whole(own: list[str], asked: list[str], *, is_long: bool) -> bool:
    """Whether an answer has the beginning of its instruction; of a long one its end, too."""
    said = f" {' '.join(own)} "
    parts = (asked[:3], asked[-3:]) if is_long else (asked[:3],)
    return len(own) <= 2 * len(asked) and all(f" {' '.join(part)} " in said for part in parts)
