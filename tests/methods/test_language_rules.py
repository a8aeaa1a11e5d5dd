"""Rules for Chinese and for languages of India: what each refuses, what it keeps, and for whom it was made."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.methods.pages import language_rules, quality
from wellspring.tasks.methods.pages.languages import identify

CHINESE = "这道菜先把土豆切成丝,用清水泡十分钟。锅里放油,油热后放蒜,再放土豆丝,大火炒三分钟,最后放盐和醋。"
INDIA = {
    "hi": "यह गाँव नदी के किनारे है और यहाँ के लोग खेती से अपना घर चलाते हैं। बरसात में नदी का पानी खेतों तक आता है।",
    "bn": "এই গ্রামটি নদীর ধারে এবং এখানকার মানুষ চাষ করে সংসার চালায়। বর্ষায় নদীর জল মাঠ থেকে বাড়ি পর্যন্ত আসে।",
    "ta": "இந்த ஊர் ஆற்றின் கரையில் உள்ளது மற்றும் மக்கள் விவசாயம் செய்கிறார்கள். ஒரு மழைக்காலத்தில் நீர் வயல்களுக்கு வரும்.",
    "te": "ఈ ఊరు నది ఒడ్డున ఉంది మరియు ఇక్కడి ప్రజలు వ్యవసాయం చేస్తారు. వర్షాకాలంలో ఒక కాలువ కూడా పొలాలకు నీరు తెస్తుంది.",
    "ur": "گاؤں دریا کے کنارے ہے اور یہاں کے لوگ کھیتی سے گھر چلاتے ہیں\u06d4 برسات میں دریا کا پانی کھیتوں تک آتا ہے",
}


def refusal(text: str, names: list[str], language: str) -> str:
    try:
        quality.check(text, quality.rules(names), language)
    except Rejection as found:
        return found.detail
    return ""


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("promotion", f"{CHINESE} 想学的加我微信。"),
        ("promotion", f"{CHINESE} 关注我们的公众号。"),
        ("applause", f"{CHINESE} 喜欢请点赞收藏。"),
        ("pictures", f"{CHINESE} 如图,再见下图。"),
        ("unfinished", f"{CHINESE} 展开阅读全文"),
        ("han_share", "Use the wok 和 oil at once."),
    ],
)
def test_each_rule_for_chinese_refuses_what_it_is_there_for(rule: str, text: str) -> None:
    assert refusal(text, ["cqia"], "zh").startswith(f"cqia.{rule} is ")
    assert not refusal(CHINESE, ["cqia"], "zh")
    assert not refusal(text, ["cqia"], "ja")


def test_lines_about_a_chinese_text_are_taken_out_of_it() -> None:
    about = ["作者:王小明", "编辑于 2021-03-04", "著作权归作者所有。", "1234 人赞同", "转载请注明出处"]
    spoken = "记者:这道菜要做多久,家里没有大锅的人应该怎么办,您有没有什么好的办法可以教给我们的读者和他们的孩子呢?"

    kept = quality.without_lines("\n".join([*about, CHINESE, spoken]), quality.rules(["cqia_lines"]), "zh")

    assert kept == f"{CHINESE}\n{spoken}"


@pytest.mark.shared
def test_most_articles_of_chinese_news_pass_whole(shared: Path) -> None:
    with gzip.open(shared / "web" / "zh_gbk.gold.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["content"] for line in file]

    said = Counter(refusal(text, ["cqia"], "zh").partition(" ")[0] for text in texts)

    assert len(texts) == 30
    assert said == {"": 27, "cqia.pictures": 2, "cqia.promotion": 1}


@pytest.mark.parametrize("language", INDIA)
def test_a_text_of_india_passes_in_its_language_and_each_flag_says_its_rule(language: str) -> None:
    text = INDIA[language]
    words = text.split()

    assert identify(text) == language
    assert not refusal(text, ["indic"], language)
    assert refusal(f"{text} {'Price list of mobile phones ' * 9}", ["indic"], language).startswith("indic.script_share")
    assert refusal(f"{text} {'* 12:30 ' * 20}", ["indic"], language).startswith("indic.other_share")
    assert refusal("\n".join(words), ["indic"], language).startswith("indic.line_words is 1, less than ")
    stripped = " ".join(word for word in words if not language_rules.function_words([word]))
    assert refusal(stripped, ["indic"], language).startswith("indic.function_words is 0, less than 2")
    assert refusal(f"{text}\n{text}", ["indic"], language).startswith("indic.repeated_lines is 0.5, more than 0.3")
    assert not refusal("12:30 * 4", ["indic"], "en")


def test_bounds_differ_by_language_and_a_profile_can_set_them() -> None:
    of_four = {language: " ".join(INDIA[language].split()[:4]) for language in ("hi", "ta")}
    only = ["indic.line_words"]

    assert refusal(of_four["hi"], only, "hi") == "indic.line_words is 4, less than 5"
    assert refusal(of_four["ta"], only, "ta") == ""
    assert refusal(of_four["hi"], ["indic.line_words@hi>=4"], "hi") == ""
    assert refusal(of_four["ta"], ["indic.line_words@ta>=6"], "ta") == "indic.line_words is 4, less than 6 for ta"
    assert refusal(of_four["ta"], ["indic.line_words@hi>=6"], "ta") == ""
    assert refusal(of_four["hi"], ["indic.line_words@hi<=3"], "hi") == "indic.line_words is 4, less than 5 for hi"
    with pytest.raises(UsageError, match="no quality rule"):
        quality.rules(["indic.nothing@hi>=4"])
