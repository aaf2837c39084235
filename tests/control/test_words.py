"""What counts as a wish about one's own data, in twelve languages, and what only sounds like one."""

import pytest

from post_purchase.services.choices import LANGUAGES
from post_purchase.services.control_words import Wish, confirms_erasure, wish_of
from post_purchase.services.phrases import load

WISHES = {
    "about": [
        "What do you know about me?",
        "Was wissen Sie über mich?",
        "Que savez-vous de moi ?",
        "¿Qué saben de mí?",
        "Cosa sapete di me?",
        "Wat weet u over mij?",
        "O que vocês sabem sobre mim?",
        "Co o mnie wiecie?",
        "Vad vet ni om mig?",
        "Hakkımda ne biliyorsunuz?",
        "ماذا تعرفون عني؟",
        "私について何を知っていますか",
        "which data do you store",
        "Hvad ved I om mig?",
    ],
    "export": [
        "please export my data",
        "Kopie meiner Daten bitte",
        "télécharger mes données",
        "quiero descargar mis datos",
        "vorrei scaricare i miei dati",
        "kopie van mijn gegevens",
        "quero baixar meus dados",
        "chcę pobrać moje dane",
        "ladda ner mina uppgifter",
        "verilerimi indirmek istiyorum",
        "أريد نسخة من بياناتي",
        "私のデータをダウンロードしたい",
    ],
    "erase": [
        "delete all my data",
        "Bitte löschen Sie meine Daten",
        "supprimez toutes mes données",
        "borren todos mis datos",
        "cancellate i miei dati",
        "verwijder mijn gegevens",
        "apaguem os meus dados",
        "proszę usunąć moje dane",
        "radera mina uppgifter",
        "verilerimi silin",
        "احذفوا بياناتي",
        "私の個人情報を消してください",
    ],
    "no_reviews": [
        "no review questions please",
        "please don't ask me for a review",
        "bitte keine Bewertungsanfragen",
        "plus de demandes d'avis",
        "sin reseñas por favor",
        "niente recensioni",
        "geen reviews meer",
        "sem avaliações",
        "bez opinii",
        "inga recensioner tack",
        "değerlendirme istemiyorum",
        "لا أريد تقييمات",
        "レビュー依頼は不要です",
    ],
    "no_offers": [
        "no more offers",
        "keine Angebote bitte",
        "plus d'offres",
        "no quiero ofertas",
        "niente offerte",
        "geen aanbiedingen",
        "não quero ofertas",
        "nie chcę reklam",
        "inga erbjudanden",
        "kampanya istemiyorum",
        "لا أريد عروض",
        "広告は不要です",
    ],
}
CHOICES = {
    "German please": ("language", "de"),
    "auf Deutsch bitte": ("language", "de"),
    "en español por favor": ("language", "es"),
    "po polsku": ("language", "pl"),
    "på dansk tak": ("language", "da"),
    "日本語でお願いします": ("language", "ja"),
    "بالعربية": ("language", "ar"),
    "write me on WhatsApp instead": ("channel", "whatsapp"),
    "lieber per E-Mail": ("channel", "email"),
    "My size is M": ("size", "M"),
    "meine Größe ist 38,5": ("size", "38.5"),
    "サイズはLです": ("size", "L"),
    "quiet hours from 9 pm to 7:30 am": ("quiet", "21:00-07:30"),
    "Ruhezeit 21:00 bis 8:00": ("quiet", "21:00-08:00"),
    "quiet hours": ("quiet", ""),
}
OTHERS = [
    "Where is my order?",
    "Do you have it in size M?",
    "I need size 42 instead of 41",
    "Is there a German manual?",
    "I wrote you an email yesterday",
    "do you speak to the carrier",
    "What do you know about this carrier?",
    "I left a review yesterday",
    "How do I leave a review?",
    "delete my order please",
    "Is this offer still valid?",
    "my review was 5 stars",
    "I am French and my parcel is late",
    "keine Ahnung",
    "Wann kommt mein Paket?",
    "Où est mon colis ?",
    "¿Dónde está mi pedido?",
    "Dov'è il mio ordine?",
    "注文はどこですか",
    "أين طلبي؟",
    "ok",
    "",
    "quiet " * 200,
]


def test_every_wish_is_heard_in_every_language():
    for name, texts in WISHES.items():
        assert [(text, wish_of(text)) for text in texts if getattr(wish_of(text), "name", "") != name] == []
        assert len(texts) >= 12


def test_choices_are_read_with_their_value():
    assert {text: wish_of(text) for text in CHOICES} == {text: Wish(*each) for text, each in CHOICES.items()}


def test_what_only_sounds_like_it_changes_nothing():
    assert [(text, wish_of(text)) for text in OTHERS if wish_of(text) is not None] == []


@pytest.mark.parametrize("hours", ["quiet hours 25 to 99", "quiet hours 8 to 8", "quiet hours 7", "quiet hours 1 2 3"])
def test_hours_that_are_none_are_asked_for_on_the_page(hours: str):
    assert wish_of(hours) == Wish("quiet", "")


def test_the_word_that_confirms_is_the_whole_message():
    assert all(map(confirms_erasure, ("erase", "Löschen!", "消去", "slet")))
    assert not confirms_erasure("please do not erase it")


def test_the_texts_stand_in_every_language_and_none_lost_a_place_to_fill():
    texts = load("control")
    assert set(texts) == {"version", *LANGUAGES}
    for language in LANGUAGES:
        assert set(texts[language]) == set(texts["en"])
        for name, text in texts["en"].items():
            places = {place for place in ("{facts}", "{link}", "{word}", "{what}", "{channel}") if place in text}
            assert {place for place in places if place not in texts[language][name]} == set(), (language, name)
            assert texts[language][name].strip()
    for name, lists in load("control_words").items():
        if name not in ("languages", "channels"):
            assert set(lists) == set(LANGUAGES), name
