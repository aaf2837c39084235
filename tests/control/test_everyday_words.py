"""Wishes in everyday words, in whatever language and order; written apart from the lists that know them."""

import pytest

from post_purchase.services.control_concepts import languages
from post_purchase.services.control_words import Wish, milder_than_stop, wish_of
from post_purchase.services.phrases import load

EVERYDAY = {
    "no_offers": """
        bitte keine Werbung mehr
        Ich möchte keine Werbung mehr
        stop sending me offers
        chega de propaganda
        広告はいりません
        please stop with the marketing emails
        I'm not interested in your promotions, thanks
        can you turn off the ads
        no newsletter please
        Könnt ihr bitte mit der Werbung aufhören?
        Newsletter abbestellen
        Ich brauche eure Angebote nicht, danke keine Newsletter
        arrêtez de m'envoyer vos promos
        je ne veux plus de pub
        J'en ai marre de vos publicités
        no me manden más publicidad
        dejen de enviarme promociones
        ya no quiero recibir ofertas
        non mandatemi più pubblicità
        smettete di mandarmi offerte
        basta con le promozioni
        stop met reclame sturen
        ik wil geen nieuwsbrief meer
        parem de mandar propaganda
        não quero mais receber promoções
        proszę nie wysyłać mi reklam
        nie chcę dostawać newslettera
        przestańcie przysyłać oferty
        sluta skicka reklam
        jag vill inte ha fler erbjudanden
        stop med reklamer
        jeg vil ikke have nyhedsbreve
        reklam mesajı göndermeyin
        artık kampanya mesajı almak istemiyorum
        لا أريد إعلانات
        توقفوا عن إرسال العروض
        セールの案内を送らないでください
        キャンペーンのメールを止めてください
        メルマガを解除してください
        Keine Werbung mehr, aber weiter Infos zur Bestellung
        please take me off the marketing list
        I really don't need any more deals from you
        unsubscribe me from promotions
        hört endlich auf mit diesen Werbenachrichten
        ich verzichte auf Sonderangebote
        les newsletters, ça suffit
        plus aucune promo merci
        quítenme de la publicidad
        no me interesan sus ofertas
        non mi interessano le vostre promozioni
        niente newsletter per favore
        graag geen aanbiedingen meer
        ik heb genoeg van jullie reclame
        tô cansado de tanta propaganda
        sem promoções, por favor
        dość tych reklam
        nie życzę sobie ofert
        nog med reklam nu
        nej tack till nyhetsbrev
        ikke flere tilbud tak
        kampanyalarınızı istemiyorum
        reklamları kapatın lütfen
        أوقفوا الإعلانات من فضلكم
        宣伝メールは結構です
    """,
    "no_reviews": """
        stop asking me to rate you
        ich will keine Bewertung abgeben
        arrêtez de me demander un avis
        no quiero encuestas
        non voglio lasciare recensioni
        geen enquêtes meer
        chega de pesquisas
        nie chcę ankiet
        sluta fråga om omdömen
        artık anket göndermeyin
        レビューのお願いはもういいです
    """,
    "language": """
        parle-moi en anglais
        schreib auf Englisch
        Can you write to me in French please
        could we continue in Spanish?
        Könnt ihr mit mir auf Französisch schreiben?
        antwortet mir bitte auf Polnisch
        vous pouvez répondre en espagnol ?
        ¿Podemos hablar en inglés?
        contéstame en portugués
        puoi rispondere in tedesco?
        parliamo in inglese
        kun je Engels praten?
        schrijf me in het Duits
        fala comigo em inglês
        pode responder em espanhol?
        proszę pisać po angielsku
        możemy rozmawiać po niemiecku?
        kan du skriva på engelska
        svara på tyska tack
        kan I skrive på engelsk?
        İngilizce yazar mısınız
        Almanca konuşabilir miyiz
        هل يمكنك التحدث بالإنجليزية
        اكتب لي بالفرنسية
        英語で話してください
        ドイツ語で返信してもらえますか
        I don't understand German, please write in English
        do you speak Italian?
        please switch to English
        wäre es möglich, Englisch zu schreiben?
        on peut continuer en allemand ?
        me puedes escribir en francés
        potete scrivermi in spagnolo
        ik versta alleen Engels
        vamos falar em inglês
        proszę odpisać po niemiecku
        går det bra att prata engelska
        Türkçe cevap verin
        تكلم معي بالعربية
        日本語で対応できますか
    """,
    "channel": """
        schreib mir bitte per SMS
        could you write me by email
        contact me on WhatsApp from now on
        please message me on Telegram
        Könnt ihr mir lieber auf WhatsApp schreiben?
        antworte mir bitte per E-Mail
        écris-moi plutôt sur WhatsApp
        contactez-moi par SMS
        escríbanme por WhatsApp
        prefiero que me contacten por correo
        scrivetemi via email
        preferisco Telegram
        stuur mij liever een mail
        app me op whatsapp
        me escreva pelo WhatsApp
        prefiro por email
        piszcie do mnie na WhatsApp
        wolę kontakt przez SMS
        skriv till mig på WhatsApp
        jag föredrar sms
        skriv til mig på Messenger
        bana WhatsApp'tan yazın
        راسلني على واتساب
        メールで連絡してください
        please reply by email
        use SMS to contact me
        meldet euch bitte per Mail
        tu peux m'écrire sur Messenger
        avísenme por SMS
        contattatemi su Telegram
        neem contact met me op via e-mail
        falem comigo pelo Telegram
        proszę o kontakt mailowy
        svara mig på mejl
        mail'den bana ulaşın
        تواصلوا معي عبر البريد
        LINEではなくメールで返信してください
    """,
    "quiet": """
        no messages after 8pm please
        don't text me at night
        please don't message before 9 am
        bitte nicht nach 20 Uhr schreiben
        nachts bitte keine Nachrichten
        ab 21 Uhr möchte ich keine Nachrichten
        schreibt mir nicht vor 9 Uhr
        pas de messages après 20h
        ne m'écrivez pas la nuit
        no me escriban después de las 8 de la noche
        sin mensajes antes de las 9
        non scrivetemi dopo le 21
        niente messaggi di notte
        geen berichten na 20 uur
        stuur me 's nachts niets geen berichten
        não mandem mensagem depois das 20h
        sem mensagens à noite
        proszę nie pisać po 20
        żadnych wiadomości w nocy
        inga meddelanden efter 20
        skriv inte på natten
        ingen beskeder efter kl. 20
        akşam 8'den sonra mesaj atmayın
        gece mesaj göndermeyin
        لا ترسلوا رسائل بعد الساعة 8 مساء
        夜8時以降は連絡しないでください
        深夜の通知はやめてください
        only write to me between 9 and 5
        stop texting after 10 at night
        nobody should message me before 10am
        bitte stört mich nicht nach 22 Uhr
        ne me dérangez pas avant 9h
        no molesten por la noche
        dopo le 20 niente messaggi
        's avonds na 9 geen berichten
        nada de mensagens de madrugada
        nie przeszkadzajcie mi w nocy
        stör mig inte efter kl 21
        forstyr mig ikke om natten
        geceleri rahatsız etmeyin
        لا تزعجوني ليلا
        22時以降の通知は控えてください
    """,
    "erase": """
        supprimez mon compte
        delete me
        Löscht mich
        please close my account
        I want my account removed
        can you wipe my details
        Bitte mein Konto löschen
        löscht alles über mich
        effacez mon profil
        je veux supprimer mes informations
        borren mi cuenta
        quiero eliminar mi cuenta
        cancellate il mio account
        eliminate il mio profilo
        verwijder mijn account
        wis al mijn gegevens
        excluam minha conta
        apaguem meus dados
        usuńcie moje konto
        proszę o usunięcie danych osobowych
        ta bort mitt konto
        radera mig
        slet min konto
        hesabımı silin
        احذفوا حسابي
        アカウントを削除してください
        退会します、個人情報を消去して
        I want you to delete everything you know about me
        please remove all my personal data
        ich will, dass mein Konto gelöscht wird
        fermez mon compte svp
        den de baja mi cuenta y borren mis datos
        voglio che cancelliate i miei dati personali
        kunnen jullie mijn account opheffen
        quero encerrar minha conta
        chcę zamknąć konto
        avsluta mitt konto och radera uppgifterna
        luk min konto
        hesabımın silinmesini istiyorum
        أريد حذف حسابي
        データを全部消してほしい
    """,
    "export": """
        GDPR request
        DSGVO Auskunft
        I'd like a copy of my data
        send me all the data you have
        Auskunft nach DSGVO bitte
        ich verlange Auskunft gemäß Art. 15
        demande RGPD
        je voudrais recevoir mes données
        solicitud RGPD
        quiero una copia de mis datos personales
        richiesta GDPR
        vorrei i miei dati personali
        AVG-verzoek
        ik wil inzage in mijn gegevens
        pedido LGPD
        quero acesso aos meus dados
        wniosek RODO
        chcę dostać swoje dane
        jag begär registerutdrag
        GDPR-begäran
        indsigtsanmodning
        KVKK başvurusu
        verilerimin bir kopyasını istiyorum
        أريد الحصول على بياناتي
        個人情報の開示を請求します
        GDPR
        what about my GDPR rights request
        please send my personal information to me
        schickt mir bitte meine gespeicherten Daten
        exercer mon droit d'accès
        ejerzo mi derecho de acceso
        chiedo l'accesso ai miei dati
        ik doe een inzageverzoek
        solicito meus dados conforme a LGPD
        żądam dostępu do danych
        jag vill ha en kopia på mina uppgifter
        jeg vil have indsigt i mine oplysninger
        verilerime erişim talep ediyorum
        أطلب نسخة من معلوماتي الشخصية
        自分のデータを見せてください
    """,
}
OTHERS = """
    Where is my parcel?
    I got no message after 3 days, where is my order
    email me the invoice please
    text me when it arrives
    schick mir die Rechnung per Mail
    Is the manual in English?
    habt ihr eine Anleitung auf Deutsch?
    I don't want to miss any offers
    Warum habe ich keine Angebote bekommen
    delete my order
    please remove one item from my order
    bitte löscht die Bestellung
    I want to change my account address
    Can I get the invoice in English
    Please write the card in French
    send me the tracking number by SMS
    Please don't deliver after 8pm
    Ich habe gestern per E-Mail geschrieben
    can I write you on WhatsApp?
    Warum schreibt ihr mir per SMS?
    the offer code does not work
    der Gutschein aus der Werbung funktioniert nicht
    le colis n'est pas arrivé avant 18h
    No quiero el pedido, cancélenlo
    non voglio il pacco
    kan ik de factuur in het Engels krijgen
    reklamacja: nie chcę tej paczki
    jag vill reklamera, stopp inte
    siparişimi iptal edin
    أريد إلغاء طلبي
    注文をキャンセルしたい
    商品はいらないので返品したい
    lieferung nach 20 uhr nicht möglich
    I have a question about my data cable
    do you send before 9?
    stop, I don't want this order
    thanks!
    ja
    Can you reply?
    Hello, do you speak to DHL?
    I want a refund, not a discount
    Die Werbung hat mir gefallen
    I love your newsletters!
    Ist das Angebot noch gültig?
    Kann ich per Mail bezahlen?
    Wie lösche ich die App?
    kto dostarcza paczkę po 18?
    bitte nicht nach 20 Uhr liefern
    could the courier text me before delivery
    I never got a message after ordering
    ich habe keine Nachricht nach der Bestellung bekommen
    my account was charged twice
    j'ai changé de compte bancaire
    mi cuenta no funciona
    quiero cambiar mi contraseña de la cuenta
    please remove the gift card from my order
    is there an English speaking person?
    the English translation in the app is bad
    je n'ai pas reçu de message avant la livraison
    Non ho ricevuto la mail
    mail mi arriva quando?
    de taal van het boek is Engels
    ik wil mijn pakket, geen excuses
    no
    no thanks
    keine
    stop lying to me
    nie dostałem maila z potwierdzeniem
"""
VALUES = {
    "no messages after 8pm please": Wish("quiet", "20:00-08:00"),
    "ab 21 Uhr möchte ich keine Nachrichten": Wish("quiet", "21:00-08:00"),
    "please don't message before 9 am": Wish("quiet", "21:00-09:00"),
    "pas de messages après 20h30": Wish("quiet", "20:30-08:00"),
    "nachts bitte keine Nachrichten": Wish("quiet", "21:00-08:00"),
    "only write to me between 9 and 5": Wish("quiet", "17:00-09:00"),
    "夜8時以降は連絡しないでください": Wish("quiet", "20:00-08:00"),
    "لا ترسلوا رسائل بعد الساعة ٨ مساء": Wish("quiet", "20:00-08:00"),
    "parle-moi en anglais": Wish("language", "en"),
    "schreib auf Englisch": Wish("language", "en"),
    "I don't understand German, please write in English": Wish("language", "en"),
    "Why do you write in German?": Wish("language", ""),
    "schreib mir bitte per SMS": Wish("channel", "sms"),
    "me escreva pelo WhatsApp": Wish("channel", "whatsapp"),
}
STOPS = """
    STOP
    stop promo
    unsubscribe
    no more messages
    keine Werbung und keine Nachrichten mehr
    Stop all messages and offers
    Please don't message me. No ads.
    Bitte keine Nachrichten mehr
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", EVERYDAY)
def test_a_wish_is_known_by_what_it_means(name: str):
    heard = {text: getattr(wish_of(text), "name", "") for text in lines(EVERYDAY[name])}
    assert {text: found for text, found in heard.items() if found != name} == {}


def test_what_only_sounds_like_it_changes_nothing():
    assert {text: wish_of(text) for text in lines(OTHERS) if wish_of(text)} == {}


def test_the_value_is_read_or_asked_for():
    assert {text: wish_of(text) for text in VALUES} == VALUES


def test_less_than_a_stop_is_not_taken_for_one_and_a_stop_is_one():
    for name in ("no_offers", "no_reviews"):
        assert [text for text in lines(EVERYDAY[name]) if milder_than_stop(text) != Wish(name)] == []
    assert milder_than_stop("Don't text me at night") == Wish("quiet", "21:00-08:00")
    assert [text for text in lines(STOPS) if milder_than_stop(text)] == []


def test_a_mail_is_read_by_its_first_line():
    mail = "Bitte keine Werbung mehr\n\nMit freundlichen Grüßen\n" + "Maria Muster, Musterstraße 1\n" * 8
    assert milder_than_stop(mail) == Wish("no_offers")
    assert milder_than_stop(mail.replace("Werbung", "Nachrichten")) is None


def test_each_meaning_has_words_in_each_language():
    lists = load("control_concepts")
    assert set(languages()) == set(load("control_words")["erase"])
    for language in languages():
        assert set(lists[language]) == set(lists["en"]), language
        assert all(isinstance(word, str) for words in lists[language].values() for word in words), language
