"""What the panel says, in the operator's language."""

from __future__ import annotations

from reader.live import State
from reader.store import Permanence

STATES: dict[str, dict[State, str]] = {
    "en": {
        State.STARTING: "Take everything off the tray.",
        State.EMPTY: "Lay a card down.",
        State.SETTLING: "One moment …",
        State.READING: "Reading …",
        State.TOLD: "Done.",
        State.WAITING: "Take the card away.",
    },
    "nl": {
        State.STARTING: "Maak de lade leeg.",
        State.EMPTY: "Leg een kaart neer.",
        State.SETTLING: "Een ogenblik …",
        State.READING: "Aan het lezen …",
        State.TOLD: "Klaar.",
        State.WAITING: "Neem de kaart weg.",
    },
    "fr": {
        State.STARTING: "Videz le plateau.",
        State.EMPTY: "Posez une carte.",
        State.SETTLING: "Un instant …",
        State.READING: "Lecture …",
        State.TOLD: "C’est fait.",
        State.WAITING: "Retirez la carte.",
    },
}
OTHERS: dict[str, dict[str, str]] = {
    "en": {
        "accepted": "accepted: thank you",
        "review": "one moment: the operator looks at it",
        "rejected": "once more, please",
        "pictures": "Waiting for pictures.",
        "feed": "Feed a card.",
        "lost": "No picture from the camera.",
        "silent": "The sensors do not answer.",
        "store": "Not kept yet; trying again. Leave the card aside.",
        "given_up": "The last card was NOT kept: read it again.",
        "counts": "{place}: {counted} counted, {waiting} waiting for review, {rejected} rejected",
        "unsent": "{unsent} to send",
    },
    "nl": {
        "accepted": "aanvaard: dank u",
        "review": "een ogenblik: de begeleider kijkt even",
        "rejected": "nog een keer, alstublieft",
        "pictures": "Wacht op foto’s.",
        "feed": "Voer een kaart in.",
        "lost": "Geen beeld van de camera.",
        "silent": "De sensoren antwoorden niet.",
        "store": "Nog niet bewaard; wordt opnieuw geprobeerd. Hou de kaart opzij.",
        "given_up": "De laatste kaart is NIET bewaard: lees ze opnieuw.",
        "counts": "{place}: {counted} geteld, {waiting} wachten op nazicht, {rejected} geweigerd",
        "unsent": "{unsent} te verzenden",
    },
    "fr": {
        "accepted": "acceptée : merci",
        "review": "un instant : l’équipe regarde",
        "rejected": "encore une fois, s’il vous plaît",
        "pictures": "En attente d’images.",
        "feed": "Introduisez une carte.",
        "lost": "Pas d’image de la caméra.",
        "silent": "Les capteurs ne répondent pas.",
        "store": "Pas encore enregistrée ; nouvel essai. Gardez la carte de côté.",
        "given_up": "La dernière carte n’est PAS enregistrée : relisez-la.",
        "counts": "{place} : {counted} comptées, {waiting} à revoir, {rejected} refusées",
        "unsent": "{unsent} à envoyer",
    },
}


def state(which: State, language: str) -> str:
    """What a state asks of whoever stands there."""
    return STATES.get(language, STATES["en"])[which]


def word(which: str, language: str) -> str:
    """Anything else."""
    return OTHERS.get(language, OTHERS["en"])[which]


def counts(p: Permanence, unsent: int, language: str) -> str:
    """The sitting so far, and how many records of the whole store have not reached the collector."""
    sitting = word("counts", language).format(place=p.place, counted=p.counted, waiting=p.waiting, rejected=p.rejected)
    return f"{sitting}; {word('unsent', language).format(unsent=unsent)}"
