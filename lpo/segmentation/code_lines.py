"""Lines that are one sentence whatever marks they hold: headings, table rows, and code outside a fence."""

from __future__ import annotations

import re

LONGEST_LINE = 400  # a longer line is prose

_WHOLE = re.compile(
    r"""\s*(?:
      (?:\#{1,6}|//+|/\*|<!--|;;)\s          # a heading or a comment
      | \#! | \#include\b | \#define\b
      | \|.*\| | [^|]*\s\|\s[^|]*\s\|\s       # a table row
      | \$\s[a-z./] | >>>\s | (?:\"{3}|'{3})
      | </?(?:!DOCTYPE|html|head|body|p|div|a|span|li|ul|ol|h[1-6]|table|tr|td|th|script|style|link|meta|img
            |input|button|form|label|section|nav|header|footer|main|svg|title|option|select|textarea)\b.*>\s*$
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CODE = re.compile(
    r"""\s*(?:
      @\w[\w.]*(?:\(.*)?$
      | (?:def|class|async\ def)\ \w+.*[:(]
      | (?:import|package|using|namespace)\ [\w.]+\s*(?:;|$|as\ |,|\{) | from\ [\w.]+\ import\b
      | (?:if|elif|while|for|with|except|switch)\b.*[:{]\s*(?:(?:\#|//).*)?$ | (?:\}\s*)?(?:else|try|finally)\s*[:{]\s*$
      | (?:return|raise|throw|assert|yield|await|del|print|echo)\b.*[)\]};"']\s*(?:(?:\#|//|/\*).*)?$
      | (?:const|let|var|int|float|double|char|bool|auto|static|public|private|final|String|fn|func|function|val)
        (?:\s+[\w<>\[\]*&:]+){1,4}\s*(?:[=(;{:]|$).*
      | (?:sudo|git|pip|npm|npx|yarn|cd|ls|curl|wget|export|docker|make|grep|sed|awk|cat|mkdir|python3?|cargo|node
        |apt|apt-get|brew|kubectl|ssh|chmod|source)\s\S.*
      | (?:SELECT|INSERT|UPDATE|DELETE|WHERE|FROM|ORDER\ BY|GROUP\ BY|CREATE|DROP|ALTER|JOIN|LEFT\ JOIN)\s\S.*
      | [\w.\[\]"'>-]+\s*(?:[-+*/|&]|:|<<|>>)?=\s*(?:\S.*)?[)\]}"';\w]\s*(?:(?:\#|//|/\*).*)?$
      | [A-Za-z_][\w.:]*!?\(.*\)[;,]?\s*(?:(?:\#|//|/\*).*)?$
      | [{\[]?\s*"[^"]*"\s*:\s*["\d\[{tfn-].* | (?:-\ )?[a-z_][\w-]*:\ ["'].*["'],?\s*$
      | .*\w[(\[]\s*[fFrRbB]?["'`].* | .*[\w\])]\s*[-+*/:]?=\s*[fFrRbB]?["'`].*   # a string as argument or value
      | (?:return|pass|break|continue)\b.*\s(?:\#|//)\s.* | .*[(){}\[\]=;].*\s(?:\#|//)\s.*   # a comment after code
      | .*[;{]\s*(?:(?://|/\*|\#).*)?$ | .*;.*\}$ | \}.* | .*["\w)]\s*<<.*
    )""",
    re.VERBOSE,
)
_STRINGS_AND_COMMENTS = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|`[^`\n]*`|(?<!\w)(?:\#|//)\s.*$|/\*.*$')
_PROSE = re.compile(r"(?<=\S)[.!?][\"')]*\s+\S|[。！？؟۔]")


def is_one_sentence(line: str) -> bool:
    """Whether `line` is a heading, a comment or a table row, or reads like code without its strings and comments."""
    if len(line) > LONGEST_LINE:
        return False
    if _WHOLE.match(line):
        return True
    return bool(_CODE.match(line)) and not _PROSE.search(_STRINGS_AND_COMMENTS.sub("", line))
