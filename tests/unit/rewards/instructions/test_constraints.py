"""Each constraint on texts that keep to it and texts that do not, labelled by hand."""

import pytest

from rewards.instructions.language import LANGUAGES
from rewards.instructions.reading import KINDS, read_constraints, read_ifeval

LONG = "This is a sentence with the word of the day. " * 20

TABLE = [
    # kind and parameters, texts that keep to it, texts that do not
    (
        {"kind": "keywords", "words": ["apple", "ice cream"]},
        ["An Apple, and ice\ncream.", "ice  cream apple", "**apple** ice cream!"],
        ["apples and ice cream", "apple", "pineapple ice cream"],
    ),
    ({"kind": "keywords", "words": ["c++"]}, ["I write C++."], ["I write C+."]),
    (
        {"kind": "keyword_count", "word": "so", "at_least": 2, "at_most": 3},
        ["So it is so.", "so so so"],
        ["so", "soap and sofa are so", "so so so so"],
    ),
    (
        {"kind": "forbidden_words", "words": ["bad", "very good"]},
        ["badly", "good, very", ""],
        ["Bad!", "It is very\ngood", "so-bad"],
    ),
    ({"kind": "letter_count", "letter": "E", "exactly": 3}, ["eEe", "we see"], ["ee", "eeee"]),
    ({"kind": "letter_count", "letter": "#", "at_least": 2}, ["# a #"], ["#"]),
    (
        {"kind": "words", "exactly": 4},
        ["I don't know him", "well-known: one - two, three", "我是谁吗", "- a b\n- c d"],
        ["I do not know him", "", "one two three"],
    ),
    ({"kind": "words", "exactly": 4, "pieces": True}, ["I don't know"], ["I don't know him"]),
    (
        {"kind": "sentences", "exactly": 2},
        [
            "Dr. Smith paid $3.50 at 5 p.m. yesterday. He left!",
            "Why? Because.",
            "- one\n- two",
            "It is 3.14. That is pi...",
            "我来了。他走了。",
        ],
        ["Only one", "One. Two. Three.", "!!! ???", "It is e.g. this."],
    ),
    (
        {"kind": "paragraphs", "exactly": 2},
        ["one\n\ntwo", "one\nstill one\n \t\n\n\ntwo\n\n"],
        ["one\ntwo", "a\n\nb\n\nc", ""],
    ),
    (
        {"kind": "paragraphs", "exactly": 2, "divider": "stars"},
        ["one\n***\ntwo", "***\none\n\nstill one\n***\ntwo", "one *** two"],
        ["one\n\ntwo", "one\n***\n***\ntwo", "one\n***"],
    ),
    (
        {"kind": "paragraph_start", "paragraphs": 2, "nth": 2, "word": "Hello"},
        ["a\n\nhello there", 'a\n\n"Hello," he said', "a\n\n**Hello**, you"],
        ["hello\n\na", "a\n\nHelloworld", "a\n\nhello\n\nb", "hello"],
    ),
    ({"kind": "paragraph_start", "nth": 1, "word": "e.g"}, ["e.g. this"], ["this e.g."]),
    (
        {"kind": "placeholders", "at_least": 2},
        ["[name] lives in [city of birth]."],
        ["[name]", "[] [ ]", "[x] done [ ] open", "[a](http://x) [b](http://y)"],
    ),
    (
        {"kind": "postscript", "marker": "P.S."},
        ["Bye.\n\nP.S. Write soon", "Bye. p. s. I do", "**P.S.** yes", "Bye\nP.S: more"],
        ["Bye. PS", "P.P.S. only the second", "Bye.\nP.S.", "lips. So"],
    ),
    ({"kind": "postscript", "marker": "P.P.S"}, ["x\nP.P.S. Again", "P. P. S more"], ["P.S. once", "P.P.S"]),
    (
        {"kind": "bullets", "exactly": 2},
        ["* a\n* b", "Two:\n - a\n - b\n", "- a\n---\n- b\n***", "• a\n• b"],
        ["* a", "*Note*\n*this*", "- a\n- b\n- c", "1. a\n2. b", "---\n- a"],
    ),
    (
        {"kind": "one_of", "options": ["My answer is yes.", "My answer is no."]},
        ["My answer is yes.", "Well. My answer is no. Sorry"],
        ["yes", "My answer is yes. My answer is no.", "my answer is yes"],
    ),
    ({"kind": "one_of", "options": ["yes", "no"], "alone": True}, [" yes\n"], ["yes!", "yes no", "I say no"]),
    ({"kind": "one_of", "options": ["red", "dark red"]}, ["dark red", "red"], ["blue"]),
    (
        {"kind": "highlights", "at_least": 2},
        ["*a* and **b c**", "* an item with *one* and *two*", "***x*** *y*"],
        ["**a**", "2 * 3 * 4 * 5", "* a\n* b\n* c", "** ** ** **", "*a\nb* *c*"],
    ),
    (
        {"kind": "sections", "marker": "Section", "at_least": 2},
        ["Section 1\na\nSection 2\nb", "## Section 1: a\n## Section 2: b", "**Section 1**\n**Section 2**"],
        ["Section 1\nas in Section 2", "Section 1\nSection 1", "SECTION 1\nSECTION 2", "Section one\nSection two"],
    ),
    (
        {"kind": "json"},
        ['{"a": [1, 2]}', '```json\n{"a": null}\n```', "[]", "```\n[1]\n```"],
        ["5", '"text"', '{"a": NaN}', "{'a': 1}", 'Here: {"a": 1}', "[" * 100_000, "{}{}", "1" * 10_000],
    ),
    ({"kind": "title"}, ["<<A song>>\nla", "la <<x>>"], ["<<>>", "<< >>", "<song>", "<<a\nb>>"]),
    (
        {"kind": "two_responses"},
        ["one\n******\ntwo", "******\na\n******\nb"],
        ["one", "same ******  same", "a******b******c", "a ****** ****** b", "a ******"],
    ),
    (
        {"kind": "repeat_prompt", "prompt": "Write a poem."},
        ["Write a poem. Roses are red", "write  a POEM.\n\nRoses"],
        ["Write a poem.", "Sure! Write a poem. Roses", "Roses", "Write a poem. ..."],
    ),
    ({"kind": "end", "phrase": "Any questions?"}, ["So. any questions?", '"Any questions?"\n'], ["Any questions? No."]),
    ({"kind": "start", "phrase": "Dear Sir"}, ["\ndear sir,"], ["Dear Sirs", "Oh dear sir"]),
    ({"kind": "capital_words", "at_least": 2}, ["NASA and I", "A B"], ["Nasa AND", "42 17"]),
    ({"kind": "upper_case"}, ["ALL OF IT, 42!"], ["ALL of IT", "42"]),
    (
        {"kind": "upper_case", "english": True},
        ["THIS IS ALL IN CAPITALS AND THAT IS IT"],
        ["DAS IST NICHT ALLES UND DER REST"],
    ),
    ({"kind": "lower_case"}, ["none of it, 42!"], ["Some of it", "42"]),
    ({"kind": "lower_case", "english": True}, ["this is the way it is done"], ["das ist nicht der weg und das ziel"]),
    ({"kind": "no_comma"}, ["none; here. 1.000"], ["1,000", "你好，世界", "一、二"]),
    ({"kind": "quotation"}, ['"all of it"', "“so”", "«oui»"], ['"part" of it', '"', '""', "'no'"]),
    (
        {"kind": "language", "language": "en"},
        ["Hello.", LONG],
        ["", "42", "Das ist nicht der Weg, und er ist es nicht."],
    ),
]


@pytest.mark.parametrize(("constraint", "kept", "broken"), TABLE, ids=lambda each: str(each)[:40])
def test_texts_keep_to_a_constraint_or_do_not(constraint, kept, broken):
    (each,) = read_constraints([constraint])
    assert [text for text in kept if not each.holds(text)] == []
    assert [text for text in broken if each.holds(text)] == []


def test_every_kind_is_in_the_table():
    assert {constraint["kind"] for constraint, _, _ in TABLE} == set(KINDS)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The quick brown fox jumps over the lazy dog, and it is happy with that."),
        ("de", "Der schnelle braune Fuchs springt über den faulen Hund, und er ist damit zufrieden."),
        ("fr", "Le renard brun saute par-dessus le chien paresseux, et il est content de son saut."),
        ("es", "El zorro marrón salta sobre el perro perezoso y está muy contento con su salto."),
        ("pt", "A raposa marrom salta sobre o cão preguiçoso e não está cansada, mas muito feliz com isso."),
        ("it", "La volpe marrone salta sopra il cane pigro e non è stanca, ma molto felice di questo."),
        ("nl", "De bruine vos springt over de luie hond en hij is niet moe, maar heel blij met de sprong."),
        ("pl", "Brązowy lis przeskakuje przez leniwego psa i nie jest zmęczony, ale to go bardzo cieszy."),
        ("vi", "Con cáo nâu nhảy qua con chó lười và nó không mệt, nhưng rất vui với điều này."),
        ("sw", "Mbweha wa kahawia anaruka juu ya mbwa mvivu na si mchovu, lakini ni furaha kwa kila mtu."),
        ("fi", "Ruskea kettu hyppää laiskan koiran yli, ja se ei ole väsynyt, mutta se on iloinen."),
        ("ru", "Быстрая лиса прыгает через ленивую собаку, и она не устала, но это её радует."),
        ("uk", "Швидка лисиця стрибає через ледачого пса, і вона не втомилася, але це її тішить."),
        ("bg", "Бързата лисица прескача мързеливото куче и не е уморена, но това я радва."),
        ("ar", "الثعلب يقفز فوق الكلب الكسول و لا يتعب من ذلك لأن هذا ما كان يريد."),
        ("fa", "روباه از روی سگ تنبل می پرد و خسته نیست اما این کار را با شادی می کند."),
        ("ur", "لومڑی کتے کے اوپر سے کودتی ہے اور وہ تھکی نہیں ہے۔"),
        ("hi", "लोमड़ी कुत्ते के ऊपर से कूदती है और वह थकी नहीं है।"),
        ("mr", "कोल्हा कुत्र्यावर उडी मारतो आणि तो थकलेला नाही, पण हे चांगले आहे."),
        ("ne", "स्याल कुकुर माथि उफ्रन्छ र ऊ थाकेको छैन, तर यो राम्रो छ।"),
        ("ja", "素早い狐は怠け者の犬を飛び越えます。"),
        ("zh", "敏捷的狐狸跳过了懒惰的狗。"),
        ("ko", "빠른 여우가 게으른 개를 뛰어넘습니다."),
        ("th", "สุนัขจิ้งจอกกระโดดข้ามสุนัขขี้เกียจ"),
        ("he", "השועל קופץ מעל הכלב העצלן."),
        ("el", "Η αλεπού πηδάει πάνω από το σκυλί."),
        ("bn", "শিয়াল অলস কুকুরের উপর দিয়ে লাফ দেয়।"),
        ("ta", "நரி சோம்பேறி நாயின் மேல் குதிக்கிறது."),
    ],
)
def test_a_text_is_in_its_own_language_and_in_no_other(language, text):
    held = [code for code in LANGUAGES if read_constraints([{"kind": "language", "language": code}])[0].holds(text)]
    assert held == [language]


@pytest.mark.parametrize(
    ("name", "arguments", "kept", "broken"),
    [
        ("keywords:existence", {"keywords": ["art"]}, "a start", "nothing"),
        ("keywords:frequency", {"keyword": "a", "frequency": 3, "relation": "less than"}, "a banana"[:5], "banana"),
        ("keywords:forbidden_words", {"forbidden_words": ["art"]}, "a start", "the art"),
        ("keywords:letter_frequency", {"letter": "a", "let_frequency": 2, "let_relation": "at least"}, "aA", "a"),
        ("language:response_language", {"language": "hi"}, "वह घर में है और वह भी", "the house"),
        ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"}, "One.", "One. Two."),
        ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
        ("length_constraints:number_words", {"num_words": 2, "relation": "at least"}, "don't", "dont"),
        (
            "length_constraints:nth_paragraph_first_word",
            {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "oh"},
            "Oh!\n\nb",
            "b\n\nOh!",
        ),
        ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[a]", "a"),
        ("detectable_content:postscript", {"postscript_marker": "P.S."}, "P.S. a", "a"),
        ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "* a", "* a\n* b"),
        ("detectable_format:constrained_response", {}, "My answer is maybe.", "maybe"),
        ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "*a*", "a"),
        (
            "detectable_format:multiple_sections",
            {"section_spliter": "PART", "num_sections": 2},
            "PART 1\na\nPART 2\nb",
            "PART 1\na",
        ),
        ("detectable_format:json_format", None, "{}", "a"),
        ("detectable_format:title", {}, "<<a>>", "a"),
        ("combination:two_responses", {}, "a******b", "a"),
        ("combination:repeat_prompt", {"prompt_to_repeat": "Say it"}, "say it: now", "now"),
        ("startend:end_checker", {"end_phrase": "End."}, "The end.", "End. No."),
        ("startend:quotation", {}, '"a b"', "a b"),
        ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "at least"}, "NO", "no"),
        ("change_case:english_capital", {}, "THE END OF IT", "the end of it"),
        ("change_case:english_lowercase", {}, "the end of it", "The end of it"),
        ("punctuation:no_comma", {}, "a", "a, b"),
    ],
)
def test_ifeval_s_instructions_are_read_by_their_ids(name, arguments, kept, broken):
    # Tables of IFEval have a null for each argument that another instruction takes.
    filled = None if arguments is None else {"num_words_of_nobody": None, **arguments}
    (each,) = read_ifeval([name], [filled])
    assert each.holds(kept)
    assert not each.holds(broken)
