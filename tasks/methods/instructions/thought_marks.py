"""Marks that a model's answer must not carry: tags of its thought, and special tokens of its chat template.

A server that does not part the thought from the answer leaves `<think>` or the end of it in the text; one that stops
late leaves `<|im_end|>`. A model trained on such a text learns to write them. Text that talks about them is another
thing: in a code span, a code block, behind a backslash, or in quotes in a sentence they pass. Bare ones do not, since
nobody can tell the two apart.

Names are of the templates of DeepSeek, Qwen, Llama 2 to 4, Mistral, Gemma, Phi, GPT-OSS, Kimi, GLM, Granite, Seed,
Hunyuan, EXAONE and Apriel. Linear in the text. Precision and recall on a set of our own, part of which was kept aside
while this was written, are printed by `pytest -s tests/methods/test_thought_marks.py`.
"""

import re

VERSION = 1
SHOWN_CHARS = 60
_NEEDS = re.compile(r"[<\[◁]|assistant(?:final|analysis|commentary)|thought process:", re.IGNORECASE)

_THOUGHT = r"(?:\w{1,12}:)?(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|inner_monologue)"
_PLAIN = (
    "start_of_turn|end_of_turn|start_of_image|bos|eos|eod|eot|unk|pad|unused\\d+|reserved_\\d+|extra_id_\\d+"
    "|tool_calls?|tool_response|fim_prefix|fim_middle|fim_suffix"
)
_NAMES = "im_start|im_end|im_sep|eot_id|start_header_id|end_header_id|endoftext|begin_of_text|end_of_text"
_GEMMA = "turn|channel|think|tool|tool_call|tool_response|system|user|model|assistant|image|audio"
_MARK = re.compile(
    rf"""
    </?{_THOUGHT}(?:\s+[\w-]+=[^<>\n]{{0,40}})?/?>  # a thought, its beginning or its end
    | \[/?THINK\] | ◁/?think▷
    | \[(?:BEGIN|END)\ FINAL\ RESPONSE\]
    | <\|/?[\w.:/▁-]{{3,40}}\|> | <\uff5c[^\uff5c<>\n]{{1,40}}\uff5c>  # special tokens, with either bar
    | <\|(?:{_NAMES})\b | (?<![\w|])(?:{_NAMES})\|>        # half of one
    | <\|(?:{_GEMMA})> | <(?:{_GEMMA})\|>
    | </?(?:{_PLAIN})>
    | \[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK)\] | <</?SYS>>
    | \A</?answer> | </answer>\Z
    | assistant(?:final|analysis|commentary)(?=[A-Z\W]|\Z) | \Aanalysis(?=[A-Z][a-z])  # harmony without its tokens
    | \AHere(?:'s|\ is)\ my\ thought\ process:(?=[\s\S]{{0,20000}}?\n\s*Here(?:'s|\ is)\ my\ response:)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STRUCK = re.compile(r"</?s>", re.IGNORECASE)  # the ends of a sequence, but also text that is struck out
_BLOCK = re.compile(r"^([ ]{0,3})(`{3,}|~{3,})[^\n]*\n.*?^[ ]{0,3}\2[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n)[ \t]*\n(?:(?: {4}|\t)[^\n]*(?:\n|\Z)|[ \t]*\n)+")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?=\S)((?:[^`\n]|\n(?!\s*\n)){1,400}?)(?<=\S)(?<!`)\1(?!`)")
_QUOTED = re.compile(
    r"""(?<![\w"])"(?=\S)[^"\n]{1,60}(?<=\S)"(?!\w) | (?<![\w'])'(?=\S)[^'\n]{1,60}(?<=\S)'(?!\w)
    | “[^“”\n]{1,60}[”“] | „[^“”„\n]{1,60}[“”]
    | \u2018[^\u2018\u2019\n]{1,60}\u2019 | «[^«»\n]{1,60}» | 「[^「」\n]{1,60}」""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\[<\[]")


def mark(text: str) -> str | None:
    """Return the first mark that a text carries, with what is around it; None where it carries none."""
    if not _NEEDS.search(text):
        return None
    said = _without_mentions(text.strip())
    found = _MARK.search(said)
    if found is None and (ends := _STRUCK.findall(said)):
        opened = sum(end == "<s>" for end in map(str.lower, ends))
        around = said.strip().lower()
        is_whole = around.startswith("<s>") and around.endswith("</s>")
        found = _STRUCK.search(said) if is_whole or 2 * opened != len(ends) else None
    if found is None:
        return None
    begin = max(0, found.start() - SHOWN_CHARS // 3)
    return f"`{found.group()}` in: {' '.join(said[begin : begin + SHOWN_CHARS].split())}"


def _without_mentions(text: str) -> str:
    """Return the text without code, quotations and escaped brackets; as it is, where nothing else would be left."""
    left = text
    for mention in (_BLOCK, _INDENTED, _SPAN, _QUOTED, _ESCAPED):
        left = mention.sub(" ", left)
    return left.strip() or text
