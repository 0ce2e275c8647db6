"""One small tokenizer of each family, built in memory."""

from __future__ import annotations

from collections.abc import Callable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = [
    "Hello world. How are you? I am fine! The answer is 3.14, so x = 3.",
    'Dr. Smith said: "Yes." Then he left...\n\n1. First item\n2. Second item\n',
    "你好。今天天气很好！我们走吧？ سلام. حال شما چطور است؟ 🎉 😀",
    "def f(x):\n    return x + 1\n",
] * 4


def byte_level() -> PreTrainedTokenizerFast:
    """As GPT-2, Llama 3 and Qwen: bytes in a printable alphabet. Few merges, so characters are often split."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<eos>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")


def unigram() -> PreTrainedTokenizerFast:
    """As SentencePiece with byte fallback: "▁" for a space, <0xNN> for a byte; decoding strips the first space."""
    pieces = ["<unk>", "<eos>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [
        "▁",
        "▁Hello",
        "▁world",
        ".",
        "▁How",
        "▁are",
        "▁you",
        "?",
        "!",
        "▁The",
        "▁answer",
        "▁is",
        "▁I",
        "▁am",
        "▁fine",
        ". ",
        ".▁T",
    ]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,:=\"'")
    vocabulary = (
        [(piece, 0.0) for piece in pieces] + [(word, -2.0) for word in words] + [(letter, -6.0) for letter in letters]
    )
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")


def metaspace() -> PreTrainedTokenizerFast:
    """As older SentencePiece models: no byte fallback, and a decoder that turns each "▁" into a space."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<eos>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")


def suffixed() -> PreTrainedTokenizerFast:
    """As the first BPE models: "</w>" closes a word."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    special = ["<unk>", "<eos>"]
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, end_of_word_suffix="</w>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")


def word_piece() -> PreTrainedTokenizerFast:
    """As BERT: "##" marks a continuation, spaces are put back by rule and are lost before marks."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[UNK]", "[SEP]"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="[SEP]", unk_token="[UNK]")


def word_level() -> PreTrainedTokenizerFast:
    """No decoder at all: tokens are joined by spaces."""
    words = ["[UNK]", "[END]", "Hello", "world.", "How", "are", "you?", "Fine!", "。", "\n", "x."]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="[END]", unk_token="[UNK]")


FAMILIES: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "byte_level": byte_level,
    "unigram": unigram,
    "metaspace": metaspace,
    "suffixed": suffixed,
    "word_piece": word_piece,
    "word_level": word_level,
}
