"""Speech and the words that report it are one sentence: '"Is it?" Tom asked.', “你好。”他说, 「はい。」と答えた."""

from __future__ import annotations

import re

from lpo.segmentation.abbreviations import REPORTING_VERBS

_ENGLISH = re.compile(
    r"(?!(?:He|She|They|We|I|It|You|The|A|An|His|Her|This|That|There|Then|But|And)\b)(?:(?:[A-Z][\w.'’-]*|the|his|her|my|our|their|a|an|old|young|little|one|another)\s+){1,4}?"
    rf"(?:{'|'.join(sorted(REPORTING_VERBS))})\b[^.!?:;,\n]{{0,60}}(?P<stop>[.!?:;,]?)"
)
# "I" is a capital either way. After a full stop a sentence of its own is likelier: a report would follow a comma.
_FIRST_PERSON = re.compile(
    rf"I\s+(?:\w+ly\s+)?(?:{'|'.join(sorted(REPORTING_VERBS))})\b[^.!?:;,\n]{{0,60}}(?P<stop>[.!?:;,]?)"
)
_CHINESE = re.compile(
    r"(?:[^，,。.！!？?：:；“”「」『』\n]{0,12}?(?:[说說问問喊叫答笑嚷叹嘆吼骂罵](?:着|著|了|道|一[声聲句])?|(?<!知)道)"
    r"|[他她它我你]们?[说說问問喊叫答][^，。！？：\n]{0,8})(?P<stop>[，,。.！!？?：:；\n]|$)"
)
# The quotation is a part of the sentence: “为什么？”这个问题.
_CHINESE_PART = re.compile(r"[的之]|时候|這[個句樣類種]|这[个句样类种]|一[词詞句声聲]|二字")
_JAPANESE_PARTICLE = re.compile(r"と|って|なんて|[のをはがにもでだか]")
_PERSIAN_VERBS = (
    "گفت|گفتم|گفتند|می‌گوید|می‌پرسد|پرسید|پرسیدم|پرسیدند|داد زد|فریاد زد|فریاد کشید|جواب داد|پاسخ داد|زمزمه کرد"
)
_ARABIC_VERBS = "قال|قالت|سأل|سألت|صاح|صاحت|أجاب|أجابت|همس|همست|صرخ|صرخت"
_URDU_VERBS = "کہا|پوچھا|بولا|بولی"
_RIGHT_TO_LEFT = re.compile(
    rf"[^.!؟؛،:«»\n]{{0,30}}?(?<!\w)(?:{_PERSIAN_VERBS}|{_ARABIC_VERBS}|{_URDU_VERBS})(?!\w)"
    r"[^.!؟؛،:«»\n]{0,30}(?P<stop>[.!؟؛،:\n۔]|$)"
)
_QUOTES = frozenset("\"'”’»」』›")
_OPENERS = {"”": "“", "」": "「", "』": "『"}


def reports_speech(mark: str, closers: str, after: str) -> bool:
    """Whether the text `after` a mark and its closing quotes says who spoke, or makes the quotation part of itself."""
    if not _QUOTES.intersection(closers):
        return False
    if "」" in closers or "』" in closers:
        return bool(_JAPANESE_PARTICLE.match(after)) or _ends_report(_CHINESE.match(after))
    if after[0] > "\u2e80":
        return bool(_CHINESE_PART.match(after)) or _ends_report(_CHINESE.match(after))
    if after.startswith("و "):  # «بیا.» و رفت
        return True
    if mark[-1] in "!?" and _ends_report(_FIRST_PERSON.match(after)):
        return True
    return _ends_report(_ENGLISH.match(after)) or _ends_report(_RIGHT_TO_LEFT.match(after))


def is_introduced(before: str, closers: str, after: str) -> bool:
    """Whether the quotation that ``before`` and its mark belong to follows a colon, 他说：“好。”, and ends there."""
    opener = _OPENERS.get(closers[0])
    if opener is None or (opener != "“" and _JAPANESE_PARTICLE.match(after)):
        return False
    outside, found, _ = before.rpartition(opener)
    return bool(found) and outside.rstrip().endswith(("：", ":"))


def _ends_report(report: re.Match[str] | None) -> bool:
    # '"No." She said: "Go."': what ends in a colon belongs to the speech after it.
    return report is not None and report["stop"] not in (":", "：")
