"""What the demo's speakers say: commands for a voice assistant, from a small probabilistic grammar.

A sentence belongs to one split, by a hash of its text, so no sentence of valid or test is ever in train, however many
are drawn. The words are the same everywhere: a recognizer meets known words in unknown sentences.
"""

import random
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cache

from secateur.data.demo.voices import Split
from secateur.errors import DataError

LONGEST = 9
"""Words of the longest sentence: with it, speech stays near four seconds."""

_HELD_OUT: Mapping[int, Split] = {0: "test", 1: "valid"}  # of ten equal shares by hash; the other eight are train
_SHARES = 10
_PATIENCE = 1_000  # draws in a row without a new sentence of the split after which it counts as exhausted

# Alternatives lie between bars; "3*" makes one three times as likely; <name> is another rule.
_RULES: Mapping[str, str] = {
    "command": """3*<alarm> | 3*<timer> | 4*<music> | 4*<light> | 4*<weather> | 4*<phone> | 4*<reminder> | 2*<list>
        | 3*<house> | 2*<question>""",
    "alarm": """3*set an alarm for <time> | 2*set an alarm for <time> on <weekday> | 2*wake me up at <time>
        | 2*wake me up <day> at <time> | wake us at <time> on <weekday> | cancel my <time> alarm
        | cancel the alarm on <weekday> | turn off my <weekday> alarm | snooze for <number> minutes
        | move my <time> alarm to <time>""",
    "timer": """3*set a timer for <duration> | 2*start a <number> minute timer | set a <food> timer for <duration>
        | add <number> minutes to the <food> timer | <pause> the <food> timer | how long is left on the <food> timer
        | count down from <number>""",
    "music": """2*play <genre> | 2*play some <genre> in the <room> | play my <genre> playlist
        | 2*play the <order> <genre> song | <pause> the music in the <room> | turn <way> the volume in the <room>
        | set the volume to <number> | play <genre> for <duration> | turn <way> the <genre>
        | play the radio in the <room> | skip the <order> song | shuffle my <genre> songs""",
    "light": """2*turn <switch> the lights in the <room> | 2*turn <switch> the <room> lamp
        | 2*dim the <room> lights to <number> percent | make the <room> lights <colour>
        | turn the <room> lamp <colour> | are the lights <switch> in the <room> | turn <switch> all the <colour> lights
        | <colour> lights in the <room> please""",
    "weather": """2*what is the weather in <city> | what is the weather in <city> <day> | will it <rain> in <city> <day>
        | is it going to <rain> <day> | how <warm> is it in <city> | how <warm> will it be <day>
        | do i need <wear> <day> | do i need <wear> in <city>""",
    "phone": """2*call <person> | call <person> on speaker | call <person> at <time> | 3*text <person> that i'm <state>
        | tell <person> that dinner is at <time> | read my messages from <person> | send <person> a message
        | when did <person> call | ring <person> again""",
    "reminder": """2*remind me to <task> <day> | 2*remind me to <task> at <time> | remind me to call <person> at <time>
        | remind <person> to <task> | what's on my calendar <day> | put lunch with <person> on <weekday>
        | meet <person> on <weekday> at <time> | move lunch with <person> to <weekday>""",
    "list": """3*add <item> to my shopping list | add <item> and <item> to my list | take <item> off the list
        | order more <item> for <weekday> | do we have any <item> left""",
    "house": """2*set the heating to <number> degrees | make the <room> <number> degrees | <lock> the <door> door
        | 3*<lock> the <door> door at <time> | is the <door> door locked | <open> the blinds in the <room>
        | <open> the blinds at <time> | turn <switch> the heating in the <room>
        | clean the <room> at <time> | turn <switch> the <room> fan""",
    "question": """what time is it in <city> | how far is <city> from <city> | what is <number> times <number>
        | what is <number> plus <number> | when is the next train to <city> | read me the news from <city>""",
    "time": """4*<hour> | 2*half past <hour> | quarter to <hour> | quarter past <hour> | 2*<hour> thirty
        | <hour> fifteen | <hour> forty five | <hour> <teen> | <hour> <tens> <small> | <hour> in the <part>
        | noon | midnight""",
    "duration": "4*<number> minutes | <number> seconds | half an hour | an hour and a half | <hour> hours",
    "hour": "one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve",
    "number": "<small> | 2*<teen> | <tens> | 2*<tens> <small>",
    "small": "two | three | four | five | six | seven | eight | nine",
    "teen": "ten | eleven | twelve | thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen",
    "tens": "twenty | thirty | forty | fifty",
    "day": "2*today | tonight | 3*tomorrow | tomorrow <part> | 3*on <weekday> | on <weekday> <part> | this <part>",
    "part": "morning | afternoon | evening",
    "weekday": "monday | tuesday | wednesday | thursday | friday | saturday | sunday",
    "order": "first | second | third | next | last",
    "person": """anna | david | emma | george | julia | kevin | maria | peter | my mother | my brother
        | my sister | the doctor""",
    "city": "london | paris | berlin | new york | boston | chicago | madrid | tokyo | rome",
    "room": "kitchen | bedroom | bathroom | living room | dining room | office | hallway | garage | garden",
    "genre": "jazz | rock | classical | country | blues | soul | folk | piano",
    "colour": "red | green | blue | yellow | purple | orange | warm white",
    "food": "pasta | rice | pizza | chicken | laundry",
    "item": "milk | bread | butter | cheese | apples | coffee | sugar | rice | chicken | orange juice",
    "task": """water the plants | feed the cat | walk the dog | pay the rent | buy <item> | clean the <room>
        | book a table | wash the car | pick up <person>""",
    "wear": "an umbrella | a coat",
    "rain": "rain | snow | be sunny | be windy",
    "warm": "warm | cold | hot",
    "state": "late | on my way | at the office | at home | busy",
    "pause": "pause | stop | resume",
    "switch": "on | off",
    "way": "up | down",
    "lock": "lock | unlock",
    "open": "open | close",
    "door": "front | back | garage",
}

_SLOT = re.compile(r"<(\w+)>")
_WEIGHT = re.compile(r"(\d+)\*")


def sentence(rng: random.Random) -> str:
    """Draw one command, of any split: words over a-z and apostrophe with one space between them.

    >>> set(sentence(random.Random(0)).split()) <= set(vocabulary())
    True
    """
    while len((drawn := _expand("command", rng)).split()) > LONGEST:
        pass
    return drawn


def sentences(count: int, *, split: Split, seed: int = 0) -> tuple[str, ...]:
    """Draw `count` different commands of one split; the first n are the same whatever `count` is.

    >>> sentences(0, split="train")
    ()
    >>> set(sentences(50, split="train")) & set(sentences(50, split="test", seed=1))
    set()

    Raises:
        DataError: the grammar runs dry, near 2,000 sentences of test or valid and 40,000 of train.
    """
    rng = random.Random(f"{seed}/{split}")
    found: dict[str, None] = {}  # a set that keeps its order
    misses = 0
    while len(found) < count:
        drawn = sentence(rng)
        new = split_of(drawn) == split and drawn not in found
        misses = 0 if new else misses + 1
        if new:
            found[drawn] = None
        if misses > _PATIENCE:
            raise DataError(f"`{split}` must be at most {len(found)}, where the grammar runs dry, but is {count}")
    return tuple(found)


def split_of(text: str) -> Split:
    """The one split that may hold this sentence: a tenth of all sentences is test, a tenth valid, the rest train.

    >>> split_of("play some jazz in the kitchen") == split_of("play some jazz in the kitchen")
    True
    """
    return _HELD_OUT.get(zlib.crc32(text.encode()) % _SHARES, "train")


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word the grammar can say, sorted."""
    return tuple(sorted({word for rule in _RULES for text, _ in _alternatives(rule) for word in _words(text)}))


def _words(text: str) -> Iterator[str]:
    return iter(_SLOT.sub(" ", text).split())


def _expand(rule: str, rng: random.Random) -> str:
    texts, weights = zip(*_alternatives(rule), strict=True)
    (chosen,) = rng.choices(texts, weights)
    return _SLOT.sub(lambda slot: _expand(slot[1], rng), chosen)


@cache
def _alternatives(rule: str) -> tuple[tuple[str, int], ...]:
    """The alternatives of a rule, each with its weight."""
    return tuple(_weighted(" ".join(text.split())) for text in _RULES[rule].split("|"))


def _weighted(text: str) -> tuple[str, int]:
    weight = _WEIGHT.match(text)
    return (text[weight.end() :], int(weight[1])) if weight else (text, 1)
