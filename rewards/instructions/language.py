"""Whether a text is in one language, told by its script and its commonest words.

No detector of languages is among lpo's dependencies. The script decides where one language alone is written in it.
Languages that share a script are told apart by function words: the wanted one must have no fewer of the text's words in
its list than any other. A text in the right script with no such word at all ("Bonjour!") is given the benefit of the
doubt. So it tells English from German; it notices neither a foreign sentence in a long text nor that a text is in
a language of no list.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_SHARE = 0.5
"""The part of the letters that must be in the script: names and formulas are Latin everywhere, and longer."""
_FEW = 6
"""Words up to which a text may be too short to tell."""
_KNOWN_SHARE = 0.08
"""The part of a longer text's words that must be among the function words of its language."""

_SCRIPTS = {
    "LATIN": "en es pt fr de it nl pl vi sw fi",
    "CYRILLIC": "ru uk bg",
    "ARABIC": "ar fa ur",
    "DEVANAGARI": "hi mr ne",
    "GREEK": "el",
    "HEBREW": "he",
    "BENGALI": "bn",
    "THAI": "th",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "MALAYALAM": "ml",
    "HANGUL": "ko",
    "JAPANESE": "ja",
    "CHINESE": "zh",
}
LANGUAGES: dict[str, str] = {code: script for script, codes in _SCRIPTS.items() for code in codes.split()}
"""The script of each language, by ISO 639-1 code."""

_WORDS = {
    "en": "the of and to in is that it for was with as on are this be by not or from have an at you which but we can "
    "will has they their your what there if i my do so he she his her",
    "es": "el la los las de del y en que es un una por con para no se su lo como más pero al son está muy también o "
    "este esta ser ha sus cuando sobre hay yo mi tu",
    "pt": "o a os as de do da dos das e em que é um uma por com para não se seu sua mais mas ao são está muito também "
    "como ou este esta no na nos nas foi ser tem eu você",
    "fr": "le la les de du des et en que est un une pour avec ne pas se son sa ses dans qui au aux sur plus il elle "
    "ce cette sont par je vous nous ou mais été être",
    "de": "der die das und in ist nicht ein eine einen einem einer zu den dem des mit für auf von sich es auch im an "
    "als sie er wir ich aber oder wie werden sind wird hat bei nach",
    "it": "il lo la gli le di del della dei delle e in che è un una per con non si su più ma al sono anche come o "
    "questo questa essere ha nel nella io dal dalla",
    "nl": "de het een en van in is dat niet op te met voor zijn aan er ook om bij maar als naar door ze hij wij ik je "
    "of wordt worden kan heeft deze dit",
    "pl": "i w na z się nie do to jest że o jak po za od dla ale co są tak oraz przez przy być może jego jej ich tym "
    "tego który która które już czy",
    "vi": "và là của có được trong không một các cho những với này để người khi đã từ về như tôi bạn cũng đến ra ở "
    "sẽ rất nhiều thì mà hay hoặc chúng",
    "sw": "na ya wa kwa ni katika la za cha hii kuwa kama pia au si hiyo wao yake lakini kila sana hivyo kwamba huu "
    "mimi wewe yeye sisi ambayo ambao vya",
    "fi": "ja on ei että se hän ovat oli mutta myös kun niin kuin tai jos ne olla voi joka mitä tämä minä sinä me te "
    "sen hänen ole sekä jotka",
    "ru": "и в не на я что он с как это по но она к у из за от так все для его же вы мы бы о есть был была или также "
    "при этот эта чтобы они",
    "uk": "і в не на я що він з як це по але вона до у із за від так все для його ж ви ми б про є був була або також "
    "при цей ця щоб вони та й",
    "bg": "и в не на аз че той с как това по но тя към у из за от така всички да са се е съм бе или също при този "
    "тази те ще има може",
    "ar": "في من على إلى أن هذا هذه التي الذي ما لا هو هي مع عن كان كانت و أو قد كل بعد بين ثم حتى إن لم لن أنا أنت "
    "ذلك كما",
    "fa": "در به از که این را با است برای آن یک و بر تا هم می‌شود شود می شد بود خود ها یا اما اگر هر چه من شما او ما "
    "باید",
    "ur": "کے کی کا میں ہے اور سے کو پر نے کہ یہ ہیں اس ایک وہ بھی تھا نہیں جو کر ہو گا گے لیے ساتھ تو آپ ہم",
    "hi": "के की का में है और से को पर ने कि यह हैं इस एक वह भी था नहीं जो कर हो लिए साथ तो आप हम ये थे या",
    "mr": "आहे आणि मध्ये च्या हा ही हे ते या व की नाही होते आहेत एक साठी तर पण मी तो ती आपण केले करून असे होता",
    "ne": "छ र को मा छन् हो का यो पनि ले लाई एक भने गर्न गरेको हुन्छ त्यो तर म हामी उनी भएको थियो गर्ने यस नै छैन",
}
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff\u200c]+[^\W\d_]*)*")
_CODE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+", re.DOTALL)


def is_written_in(text: str, language: str) -> bool:
    """Whether a text is in the language of a code of `LANGUAGES`. One without letters is in none."""
    text = unicodedata.normalize("NFC", _CODE.sub(" ", text))
    letters = Counter(_script(character) for character in text if character.isalpha())
    script = LANGUAGES[language]
    total = letters.total()
    if not total:
        return False
    if script in ("CHINESE", "JAPANESE"):
        # Japanese has its syllables among Chinese characters; a text of characters alone is Chinese.
        syllables, characters = letters["KANA"], letters["CJK"]
        right = syllables + characters >= _SHARE * total
        return right and (syllables > 0.1 * (syllables + characters)) == (script == "JAPANESE")
    if letters[script] < _SHARE * total:
        return False
    rivals = _SCRIPTS[script].split()
    return len(rivals) == 1 or _wins(text.lower(), language, rivals)


def _wins(text: str, language: str, rivals: list[str]) -> bool:
    words = _WORD.findall(text)
    hits = {code: sum(word in _function_words(code) for word in words) for code in rivals}
    if len(words) > _FEW and hits[language] < _KNOWN_SHARE * len(words):
        return False
    return hits[language] == max(hits.values())


@lru_cache(maxsize=64)
def _function_words(language: str) -> frozenset[str]:
    return frozenset(_WORDS[language].split())


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    name = unicodedata.name(character, "").partition(" ")[0]
    return {"HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}.get(name, name)
