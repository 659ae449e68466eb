"""The made-up sign language of the demo: signs as phonological specifications, sentences as their sequences.

Real signers' clips belong to people; these belong to nobody. A sign is what linguists write down of one
(handshape, location, orientation, movement, number of hands, face), so two signs can differ in one of
these alone, and the sentences differ in one sign or in the order alone, as in a real data set.
`synthetic` performs what stands here.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

from signtalk.synthetic.nuance import PLAIN, Nuance, Vector

# Finger codes: flexion of the knuckle and of the middle joint, 0 straight, 1 folded.
_FINGER = {"o": (0.0, 0.03), "c": (0.95, 1.0), "b": (0.9, 0.05), "h": (0.15, 0.85), "r": (0.4, 0.45), "t": (0.62, 0.5)}
# Thumb codes: spread from the index finger, opposition to the palm, flexion.
_THUMB = {
    "out": (0.85, 0.0, 0.0), "beside": (0.3, 0.1, 0.1), "across": (0.3, 0.7, 0.9), "touch": (0.4, 0.75, 0.3),
    "round": (0.6, 0.55, 0.1),
}  # fmt: skip
_HANDSHAPE_TABLE = """
FLAT oooo beside 0 | FIVE oooo out 1 | FOUR oooo across .7 | FIST cccc across 0 | THUMB cccc out 0
INDEX occc across 0 | L occc out 0 | V oocc across 1 | U oocc across 0 | W oooc touch .8 | Y ccco out .4
I ccco across 0 | HORNS occo across .3 | F tooo touch .8 | O tttt touch 0 | C rrrr round 0 | CLAW hhhh out .8
HOOK hccc across 0 | BENT bbbb beside 0 | PINCH tccc touch 0 | MID oboo out .6
"""


def _read_handshapes() -> Iterator[tuple[str, tuple[float, ...]]]:
    for cell in re.split(r"[|\n]", _HANDSHAPE_TABLE.strip()):
        name, fingers, thumb, spread = cell.split()
        yield name, (*(v for code in fingers for v in _FINGER[code]), float(spread), *_THUMB[thumb])


HANDSHAPES: dict[str, tuple[float, ...]] = dict(_read_handshapes())
"""12 numbers a handshape: knuckle and middle joint of index, middle, ring and little finger; spread; thumb 3."""

# Every direction and place below is in the hand's own-side frame: x away from the body's midline on the
# side of that hand, y up, z forward, so that one table serves either hand. Unit: shoulder widths.
ORIENTATIONS: dict[str, tuple[Vector, Vector]] = {
    "up_out": ((0, 1, 0.1), (0, -0.1, 1)), "up_in": ((-0.2, 1, 0), (0, 0, -1)), "up_side": ((0, 1, 0.2), (-1, 0, 0)),
    "fwd_down": ((-0.2, 0.1, 1), (0, -1, 0)), "fwd_up": ((-0.2, 0.1, 1), (0, 1, 0)),
    "fwd_side": ((-0.1, 0.2, 1), (-1, 0, 0)), "side_in": ((-1, 0.2, 0.3), (0, 0, -1)),
    "side_down": ((-1, 0.1, 0.4), (0, -1, 0)), "side_up": ((-1, 0.1, 0.5), (0, 1, 0)),
    "side_out": ((-0.9, 0.5, 0.2), (0, 0, 1)), "down_in": ((-0.3, -1, 0.3), (0, 0, -1)),
    "slant_in": ((-0.6, 0.7, -0.1), (-0.3, 0, -1)),
}  # fmt: skip
"""Orientation by name: where the fingers point, where the palm faces."""

HEAD_LOCATIONS: dict[str, Vector] = {
    "forehead": (0.04, 0.25, 0.32), "temple": (0.26, 0.17, 0.2), "eye": (0.12, 0.1, 0.36), "ear": (0.3, 0.0, 0.06),
    "nose": (0.03, -0.04, 0.44), "cheek": (0.2, -0.09, 0.3), "mouth": (0.03, -0.18, 0.4), "chin": (0.03, -0.31, 0.37),
    "crown": (0.1, 0.43, 0.15),
}  # fmt: skip
"""Places on the head, from its centre."""

BODY_LOCATIONS: dict[str, Vector] = {
    "throat": (0.02, 0.08, 0.33), "shoulder": (0.36, 0.02, 0.26), "far_shoulder": (-0.34, -0.02, 0.32),
    "chest": (0.03, -0.32, 0.42), "heart": (-0.2, -0.3, 0.42), "ribs": (0.3, -0.5, 0.4), "stomach": (0.03, -0.76, 0.45),
    "waist": (0.34, -0.92, 0.4), "far_arm": (-0.46, -0.36, 0.34), "centre": (0.16, -0.42, 0.85),
    "high": (0.22, 0.06, 0.85), "low": (0.18, -0.8, 0.75), "wide": (0.65, -0.35, 0.6), "high_wide": (0.6, 0.28, 0.55),
    "ahead": (0.12, -0.25, 1.1), "palm": (-0.04, -0.5, 0.76), "knuckles": (-0.04, -0.5, 0.72),
    "wrist": (0.12, -0.52, 0.62), "edge": (0.0, -0.45, 0.8),
}  # fmt: skip
"""Places on the trunk and in front of it, from the middle of the shoulders."""

BASE_LOCATION: Vector = (0.06, -0.62, 0.72)
BASE_HANDS: dict[str, tuple[str, str]] = {
    "palm": ("FLAT", "side_up"), "knuckles": ("FIST", "side_down"), "wrist": ("FLAT", "side_down"),
    "edge": ("FLAT", "fwd_side"),
}  # fmt: skip
"""Handshape and orientation of the other hand for the places that lie on it."""

DIRECTIONS: dict[str, Vector] = {
    "none": (0, 0, 0), "up": (0, 1, 0), "down": (0, -1, 0), "out": (0, 0, 1), "in": (0, 0, -1), "side": (1, 0, 0),
    "across": (-1, 0, 0), "upside": (0.7, 0.7, 0.1), "slant": (-0.7, -0.7, 0.1),
}  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """What makes a sign this sign and no other.

    Attributes:
        gloss: its name, in capitals.
        hands: "one" hand; "both" alike; both in turn ("alternate"); one acting on the other (the "base").
        start: handshape at the beginning.
        end: handshape at the end.
        location: a name of HEAD_LOCATIONS or BODY_LOCATIONS.
        orientation: a name of ORIENTATIONS.
        movement: hold, path, arc, circle, tap, shake, twist, nod or wiggle.
        direction: a name of DIRECTIONS; for a circle the axis it turns about.
        repeats: how often the movement is made.
        face: what the face does meanwhile: none, brows_up, brows_down, open, wide, nod or headshake.
        duration_s: seconds at ordinary tempo.
        nuance: how it departs from the tables.
    """

    gloss: str
    hands: str
    start: str
    end: str
    location: str
    orientation: str
    movement: str
    direction: str
    repeats: int
    face: str
    duration_s: float
    nuance: Nuance = PLAIN


_PARAMETERS = tuple(f.name for f in fields(Sign) if f.name not in ("gloss", "duration_s", "nuance"))

# gloss hands start[>end] location orientation movement[:direction][*repeats] [face]
_SIGN_TABLE = """
I one INDEX chest side_in tap:in*1 | YOU one INDEX ahead fwd_down path:out*1
DOCTOR base BENT wrist fwd_down tap:down*2 | NURSE base U wrist fwd_down tap:down*2
MOTHER one FIVE chin up_side tap:in*2 | FATHER one FIVE forehead up_side tap:in*2
CHILD one FLAT low fwd_down tap:down*2 | BABY both FLAT stomach side_up shake:side*2
SISTER one L chin fwd_side arc:down*1 | BROTHER one L forehead fwd_side arc:down*1
PAIN both INDEX centre side_in twist*2 brows_down | HEAD one BENT temple up_side tap:in*2
STOMACH one FLAT stomach side_in circle:out*2 | CHEST one FLAT chest side_in circle:out*2
BACK one THUMB shoulder slant_in tap:in*2 | LEG one FLAT waist down_in tap:in*2
ARM one FLAT far_arm side_in path:down*1 | EYE one INDEX eye slant_in tap:in*2
EAR one PINCH ear up_side shake:down*2 | TOOTH one HOOK mouth slant_in tap:in*2 wide
THROAT one V throat slant_in path:down*1 | FEVER one FLAT forehead side_in tap:in*2 open
COUGH one C chest side_in tap:in*3 open | VOMIT both FIVE mouth up_in arc:out*1 open
DIZZY one CLAW eye up_in circle:out*2 | ITCH one CLAW far_arm side_in shake:down*3
SWELL both C>CLAW centre fwd_side path:side*1 open | BLEED base FOUR knuckles side_in wiggle:down*2
WEAK base FIVE palm down_in nod*2 | TIRED both BENT ribs side_in nod*1 | MALARIA one F>CLAW temple up_side arc:side*1
DIARRHOEA base THUMB palm side_in path:down*2 brows_down | COLD both FIST wide fwd_side shake:side*3
MEDICINE base MID palm fwd_down twist*2 | TABLET one PINCH>FIVE mouth slant_in path:in*1 open
INJECTION one L far_arm side_in tap:in*1 | BLOOD one FOUR mouth side_in path:down*2
TEST both INDEX>HOOK high up_out path:down*2 | WATER one W chin up_side tap:in*2 | FOOD one O mouth slant_in tap:in*2
OPERATION base THUMB palm fwd_down path:side*1 | BANDAGE base U wrist fwd_down circle:side*2
HOSPITAL one U far_arm side_in arc:down*1 | PHARMACY base MID palm fwd_down circle:up*2
HOME one O>FLAT cheek slant_in arc:side*1 | TOILET one I centre up_out shake:side*3
BED both FLAT cheek slant_in hold*1 | LABORATORY alternate THUMB high side_down circle:out*2
CARD both L>PINCH centre up_out path:side*1 | TODAY both Y low fwd_up tap:down*2
TOMORROW one THUMB cheek up_side arc:out*1 | YESTERDAY one THUMB cheek up_side arc:in*1
NOW both Y low fwd_up path:down*1 | MORNING base FLAT edge fwd_up arc:up*1
NIGHT base BENT wrist side_down arc:down*1 | WEEK base INDEX palm fwd_down path:out*1
MONTH base INDEX edge side_in path:down*1 | BEFORE one FLAT shoulder up_side arc:in*1
AFTER base FLAT knuckles side_in arc:out*1 | ONE one INDEX high up_in hold*1 | TWO one V high up_in hold*1
THREE one W high up_in hold*1 | GO both INDEX centre up_out arc:out*1 | COME both INDEX centre up_out arc:in*1
WAIT both FIVE wide fwd_up wiggle*3 | CALL one Y ear up_side hold*1 | HELP base THUMB palm fwd_side path:up*1
EAT one O mouth slant_in tap:in*3 | DRINK one C mouth fwd_side nod*1 | SLEEP one FIVE>O eye up_in path:down*1
TAKE one FIVE>FIST centre fwd_down path:in*1 | GIVE one O>FLAT centre fwd_up path:out*1
FEEL one MID chest side_in path:up*2 | WANT both CLAW ahead fwd_up path:in*1
UNDERSTAND one FIST>INDEX temple up_in hold*1 nod | KNOW one BENT temple slant_in tap:in*1
BREATHE both FIVE chest side_in path:out*2 | WALK alternate FLAT low fwd_down nod*2
SIT base U knuckles fwd_down tap:down*1 | OPEN both FLAT centre up_out arc:side*1
SHOW base INDEX palm up_side path:out*1 | WRITE base PINCH palm fwd_down shake:across*2
STOP base FLAT palm fwd_side path:down*1 brows_down | BEGIN base INDEX edge fwd_down twist*1
WHERE one INDEX high up_out shake:side*3 brows_down | WHEN base INDEX edge up_in circle:out*1 brows_down
WHO one L chin up_side wiggle*2 brows_down | WHAT both FIVE centre fwd_up shake:side*2 brows_down
HOW-MANY both FIST>FIVE low fwd_up path:up*1 brows_down | WHY one MID>Y temple up_in path:out*1 brows_down
YES one FIST high up_out nod*2 nod | NOT one THUMB chin fwd_side path:out*1 headshake
NO one U>PINCH high fwd_down tap:out*2 headshake | THANK-YOU one FLAT chin up_in arc:out*1
PLEASE one FLAT heart side_in circle:out*2 | GOOD base FLAT palm side_up tap:down*1 wide
BAD one FLAT chin side_down path:down*1 brows_down | BETTER one FLAT>THUMB mouth side_in arc:upside*1 wide
PREGNANT both FIVE stomach side_in arc:out*1 | ALLERGY alternate INDEX nose side_in path:out*1
EMERGENCY one HORNS high_wide up_out shake:side*3 open | FINISH both FIVE high up_in twist*1
AGAIN base BENT palm fwd_up arc:across*1 | DEAF one INDEX cheek up_side arc:down*1
MOSQUITO one F cheek side_in tap:in*1 | NET both FOUR crown up_out arc:down*1
WASH both FIST centre fwd_down circle:up*2 | CLEAN base FLAT palm side_down path:out*1
SKIN one PINCH far_arm side_in twist*2 | HEART one MID heart side_in tap:in*2
PRESSURE one CLAW>FIST far_arm side_in hold*1 | SUGAR one U chin slant_in shake:down*2
NAME both U centre side_in tap:down*2
"""


@cache
def signs() -> dict[str, Sign]:
    """Every sign by gloss, in table order."""
    return {sign.gloss: sign for sign in map(_read_sign, re.split(r"\s*[|\n]\s*", _SIGN_TABLE.strip()))}


def _read_sign(cell: str) -> Sign:
    gloss, hands, shapes, location, orientation, movement, *face = cell.split()
    start, _, end = shapes.partition(">")
    kind, direction, repeats = re.fullmatch(r"(\w+):?(\w*)\*(\d)", movement).groups()  # type: ignore[union-attr]
    return Sign(
        gloss, hands, start, end or start, location, orientation, kind, direction or "none", int(repeats),
        face[0] if face else "none", ordinary_duration_s(kind, int(repeats)),
    )  # fmt: skip


def ordinary_duration_s(movement: str, repeats: int) -> float:
    """Seconds that a movement takes at ordinary tempo."""
    once_s = {"hold": 0.42, "tap": 0.18, "shake": 0.16, "twist": 0.24, "nod": 0.28, "circle": 0.36, "wiggle": 0.2}
    return 0.16 + once_s.get(movement, 0.3) * repeats


# Substitutions that people make: a neighbouring place, a similar handshape, one hand more or less.
_NEIGHBOURS = (
    "forehead temple crown", "eye cheek nose", "mouth chin throat", "ear temple", "chest heart ribs",
    "stomach waist low", "shoulder far_shoulder far_arm", "centre high ahead", "wide high_wide", "palm edge",
    "knuckles wrist",
)  # fmt: skip
_SIMILAR = (
    "FLAT BENT FOUR", "FIVE CLAW MID", "FIST THUMB O", "INDEX HOOK L", "V U W", "Y I HORNS", "F PINCH", "C O",
)  # fmt: skip


@cache
def variants() -> dict[str, Sign]:
    """For each gloss the other way in which some people sign it; it equals no sign of the lexicon.

    One of location, handshape, number of hands or number of repetitions is another one. Which, is a
    rule of the gloss alone, so that two signers who use the variant use the same.
    """
    taken = [parameters(sign) for sign in signs().values()]
    chosen = {}
    for gloss, sign in signs().items():
        options = [option for option in substitutions(sign) if parameters(option) not in taken]
        chosen[gloss] = options[stable_number(gloss) % len(options)]
        taken.append(parameters(chosen[gloss]))
    return chosen


def parameters(sign: Sign) -> tuple[str | int, ...]:
    """The phonological parameters of a sign, without gloss and duration."""
    return tuple(getattr(sign, name) for name in _PARAMETERS)


def substitutions(sign: Sign) -> Iterator[Sign]:
    """The sign with one parameter exchanged as people do: place, handshape, number of hands or of repetitions."""
    for place in _others(_NEIGHBOURS, sign.location):
        yield replace(sign, location=place)
    for shape in _others(_SIMILAR, sign.start):
        yield replace(sign, start=shape, end=shape if sign.end == sign.start else sign.end)
    if sign.hands in ("one", "both"):
        yield replace(sign, hands="both" if sign.hands == "one" else "one")
    if sign.movement != "hold":
        yield replace(sign, repeats=sign.repeats % 3 + 1)


def _others(groups: tuple[str, ...], name: str) -> Iterator[str]:
    return (other for group in groups if name in group.split() for other in group.split() if other != name)


def stable_number(text: str) -> int:
    """A number that depends on `text` alone, the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:8], "little")


@dataclass(frozen=True)
class Sentence:
    """A sentence that can be signed.

    Attributes:
        sentence_id: its number in the list of all sentences, from "1".
        category: the part of health care it belongs to.
        glosses: the signs in order.
        variations: 3 to 6 English texts with its meaning; the first one is the canonical text.
    """

    sentence_id: str
    category: str
    glosses: tuple[str, ...]
    variations: tuple[str, ...]


_SLOTS = """
body: HEAD=head STOMACH=stomach CHEST=chest BACK=back LEG=leg EYE=eye TOOTH=tooth THROAT=throat ARM=arm EAR=ear
skinpart: LEG=leg ARM=arm EYE=eye BACK=back EAR=ear
ill: FEVER=fever COUGH=cough MALARIA=malaria DIARRHOEA=diarrhoea ALLERGY=allergies
state: DIZZY=dizzy WEAK=weak COLD=cold TIRED=tired BETTER=better BAD=bad
carer: DOCTOR=doctor NURSE=nurse
kin: MOTHER=mother FATHER=father SISTER=sister BROTHER=brother BABY=baby
who: DOCTOR=the_doctor NURSE=the_nurse MOTHER=the_mother CHILD=the_child
place: PHARMACY=pharmacy TOILET=toilet LABORATORY=laboratory
goal: PHARMACY=pharmacy TOILET=toilet LABORATORY=laboratory HOSPITAL=hospital
when: TODAY=today TOMORROW=tomorrow MORNING=in_the_morning NIGHT=tonight
past: YESTERDAY=yesterday MORNING=this_morning WEEK=last_week
meal: MORNING=in_the_morning NIGHT=at_night
count: ONE=one TWO=two THREE=three
span: WEEK=week MONTH=month
check: BLOOD=blood PRESSURE=blood_pressure SUGAR=blood_sugar HEART=heart EYE=eyes
need: WATER=water FOOD=food MEDICINE=medicine BED=a_bed HELP=help BANDAGE=a_bandage
with: WATER=water FOOD=food MEDICINE=medicine
sore: ITCH=itches SWELL=is_swollen BLEED=is_bleeding
act: EAT=eat DRINK=drink SLEEP=sleep WALK=walk BREATHE=breathe
do: EAT=eat DRINK=drink SLEEP=sleep
"""

# Glosses | texts, under their category. {a} is each word of a slot in turn, {a2} another word of that slot.
_GRAMMAR = """
Symptoms:
I PAIN {body} | My {body} hurts. | I have pain in my {body}. | There is a pain in my {body}. | My {body} is painful.
I {ill} {past} BEGIN | I have had {ill} since {past}. | My {ill} began {past}. | It was {past} that I got {ill}.
I FEEL {state} NOW | I feel {state} now. | Right now I am feeling {state}. | At the moment I feel {state}.
I FEEL {state} NOT | I do not feel {state}. | I am not feeling {state}. | I don't feel {state} at all.
{skinpart} {sore} | My {skinpart} {sore}. | Look, my {skinpart} {sore}. | The trouble is that my {skinpart} {sore}.
NIGHT I {act} NOT | I cannot {act} at night. | At night I am not able to {act}. | During the night I can't {act}.
Consultation:
YOU PAIN WHERE | Where is the pain? | Where does it hurt? | Show me where you feel pain. | Which part hurts?
YOU PAIN {body} YES NO | Does your {body} hurt? | Is there pain in your {body}? | Do you feel pain in your {body}?
{ill} BEGIN WHEN | When did the {ill} begin? | Since when do you have {ill}? | How long ago did your {ill} start?
YOU {ill} YES NO | Do you have {ill}? | Have you got {ill}? | Are you suffering from {ill}?
YOU {past} {ill} YES NO | Did you have {ill} {past}? | Was there any {ill} {past}? | Were you ill with {ill} {past}?
{carer} {check} TEST NOW | The {carer} tests your {check} now. | Now the {carer} checks your {check}.
    | Your {check} will now be tested by the {carer}.
YOU NAME WHAT | What is your name? | Please tell me your name. | How are you called? | Your name, please?
I DEAF PLEASE WRITE | I am deaf, please write it down. | Please write, I am deaf. | I can't hear, could you write it?
I UNDERSTAND NOT AGAIN PLEASE | I do not understand, please repeat. | Please say that again. | Again, I don't follow.
YOU {ill} WHY KNOW NOT | I do not know why you have {ill}. | It is not known why you have {ill}. | Why {ill}? Unknown.
SKIN {sore} {past} BEGIN | My skin {sore} since {past}. | It began {past}: my skin {sore}. | Since {past} it {sore}.
Medicine:
TABLET {count} TAKE {meal} | Take {count} of the tablets {meal}. | The dose {meal} is {count}. | Swallow {count} {meal}.
TABLET TAKE {span} {count} | Take the tablets for {count} {span}(s). | The tablets are for {count} {span}(s).
    | Keep taking the tablets for {count} {span}(s).
MEDICINE TAKE BEFORE {do} | Take the medicine before you {do}. | Before you {do}, take it. | First medicine, then {do}.
{do} BEFORE MEDICINE TAKE | Please {do} before you take the medicine. | Before medicine, {do}. | First {do}, then it.
MEDICINE TAKE AFTER {do} | Take the medicine after you {do}. | After you {do}, take it. | First {do}, medicine after.
{carer} INJECTION GIVE {when} | The {carer} will give you an injection {when}. | Your {carer} injects you {when}.
    | You will get an injection from the {carer} {when}.
MEDICINE FINISH {when} | The medicine will be finished {when}. | My medicine runs out {when}. | No medicine left {when}.
TABLET HOW-MANY TAKE {meal} | How many tablets do I take {meal}? | How many of the tablets are for me {meal}?
    | {meal}, how many tablets should I take? | What is my number of tablets {meal}?
I GO PHARMACY MEDICINE TAKE {when} | I will fetch the medicine at the pharmacy {when}. | To the pharmacy I go {when}.
    | {when} I get the medicine from the pharmacy. | {when} I go for the medicine. | I collect my medicine {when}.
Emergency:
EMERGENCY {who} CALL NOW | Emergency, call {who} now. | Call {who} at once, an emergency. | Urgent, please call {who}.
{kin} BREATHE NOT HELP | My {kin} cannot breathe, help. | Help, my {kin} is not breathing. | Help my {kin} breathe.
{kin} {skinpart} BLEED | My {kin}'s {skinpart} is bleeding. | My {kin} has a bleeding {skinpart}.
    | Blood is coming from the {skinpart} of my {kin}.
{who} CALL {who2} | {who} calls {who2}. | A call goes from {who} to {who2}. | {who} is calling for {who2}.
Appointments:
YOU COME {when} | Come back {when}. | Please return {when}. | You should come again {when}. | We will see you {when}.
{carer} COME WHEN | When will the {carer} come? | At what time does the {carer} come? | When do I see the {carer}?
{carer} COME {when} | The {carer} comes {when}. | You will see the {carer} {when}. | Expect the {carer} {when}.
{count} {span} AFTER COME AGAIN | Come again after {count} {span}(s). | Your next visit is in {count} {span}(s).
    | Return when {count} {span}(s) have passed.
OPERATION {when} | The operation is {when}. | You will be operated on {when}. | Your operation takes place {when}.
HOSPITAL OPEN {when} NOT | The hospital is not open {when}. | The hospital will be closed {when}. | No hospital {when}.
PLEASE SIT WAIT | Please sit down and wait. | Take a seat and wait, please. | Kindly wait sitting. | Wait on a chair.
Mother and child:
I PREGNANT {count} MONTH | I am {count} month(s) pregnant. | My pregnancy is {count} month(s) old.
    | I have been pregnant for {count} month(s).
BABY {ill} {past} | The baby has had {ill} since {past}. | Baby's {ill} began {past}. | The baby got {ill} {past}.
BABY {act} NOT | The baby does not {act}. | The baby will not {act}. | My baby can't {act}.
BABY VOMIT {past} | The baby vomited {past}. | It was {past} that the baby vomited. | The baby threw up {past}.
CHILD INJECTION WHEN | When will the child get the injection? | When is the child's injection?
    | What is the time of the injection for the child?
Laboratory:
{check} TEST {when} | Your {check} will be tested {when}. | We test your {check} {when}.
    | Come {when} for the test of your {check}.
{check} TEST GOOD | The test of your {check} is good. | The result for {check} is fine. | All is well with your {check}.
{check} TEST BAD AGAIN | The test of your {check} is bad, repeat it. | We must repeat the bad test of your {check}.
    | Your result for {check} is poor, we test again.
TEST BEFORE {do} NOT | Do not {do} before the test. | Before the test you must not {do}. | Don't {do} until the test.
Daily needs:
I WANT {need} PLEASE | I want {need}, please. | Please give me {need}. | Could I have {need}? | I need {need}, please.
{place} WHERE | Where is the {place}? | How do I find the {place}? | Can you show me the {place}?
I GO {goal} {when} | I will go to the {goal} {when}. | I am going to the {goal} {when}. | {when} I go to the {goal}.
{kin} GO {goal} | My {kin} goes to the {goal}. | My {kin} is on the way to the {goal}. | To the {goal} my {kin} goes.
I HOME GO WHEN | When may I go home? | When can I leave for home? | At what time do I go home?
CARD SHOW PLEASE | Please show your card. | May I see your card? | Your card, please. | Would you show me your card?
WHO {place} OPEN | Who opens the {place}? | Which person opens the {place}? | By whom is the {place} opened?
THANK-YOU {carer} HELP GOOD | Thank you, {carer}, for the good help. | The {carer} helped well. | Many thanks, {carer}.
Prevention:
NIGHT NET SLEEP | Sleep under a net at night. | At night, sleep under the net. | Use the net when you sleep at night.
MOSQUITO GIVE MALARIA | Mosquitoes give malaria. | Malaria comes from mosquitoes. | It is mosquitoes that bring malaria.
{do} BEFORE WASH | Wash your hands before you {do}. | Before you {do}, wash your hands. | Clean hands first, then {do}.
WATER CLEAN {meal} DRINK | Drink clean water {meal}. | Only clean water should be drunk {meal}. | Drink it clean {meal}.
SUGAR {with} TAKE STOP | Do not sweeten {with}. | No more sugar with {with}, please. | Take {with} without sugar.
"""


@cache
def sentences() -> tuple[Sentence, ...]:
    """All sentences, always in the same order; any first part of the list has every kind of sentence.

    No two share their signs in the same order or any English text, and many differ in one sign or only
    in the order.
    """
    slots = {
        name: dict(item.split("=") for item in words.split()) for name, words in re.findall(r"(\w+): (.+)", _SLOTS)
    }
    patterns, category = [], ""
    for line in re.sub(r"\n +", " ", _GRAMMAR.strip()).splitlines():
        if "|" in line:
            patterns.append(_expand(category, line, slots))
        else:
            category = line.rstrip(":")
    mixed = (s for row in itertools.zip_longest(*patterns) for s in row if s is not None)
    return tuple(replace(sentence, sentence_id=str(i)) for i, sentence in enumerate(mixed, 1))


@cache
def distinct_sentences() -> tuple[Sentence, ...]:
    """The sentences, in their order, that differ in two signs or more from every one before."""
    kept: list[Sentence] = []
    for sentence in sentences():
        if not any(one_sign_apart(sentence.glosses, other.glosses) for other in kept):
            kept.append(sentence)
    return tuple(kept)


def one_sign_apart(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether one sign exchanged, added or left out makes one sentence the other; or none at all."""
    short, long = sorted((tuple(first), tuple(second)), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) <= 1
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _expand(category: str, line: str, slots: dict[str, dict[str, str]]) -> list[Sentence]:
    """Every filling of one line of the grammar; exchanged fillings of a pair follow each other."""
    pattern, *texts = (part.strip() for part in line.split("|"))
    names = re.findall(r"{(\w+)}", pattern)
    choices = itertools.product(*(slots[name.rstrip("2")] for name in names))
    filled = [chosen for chosen in choices if len(set(chosen)) == len(chosen)]
    filled.sort(key=lambda chosen: (stable_number(pattern + " ".join(sorted(chosen))), chosen))
    expanded = []
    for chosen in filled:
        glosses = dict(zip(names, chosen, strict=True))
        words = {name: slots[name.rstrip("2")][gloss].replace("_", " ") for name, gloss in glosses.items()}
        plural = "" if "ONE" in chosen else "s"
        english = (text.replace("(s)", plural).format(**words) for text in texts)
        variations = tuple(text[0].upper() + text[1:] for text in english)
        expanded.append(Sentence("", category, tuple(pattern.format(**glosses).split()), variations))
    return expanded
