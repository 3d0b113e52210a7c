"""Reasons as sentences for the operator: what was seen, and what to do next."""

from __future__ import annotations

from cards.layout import Layout, in_language
from reader.reading import Code, Reason

SENTENCES: dict[str, dict[Code, str]] = {
    "en": {
        Code.UNCERTAIN_POSITION: "{position} may or may not be punched: look at the card.",
        Code.TWO_PUNCHES: "{question} has more than one hole ({found}): ask which one is meant.",
        Code.STRAY: "There is a hole where none belongs ({found}): ask what is meant.",
        Code.REQUIRED_BLANK: "{question} has no hole: ask whether that is meant.",
        Code.CONDITION_BROKEN: "{question} is answered, but only asked after {expected}: ask what is meant.",
        Code.INVALID_CHARACTER: "{question}: {found} holds no readable sign: look at the card.",
        Code.NO_CARD: "There is no card in the picture: lay one down and try again.",
        Code.TWO_CARDS: "There are two cards in the picture: take one away and try again.",
        Code.CUT_OFF: "The card is not whole in the picture: move it to the middle and try again.",
        Code.BLURRED: "The picture is blurred: hold still, wipe the lens, try again.",
        Code.WRONG_PROPORTIONS: "What lies there has not the shape of the card: lay the card flat and alone, try again.",
        Code.UNKNOWN_LAYOUT: "This is not one of the cards the machine knows: check that it is today's card.",
        Code.LOW_CONTRAST: "Card and background are too much alike: use another background or more light.",
        Code.AMBIGUOUS_FIT: "The holes fit the card in more than one way: lay the card flat and try again.",
        Code.NOT_A_PICTURE: "The file is not a whole picture: copy it again or take the picture again.",
        Code.TOO_DARK: "The picture is too dark: switch the lamp on, or bring more light, and try again.",
        Code.GLARE: "A light is reflected on the card: turn the lamp or the card a little and try again.",
        Code.DIRT: "There is dirt on the glass or the bed ({found}): wipe it clean and try again.",
        Code.HAND: "Something reaches over the card: take your hand away and wait a moment.",
        Code.RETIRED_LAYOUT: "This is the card {found}, which is not in use today: take one of today's cards.",
        Code.PROFILE_MISMATCH: "The machine is not as calibrated ({found}, not {expected}): see `logicienne calibrate check`.",
        Code.SENSOR_DARK: "Sensor {found} sees no light although no card is in the reader: take out what is left, blow it clean.",
        Code.SENSOR_LIGHT: "Sensor {found} sees light where paper should stop it: close the hood; if it stays so, replace it.",
        Code.SENSOR_WEAK: "Sensor {found} sees too little through a hole: blow it clean, then feed the card again.",
        Code.EDGES_LOST: "Signals of sensor {found} got lost on the way: feed the card again.",
        Code.FED_WRONG: "The timing strip does not show: feed the card front up, with its strip on the marked side.",
        Code.PULLED_OUT: "The card did not go all the way through: feed it again, to its end.",
        Code.CLOCK: "The timing strip does not add up (off by {found}): wipe it, feed one card at a time, feed it again.",
        Code.SKEWED: "The card went through askew ({found}°): keep it against the guide and feed it again.",
        Code.TORN_EDGE: "A short edge of the card is torn or folded: smooth it and feed the card again, or take it by hand.",
        Code.UNSTEADY: "The card moved too unevenly near its end: feed it again in one go.",
        Code.CODE_HOLES: "The code holes are not where they belong ({found}): check that it is today's card.",
        Code.OFF_TRACK: "The card ran beside its sensors: keep it against the guide and feed it again.",
        Code.PASSES_DISAGREE: "The card read differently on its way back: feed it again.",
    },
    "nl": {
        Code.UNCERTAIN_POSITION: "{position} is misschien geponst, misschien niet: kijk naar de kaart.",
        Code.TWO_PUNCHES: "{question} heeft meer dan één gaatje ({found}): vraag welk bedoeld is.",
        Code.STRAY: "Er zit een gaatje waar er geen hoort ({found}): vraag wat bedoeld is.",
        Code.REQUIRED_BLANK: "{question} heeft geen gaatje: vraag of dat de bedoeling is.",
        Code.CONDITION_BROKEN: "{question} is beantwoord, maar hoort enkel bij {expected}: vraag wat bedoeld is.",
        Code.INVALID_CHARACTER: "{question}: {found} is geen leesbaar teken: kijk naar de kaart.",
        Code.NO_CARD: "Er ligt geen kaart in beeld: leg er een neer en probeer opnieuw.",
        Code.TWO_CARDS: "Er liggen twee kaarten in beeld: neem er een weg en probeer opnieuw.",
        Code.CUT_OFF: "De kaart staat niet helemaal in beeld: leg ze in het midden en probeer opnieuw.",
        Code.BLURRED: "Het beeld is wazig: hou stil, veeg de lens schoon, probeer opnieuw.",
        Code.WRONG_PROPORTIONS: "Wat daar ligt heeft niet de vorm van de kaart: leg ze plat en alleen, probeer opnieuw.",
        Code.UNKNOWN_LAYOUT: "Deze kaart kent de machine niet: kijk of het de kaart van vandaag is.",
        Code.LOW_CONTRAST: "Kaart en ondergrond lijken te veel op elkaar: neem een andere ondergrond of meer licht.",
        Code.AMBIGUOUS_FIT: "De gaatjes passen op meer dan één manier: leg de kaart plat en probeer opnieuw.",
        Code.NOT_A_PICTURE: "Het bestand is geen volledige foto: kopieer het opnieuw of neem de foto opnieuw.",
        Code.TOO_DARK: "Het beeld is te donker: doe de lamp aan of zorg voor meer licht en probeer opnieuw.",
        Code.GLARE: "Een lamp weerspiegelt op de kaart: draai de lamp of de kaart een beetje en probeer opnieuw.",
        Code.DIRT: "Er zit vuil op het glas of de ondergrond ({found}): veeg het schoon en probeer opnieuw.",
        Code.HAND: "Er steekt iets over de kaart: haal je hand weg en wacht even.",
        Code.RETIRED_LAYOUT: "Dit is de kaart {found}, die vandaag niet gebruikt wordt: neem een kaart van vandaag.",
        Code.PROFILE_MISMATCH: "Het toestel is niet zoals geijkt ({found}, niet {expected}): doe `logicienne calibrate check`.",
        Code.SENSOR_DARK: "Sensor {found} ziet geen licht zonder kaart: neem weg wat er nog in zit, blaas schoon.",
        Code.SENSOR_LIGHT: "Sensor {found} ziet licht door papier: sluit de kap; helpt dat niet, vervang de sensor.",
        Code.SENSOR_WEAK: "Sensor {found} ziet te weinig door een gaatje: blaas schoon en voer de kaart opnieuw in.",
        Code.EDGES_LOST: "Er gingen signalen van sensor {found} verloren: voer de kaart opnieuw in.",
        Code.FED_WRONG: "De zwarte streepjes zijn niet te zien: voorkant boven, streepjes aan de gemerkte kant.",
        Code.PULLED_OUT: "De kaart ging er niet helemaal door: voer ze opnieuw in, tot het einde.",
        Code.CLOCK: "De zwarte streepjes kloppen niet ({found} verschil): veeg schoon, één kaart tegelijk, voer opnieuw in.",
        Code.SKEWED: "De kaart ging er scheef door ({found}°): hou ze tegen de geleider en voer ze opnieuw in.",
        Code.TORN_EDGE: "Een korte rand van de kaart is gescheurd of geplooid: strijk glad, voer opnieuw in of lees met de hand.",
        Code.UNSTEADY: "De kaart bewoog te onregelmatig bij haar rand: voer ze opnieuw in, in één beweging.",
        Code.CODE_HOLES: "De codegaatjes zitten niet op hun plaats ({found}): kijk of het de kaart van vandaag is.",
        Code.OFF_TRACK: "De kaart liep naast haar sensoren: hou ze tegen de geleider en voer ze opnieuw in.",
        Code.PASSES_DISAGREE: "De kaart las anders op de terugweg: voer ze opnieuw in.",
    },
    "fr": {
        Code.UNCERTAIN_POSITION: "{position} est peut-être perforé, peut-être pas : regardez la carte.",
        Code.TWO_PUNCHES: "{question} a plus d’un trou ({found}) : demandez lequel est voulu.",
        Code.STRAY: "Il y a un trou là où il n’en faut pas ({found}) : demandez ce qui est voulu.",
        Code.REQUIRED_BLANK: "{question} n’a pas de trou : demandez si c’est voulu.",
        Code.CONDITION_BROKEN: "{question} a une réponse, mais ne vaut qu’après {expected} : demandez ce qui est voulu.",
        Code.INVALID_CHARACTER: "{question} : {found} n’est pas un signe lisible : regardez la carte.",
        Code.NO_CARD: "Il n’y a pas de carte dans l’image : posez-en une et recommencez.",
        Code.TWO_CARDS: "Il y a deux cartes dans l’image : enlevez-en une et recommencez.",
        Code.CUT_OFF: "La carte n’est pas entière dans l’image : posez-la au milieu et recommencez.",
        Code.BLURRED: "L’image est floue : ne bougez pas, essuyez l’objectif, recommencez.",
        Code.WRONG_PROPORTIONS: "Ce qui est posé n’a pas la forme de la carte : posez-la à plat et seule, recommencez.",
        Code.UNKNOWN_LAYOUT: "La machine ne connaît pas cette carte : vérifiez que c’est celle du jour.",
        Code.LOW_CONTRAST: "La carte et le fond se ressemblent trop : changez de fond ou ajoutez de la lumière.",
        Code.AMBIGUOUS_FIT: "Les trous vont de plus d’une façon : posez la carte à plat et recommencez.",
        Code.NOT_A_PICTURE: "Le fichier n’est pas une photo entière : recopiez-le ou reprenez la photo.",
        Code.TOO_DARK: "L’image est trop sombre : allumez la lampe ou ajoutez de la lumière, puis recommencez.",
        Code.GLARE: "Une lumière se reflète sur la carte : tournez un peu la lampe ou la carte et recommencez.",
        Code.DIRT: "Il y a de la saleté sur la vitre ou le fond ({found}) : essuyez et recommencez.",
        Code.HAND: "Quelque chose dépasse sur la carte : retirez la main et attendez un instant.",
        Code.RETIRED_LAYOUT: "C’est la carte {found}, qui ne sert pas aujourd’hui : prenez une carte du jour.",
        Code.PROFILE_MISMATCH: "L’appareil n’est plus étalonné ({found}, non {expected}) : lancez `logicienne calibrate check`.",
        Code.SENSOR_DARK: "Le capteur {found} ne voit pas de lumière sans carte : enlevez ce qui reste et soufflez.",
        Code.SENSOR_LIGHT: "Le capteur {found} voit de la lumière à travers le papier : fermez le capot, sinon remplacez-le.",
        Code.SENSOR_WEAK: "Le capteur {found} voit trop peu à travers un trou : soufflez dessus et repassez la carte.",
        Code.EDGES_LOST: "Des signaux du capteur {found} se sont perdus : repassez la carte.",
        Code.FED_WRONG: "La bande noire ne se voit pas : passez la carte face vers le haut, la bande du côté marqué.",
        Code.PULLED_OUT: "La carte n’est pas passée jusqu’au bout : repassez-la, jusqu’à la fin.",
        Code.CLOCK: "La bande noire ne donne pas le bon compte (écart de {found}) : essuyez-la, une carte à la fois.",
        Code.SKEWED: "La carte est passée de travers ({found}°) : tenez-la contre le guide et repassez-la.",
        Code.TORN_EDGE: "Un bord court de la carte est déchiré ou plié : aplatissez-le, ou lisez la carte à la main.",
        Code.UNSTEADY: "La carte a bougé trop irrégulièrement près du bord : repassez-la d’un seul geste.",
        Code.CODE_HOLES: "Les trous du code ne sont pas à leur place ({found}) : vérifiez que c’est la carte du jour.",
        Code.OFF_TRACK: "La carte est passée à côté de ses capteurs : tenez-la contre le guide et repassez-la.",
        Code.PASSES_DISAGREE: "La carte s’est lue autrement au retour : repassez-la.",
    },
}


def sentence(reason: Reason, layout: Layout | None = None, language: str = "en") -> str:
    """The reason in `en`, `nl` or `fr` (others: English), questions and choices called as on the card."""
    words = SENTENCES.get(language, SENTENCES["en"])
    return words[reason.code].format(
        question=_question(reason.question, layout, language),
        position=_position(reason, layout, language),
        found=_found(reason, layout, language),
        expected=_expected(reason, layout, language),
    )


def _question(question_id: str | None, layout: Layout | None, language: str) -> str:
    """As on the card. A question about another one is named with it: “How is that for you?” stands there six times."""
    if layout is None or question_id is None:
        return question_id or "?"
    question = layout.question(question_id)
    before = f"{in_language(layout.question(question.about).text, language)} " if question.about else ""
    return f"“{before}{in_language(question.text, language)}”"


def _choice(question_id: str, choice: str, layout: Layout, language: str) -> str:
    text = next((c.text for c in layout.question(question_id).choices if c.id == choice), {})
    return in_language(text, language) or choice


def _position(reason: Reason, layout: Layout | None, language: str) -> str:
    if layout is None or reason.question is None or reason.position is None:
        return reason.position or "?"
    name = _choice(reason.question, reason.position.removeprefix(f"{reason.question}."), layout, language)
    return f"“{name}” ({_question(reason.question, layout, language)})"


def _found(reason: Reason, layout: Layout | None, language: str) -> str:
    if reason.found is None or layout is None or reason.question is None or reason.code is not Code.TWO_PUNCHES:
        return reason.found or "?"
    return ", ".join(f"“{_choice(reason.question, c, layout, language)}”" for c in reason.found.split(", "))


def _expected(reason: Reason, layout: Layout | None, language: str) -> str:
    if reason.expected is None or layout is None:
        return reason.expected or "?"
    question, _, choice = reason.expected.partition(".")
    return f"“{_choice(question, choice, layout, language)}” ({_question(question, layout, language)})"
