"""The core's sentences in another language: each is found again with its values, and none is said that none knows."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import templates
from agent.reports.told import PART, Sentences, halves
from agent.reports.words import Tongue, Words
from classifier.errors import ModelError
from config import law
from config.errors import NeedsPerson
from tests.builders import ledger

ROOT = Path(templates.__file__).parent.parent
ERRORS = {"NeedsPerson", "RelanceError", "NotAllowed", "ModelError", "UnknownModel", "LetterError", "UnknownLaw"}
ROOMS = (
    "agent/review/queue.py", "agent/review/tasks.py", "agent/review/deeds.py", "agent/review/answers.py",
    "agent/review/auditing.py", "agent/review/taking_back.py", "agent/review/rights.py", "agent/replies/resolve.py",
    "agent/replies/undoing.py", "agent/replies/word_on_contact.py", "agent/replies/word_on_delivery.py",
    "agent/replies/word_on_message.py",
    "agent/ledger/byhand.py", "agent/reminders/approve.py", "agent/reminders/edit.py", "agent/reminders/compose.py",
    "agent/reminders/letter.py", "agent/reminders/letters.py", "agent/reminders/notice.py", "agent/reminders/paper.py",
    "agent/reminders/render.py", "agent/reminders/statement.py", "agent/learning/background.py",
    "agent/learning/gate.py", "agent/learning/promotion.py", "classifier/encoders/find.py",
    "classifier/encoders/folder.py", "classifier/encoders/heard.py", "classifier/encoders/tuned.py",
    "classifier/encoders/weights.py", "classifier/registry.py", "classifier/storage.py", "config/law.py",
)  # fmt: skip
"""What the forms of the pages come to, letters, and trained models."""
PROGRESS = (
    "agent/learning/background.py",
    "agent/learning/training.py",
    "classifier/build.py",
    "classifier/training.py",
)
"""What a training says on its way."""
APART = (
    "7 is 7", "it answers no reminder that can be proven; 7",
    "7: always a person's", "7: 7", "the text has 7 lines that read 7",
)  # fmt: skip
"""What only commands come to; and what is put together of parts, which stands whole in the catalogue (and below)."""
APART_AT_ITS_END = ("is left over7", "was never booked7")


@pytest.fixture
def french(tmp_path: Path) -> Tongue:
    return Words(tmp_path, ledger.settings(tmp_path).zone).tongue(["fr"])


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("item 12 was settled by lea already", "lea a déjà réglé l’élément 12"),
        ("promised for 2026-03-20", "promise pour le 20 mars 2026"),
        (
            "step firm_reminder follows on 2026-03-20",
            "l’étape « Relance ferme » suit le 20 mars 2026",
        ),
        (
            "FA-1 contested (not received); paused until a person decides",
            "FA-1 contestée (Non reçu) ; suspendue jusqu’à ce qu’une personne décide",
        ),
        ("D is insolvent since 2026-03-20 already", "D est déjà en procédure collective depuis le 20 mars 2026"),
        ("it names a bank account: always a person's", "il donne un compte bancaire : toujours pour une personne"),
        (
            "it answers no reminder that can be proven; it may be from customer C1",
            "il ne répond de façon prouvée à aucune relance ; il pourrait venir du client C1",
        ),
        ("Dupont is not known as insolvent", "Dupont n’est pas connu en procédure collective"),
        ("held by lea until 2026-03-20: so it is", "suspendu par lea jusqu’au 20 mars 2026 : so it is"),
        ("a contact of the customer; DMARC passed", "un contact du client ; DMARC réussi"),
        (
            "a contact of the customer; DMARC passed; handed in by a@b.c",
            "un contact du client ; DMARC réussi; remis par a@b.c",
        ),
        (
            (
                "FA-1 can be enforced until 2027-03-31 (counted from the last promise, 2022-03-31; check the term);"
                " reminders do not stop that time"
            ),
            (
                "FA-1 peut être réclamée en justice jusqu’au 31 mars 2027 (délai compté depuis la dernière promesse,"
                " le 31 mars 2022 ; à vérifier) ; les relances n’arrêtent pas ce délai"
            ),
        ),
        (
            "5.00 of 105.00 EUR of payment P7 is left over; FA-1 needed no more",
            "il reste 5.00 des 105.00 EUR du paiement P7 ; FA-1 n’en demandait pas plus",
        ),
        (
            "5.00 of 105.00 EUR of payment P7 is left over; nothing else is open",
            "il reste 5.00 des 105.00 EUR du paiement P7 ; rien d’autre n’est ouvert",
        ),
        (
            "payment P7 takes back 9.00 EUR, of which 9.00 was never booked on FA-1",
            "le paiement P7 reprend 9.00 EUR, dont 9.00 n’ont jamais été enregistrés sur FA-1",
        ),
        (
            "step firm_reminder of plan standard: 12.00 EUR open; PL has no indemnity in EUR: none is added",
            (
                "étape « Relance ferme » du plan standard : 12.00 EUR ouverts; PL : pas d’indemnité en EUR, aucune"
                " n’est ajoutée"
            ),
        ),
        ("without encoder: choosing thresholds", "sans encodeur : choix des seuils"),
        (
            "judged part 2 of 4 without having learnt from it: fr-g fr-h",
            "partie 2 sur 4 jugée sans en avoir rien appris : fr-g fr-h",
        ),
        ("/x: no model.onnx and no onnx/model.onnx in it", "/x : il n’y a ni model.onnx ni onnx/model.onnx"),
        (
            "the customer's name holds a character that is not to be seen: 'a'. Correct it where it comes from.",
            "le nom du client contient un caractère invisible : 'a'. Corrigez-le là d’où il vient.",
        ),
        (
            "templates/a.j2: its HTML part lacks '12'. Show every invoice and the total.",
            "templates/a.j2 : la partie HTML n’a pas '12'. Montrez chaque facture et le total.",
        ),
        (
            "your words: its subject says '12', which is no figure of this letter",
            "votre texte : l’objet donne '12', qui n’est pas un chiffre de cette lettre",
        ),
        (
            "templates/a.j2 says '12', which is no figure of this letter. Take it out.",
            "templates/a.j2 donne '12', qui n’est pas un chiffre de cette lettre. Retirez-le.",
        ),
        (
            "the charges of step firm_reminder can't be computed: late",
            "les frais de l’étape « Relance ferme » ne peuvent pas être calculés : late",
        ),
        (
            "find the right contact: a@b.example has left; reminders go to c@d.example meanwhile",
            "trouver le bon contact : a@b.example a quitté la société ; les relances vont à c@d.example en attendant",
        ),
        (
            "templates/mail/fr/a.j2: 'x' is undefined. Mend it, then run `relance templates check`.",
            "templates/mail/fr/a.j2 : 'x' is undefined. Corrigez-le, puis lancez « relance templates check ».",
        ),
        (
            "templates/x.j2: its subject is empty. Fill the block `subject`.",
            "templates/x.j2 : son objet est vide. Remplissez le bloc « subject ».",
        ),
        ("nobody has ever said this", "nobody has ever said this"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_told_with_its_values(french: Tongue, english: str, said: str) -> None:
    assert french.tell(english) == said


def test_a_sentence_that_nobody_knows_is_marked_as_english(french: Tongue) -> None:
    assert french.is_told("promised for 2026-03-20")
    assert not french.is_told("promised for ever")


def test_english_is_the_cores_own(tmp_path: Path) -> None:
    english = Words(tmp_path, ledger.settings(tmp_path).zone).tongue(["en"])
    assert english.tell("promised for 2026-03-20") == "promised for 2026-03-20"
    assert english.is_told("promised for ever")


def test_an_error_tells_what_and_how_to_mend_it(french: Tongue) -> None:
    error = NeedsPerson("lea has taken item 3", "Take it over first, or go on with the next.")
    assert french.error(error) == "lea a pris l’élément 3. Reprenez-le d’abord, ou passez au suivant."


def test_hostile_values_stay_what_they_are(french: Tongue) -> None:
    assert french.tell("there is no colleague “{who.__class__}” who could work on it").count("{who.__class__}") == 1


def test_a_day_that_there_is_not_stays_as_it_was_written(french: Tongue) -> None:
    assert french.tell("held by lea: promised for 2026-13-45") == "suspendu par lea : promise pour le 2026-13-45"


def test_an_error_that_was_written_down_tells_both_what_and_how_to_mend_it(french: Tongue) -> None:
    kept = str(ModelError("/srv/a.b. c/x.json: format 4 expected", "Train it again with this version of relance."))
    assert french.tell(kept) == (
        "/srv/a.b. c/x.json : format 4 attendu. Entraînez-le de nouveau avec cette version de relance."
    )
    assert french.is_told(kept)


def test_an_error_of_which_only_a_half_is_known_stays_wholly_english(french: Tongue) -> None:
    kept = "x.json: format 4 expected. Ask the wizard."
    assert (french.tell(kept), french.is_told(kept)) == (kept, False)


def said_in(file: Path) -> Iterator[str]:
    """The sentences of the errors that a file raises, a value of any kind written as 7."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield from filter(None, (sentence for each in node.args for sentence in spellings(each)))


def spellings(node: ast.expr) -> list[str]:
    """One, or both of a choice."""
    return [*spellings(node.body), *spellings(node.orelse)] if isinstance(node, ast.IfExp) else [spelled(node)]


def spelled(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(spelled(part) if isinstance(part, ast.Constant) else "7" for part in parts)
    return ""


@pytest.fixture(scope="session")
def known() -> Sentences:
    """The catalogue's sentences with anything as a value."""
    english = tomllib.loads((ROOT / "templates" / "told" / "en.toml").read_text(encoding="utf-8"))
    return Sentences({f"{PART}.{key}": text for key, text in english[PART].items()}, shapes={})


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_that_the_pages_come_to_has_its_words(known: Sentences, room: str) -> None:
    found = list(said_in(ROOT / room))
    unknown = [one for one in found if not is_known(known, one)]
    assert [one for one in unknown if not one.startswith(APART)] == []


def is_known(known: Sentences, text: str) -> bool:
    return any(all(map(known.find, parts)) for parts in [(text,), *halves(text)])


@pytest.mark.parametrize("room", PROGRESS)
def test_every_step_of_a_training_has_its_words(known: Sentences, room: str) -> None:
    said = [
        sentence
        for node in ast.walk(ast.parse((ROOT / room).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "progress"}
        for each in node.args
        for sentence in spellings(each)
        if sentence
    ]
    commands_only = {"7 is in place", "built 7", "7"}
    assert said
    assert [one for one in said if known.find(one) is None and one not in commands_only] == []


@pytest.mark.parametrize("room", ["agent/ledger/alarms.py", "agent/ledger/judge_payments.py"])
def test_what_an_import_lays_before_a_person_has_its_words(known: Sentences, room: str) -> None:
    """Read off the code: what is called a detail, or why a payment's invoice can't be meant."""
    said = []
    for node in ast.walk(ast.parse((ROOT / room).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "detail":
            said.append(spelled(node.value))
        if isinstance(node, ast.FunctionDef) and node.name == "_unusable":
            said += [spelled(each.value) for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
    assert said
    assert [one for one in said if one and not one.endswith(APART_AT_ITS_END) and known.find(one) is None] == []


def test_what_each_shipped_law_asks_in_an_insolvency_has_its_words(french: Tongue) -> None:
    asked = [
        table["insolvency"]["what"]
        for file in Path(law.__file__).parent.glob("law/*.toml")
        if "insolvency" in (table := tomllib.loads(file.read_text(encoding="utf-8")))
    ]
    assert asked
    assert [one for one in asked if not french.is_told(one)] == []


def test_every_reason_to_leave_an_invoice_out_has_its_words(known: Sentences) -> None:
    """Read off the rules' own code: a returned or paired sentence is one."""
    unknown = []
    for room in ("agent/reminders/rules.py", "agent/reminders/decide.py"):
        for node in ast.walk(ast.parse((ROOT / room).read_text(encoding="utf-8"))):
            told: list[ast.expr] = []
            if isinstance(node, ast.Return) and node.value is not None:
                told = [node.value]
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and "Hindrance" in ast.unparse(node.elts[0]):
                told = [node.elts[1]]
            unknown += [text for text in map(spelled, told) if " " in text and known.find(text) is None]
    assert [one for one in unknown if not one.startswith(APART)] == []


def test_every_question_that_a_mail_raises_has_its_words(known: Sentences) -> None:
    unknown = []
    for node in ast.walk(ast.parse((ROOT / "agent/replies/decide.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Queue":
            unknown += [t for t in map(spelled, node.args[1:2]) if t and known.find(t) is None]
    assert [one for one in unknown if not one.startswith(APART)] == []
