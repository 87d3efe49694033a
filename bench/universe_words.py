"""Word tables of the generated universe: how companies of a dozen countries are named, housed and reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tongue:
    """How names are made in one language: stems and endings of surnames and brands, words of trades and streets."""

    stems: tuple[str, ...]
    endings: tuple[str, ...]
    trades: tuple[str, ...]
    streets: tuple[str, ...]  # `{}` stands for the telling word
    joint: str = "&"


@dataclass(frozen=True)
class Land:
    """One country: its share of all companies, language, legal forms (commonest first), cities, and formats.

    In `postcode` and `phone` a 9 is any digit, an A any letter; what else stands there stands there.
    """

    code: str
    share: float
    tongue: str
    forms: tuple[str, ...]
    cities: tuple[str, ...]
    postcode: str
    phone: str
    ending: str
    vat: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TONGUES = {
    "en": Tongue(
        _words("Ash Black Brook Clay Cross Dal East Fair Gar Green Hart Holl Kings Lang Long Mar Mill Nor "
               "Oak Park Pres Red Ridge Rock Sher Silver Stan Stone Thorn Ward Wat West White Wil Win Wood "
               "York Alder Bram Cald Den Elm Farn Hale Ing Kel Lock Mead New Pem Rush Sand Tal Up Ves Wy Zen "
               "Nova Omni Ver Cor Syn Apex Opti Quan Tri Uni Lumi Aero Hydro Terra"),
        _words("ton ford ley well field worth man son ham stone burn wick by land more dale er is ex on ara "
               "ent ix via ora ium ics"),
        _words("Services Group Solutions Systems Consulting Engineering Holdings International Manufacturing "
               "Technologies Logistics Construction Management Industries Partners Energy Foods Software "
               "Medical Finance Properties Security Transport Electrical Packaging Plastics Communications "
               "Insurance Laboratories Design"),
        ("{} Road", "{} Street", "{} Lane", "{} Avenue", "{} Drive", "{} Park", "{} Way"),
    ),
    "de": Tongue(
        _words("Brand Stein Wald Berg Müll Schnei Hof Kauf Roth Zimmer Acker Bau Döring Eich Fisch Graf "
               "Haupt Jäg Köh Lind Mei Neu Ober Pfei Reich Schä Tann Ull Vogel Wein Weiß Ziegl Kirch Lauter "
               "Hei Böhm Krä Lehn Sauer Dorn Feld Gold Hirsch Kreuz Nuss Birk"),
        _words("er mann hoff bach inger wald ke ler ner meier berg feld stein hausen hard in"),
        _words("Maschinenbau Gesellschaft Technik Vertrieb Handels Bau Logistik Systeme Elektronik "
               "Werkzeugbau Dienstleistungen Beratung Immobilien Verpackung Metallbau Kunststoff Automation "
               "Holding Gruppe Medizintechnik Energie Spedition Anlagenbau Software Druck"),
        ("{}straße", "{}weg", "{}allee", "Am {}", "{}platz", "{}gasse"), "&",
    ),
    "fr": Tongue(
        _words("Beau Bel Bern Bois Char Clair Cour Dela Dur Font Gar Lam Laur Lef Mar Mont Mor Per Riv Rous "
               "Saint Tour Val Ver Vill Aub Bri Cham Des Four Gran Jou Lac Mas Nev Oli Plan Quin Ros Sav"),
        _words("ard eau elle et ier in on oux ac ault ere ville mont court neuve and ot euil y is"),
        _words("Services Industrie Distribution Transports Conseil Ingénierie Électricité Bâtiment "
               "Logistique Systèmes Informatique Développement Matériaux Équipements Énergie Groupe "
               "Participations Santé Emballages Plastiques Mécanique Travaux Alimentaire Sécurité"),
        ("rue {}", "avenue {}", "boulevard {}", "chemin de {}", "place {}"), "et",
    ),
    "es": Tongue(
        _words("Alv Bel Cas Dom Est Fer Gal Gar Gon Her Ib Jim Lop Mar Mend Mor Nav Ort Per Pin Ram Riv Rod "
               "San Sol Tor Val Var Vil Zam Agu Bar Cer Del Esc Fuen Gut Hid"),
        _words("arez ez eda illo osa ino ero ada era ales ano uela uro ena igo ique edo anza"),
        _words("Servicios Industrias Construcciones Transportes Distribuciones Ingeniería Consultores "
               "Alimentos Sistemas Logística Instalaciones Energía Tecnologías Grupo Inversiones Comercial "
               "Montajes Plásticos Químicas Seguridad"),
        ("Calle {}", "Avenida {}", "Plaza {}", "Camino {}", "Paseo {}"), "y",
    ),
    "it": Tongue(
        _words("Bel Ber Bian Bon Cal Cas Col Cor Dal Fer Fior Gal Gri Lom Mar Mor Mont Neg Pal Pel Ric Ros "
               "San Ser Tar Val Ver Vig Zan Bru Car Don Fab Giu"),
        _words("ini etti ani oni ato elli ino ardi ero aro ucci ese icchi anza ola asco"),
        _words("Costruzioni Meccanica Servizi Trasporti Impianti Industrie Elettronica Distribuzione "
               "Alimentari Sistemi Logistica Tecnologie Consulenza Edilizia Arredamenti Imballaggi Energia "
               "Gruppo Officine Plastica"),
        ("Via {}", "Viale {}", "Corso {}", "Piazza {}"), "e",
    ),
    "nl": Tongue(
        _words("Berg Boer Bos Brouw Dijk Groen Hof Jan Klei Kuip Linden Meer Mul Noord Oost Pol Ros Schip "
               "Smit Steen Veen Ver Visch Vries Wal Water Zand Zuid Hout Koop"),
        _words("er man ma stra sen inga huis kamp veld laar zijl hoven mans ink"),
        _words("Groep Techniek Transport Bouw Logistiek Diensten Advies Installatie Handel Systemen Beheer "
               "Verpakkingen Metaal Automatisering Vastgoed Energie Voeding Elektro"),
        ("{}straat", "{}weg", "{}laan", "{}kade", "{}plein"), "en",
    ),
    "sv": Tongue(
        _words("Ahl Berg Björk Dahl Ek Fors Gran Hag Holm Jern Kvarn Lind Lund Malm Nord Norr Öst Ros Sand "
               "Sjö Ström Sund Söder Vest Vik Wall Åker Häll"),
        _words("ström qvist gren berg lund man stedt blad by son holm dal ing mark"),
        _words("Teknik Bygg Transport Konsult System Fastigheter Service Handel Industri Energi Förvaltning "
               "Logistik Elektronik Verkstad Livsmedel Data"),
        ("{}gatan", "{}vägen", "{}torget", "{}stigen"), "&",
    ),
    "pl": Tongue(
        _words("Bor Czar Dąb Gór Jab Kal Kamin Kos Kow Kra Lew Lis Maj Mal Now Ol Paw Pio Rad Rut Saw Sob "
               "Szym Tom Wal Wis Woj Zal Zie Żur Gaj Bró"),
        _words("owski ewski icki iński ak czyk ek owicz al ik arz yński ko ny"),
        _words("Budownictwo Transport Usługi Handel Systemy Przemysł Logistyka Instalacje Technika Energia "
               "Doradztwo Produkcja Opakowania Elektronika Inwestycje Spedycja"),
        ("ul. {}a", "al. {}a", "ul. {}ego", "pl. {}i"), "i",
    ),
    "pt": Tongue(
        _words("Alm Araú Bar Bast Car Cor Cos Fer Fon Gui Lim Mac Mar Mel Mor Nas Oli Per Pin Ram Rib San "
               "Sil Sou Tei Val Vas Vi Bra Cam Dou"),
        _words("eira ado es ano inho oso ares ela ião os eda ito ino ova eiro anda"),
        _words("Serviços Indústria Comércio Construções Transportes Engenharia Consultoria Alimentos "
               "Sistemas Logística Tecnologia Participações Energia Distribuidora Embalagens Química"),
        ("Rua {}", "Avenida {}", "Praça {}", "Travessa {}"), "e",
    ),
    "ja": Tongue(
        _words("Aka Ao Fuji Haya Hira Ichi Ishi Ita Kana Kawa Kita Ko Kuro Mae Matsu Mi Mori Naga Naka Nishi "
               "Oka Saka Shima Taka Tani Ueda Yama Yoshi"),
        _words("moto da mura kawa shima yama saki zawa hara no ta gawa guchi uchi"),
        _words("Kogyo Seisakusho Denki Shoji Kensetsu Unyu Kagaku Sangyo Giken System Service Bussan "
               "Seimitsu Yakuhin"),
        ("{}-cho", "{}-dori", "{}-machi"), "&",
    ),
}  # fmt: skip

LANDS = (
    Land("US", 0.27, "en", ("Inc.", "LLC", "Corp.", "Corporation", "Inc", "L.L.C.", "Co.", "LP"),
         _words("Houston Chicago Boston Denver Atlanta Dallas Seattle Portland Phoenix Cleveland Austin "
                "Columbus Tampa Omaha Memphis Nashville Detroit Tulsa Oakland Raleigh Richmond Spokane "
                "Wichita Boise"),
         "99999", "(999) 999-9999", "com", "99-9999999"),
    Land("GB", 0.15, "en", ("Limited", "Ltd", "Ltd.", "PLC", "LLP", "Limited"),
         _words("London Leeds Bristol Manchester Birmingham Glasgow Edinburgh Cardiff Sheffield Reading "
                "Derby Norwich Exeter Swindon Preston Hull Luton York"),
         "AA9 9AA", "09999 999999", "co.uk", "GB999999999"),
    Land("DE", 0.15, "de", ("GmbH", "GmbH & Co. KG", "AG", "KG", "mbH", "UG (haftungsbeschränkt)", "e.K."),
         _words("Berlin München Hamburg Köln Stuttgart Dresden Leipzig Nürnberg Bremen Hannover Dortmund "
                "Essen Mannheim Augsburg Ulm Kassel Würzburg Bielefeld"),
         "99999", "0999 9999999", "de", "DE999999999"),
    Land("FR", 0.09, "fr", ("SARL", "SAS", "SA", "S.A.S.", "SASU", "EURL"),
         _words("Paris Lyon Marseille Toulouse Nantes Lille Bordeaux Rennes Strasbourg Grenoble Dijon Angers "
                "Tours Nice"),
         "99999", "09 99 99 99 99", "fr", "FR99999999999"),
    Land("ES", 0.05, "es", ("S.L.", "SL", "S.A.", "SLU", "S.A.U."),
         _words("Madrid Barcelona Valencia Sevilla Zaragoza Bilbao Málaga Murcia Vigo Alicante"),
         "99999", "999 999 999", "es", "ESA99999999"),
    Land("IT", 0.06, "it", ("S.r.l.", "SRL", "S.p.A.", "Srl", "S.n.c."),
         _words("Milano Roma Torino Bologna Napoli Verona Padova Brescia Modena Genova Parma Bergamo"),
         "99999", "099 9999999", "it", "IT99999999999"),
    Land("NL", 0.05, "nl", ("B.V.", "BV", "N.V.", "V.O.F."),
         _words("Amsterdam Rotterdam Utrecht Eindhoven Tilburg Groningen Breda Arnhem Zwolle Almere"),
         "9999 AA", "099-9999999", "nl", "NL999999999B01"),
    Land("SE", 0.03, "sv", ("AB", "Aktiebolag", "HB", "AB (publ)"),
         _words("Stockholm Göteborg Malmö Uppsala Västerås Örebro Linköping Lund"),
         "999 99", "099-999 99 99", "se", "SE999999999901"),
    Land("PL", 0.04, "pl", ("Sp. z o.o.", "S.A.", "Sp. z o.o. Sp. k.", "Sp. j."),
         _words("Warszawa Kraków Łódź Wrocław Poznań Gdańsk Katowice Lublin"),
         "99-999", "99 999 99 99", "pl", "PL9999999999"),
    Land("BR", 0.05, "pt", ("Ltda", "Ltda.", "S.A.", "S/A", "EIRELI"),
         ("São Paulo", "Rio de Janeiro", "Curitiba", "Campinas", "Porto Alegre", "Recife", "Salvador", "Fortaleza"),
         "99999-999", "(99) 99999-9999", "com.br", "99.999.999/0001-99"),
    Land("AT", 0.02, "de", ("GmbH", "Ges.m.b.H.", "AG", "KG", "OG"),
         _words("Wien Graz Linz Salzburg Innsbruck Klagenfurt"), "9999", "0999 999999", "at", "ATU99999999"),
    Land("CH", 0.02, "de", ("AG", "GmbH", "SA", "Sàrl"),
         _words("Zürich Basel Bern Luzern Winterthur Genf"), "9999", "099 999 99 99", "ch", "CHE999999999"),
    Land("JP", 0.02, "ja", ("Co., Ltd.", "K.K.", "Kabushiki Kaisha", "G.K."),
         _words("Tokyo Osaka Nagoya Yokohama Kyoto Kobe"), "999-9999", "09-9999-9999", "co.jp", "9999999999999"),
)  # fmt: skip

CALLING = {"US": "1", "GB": "44", "DE": "49", "FR": "33", "ES": "34", "IT": "39", "NL": "31", "SE": "46", "PL": "48",
           "BR": "55", "AT": "43", "CH": "41", "JP": "81"}  # fmt: skip

SHORT = {
    "International": ("Intl", "Int'l", "Intl."), "Manufacturing": ("Mfg", "Mfg."), "Engineering": ("Eng.", "Engg"),
    "Services": ("Svcs", "Serv."), "Service": ("Svc",), "Technologies": ("Tech", "Techs"),
    "Management": ("Mgmt", "Mgt"),
    "Construction": ("Constr.", "Const"), "Industries": ("Ind.", "Inds"), "Group": ("Grp",), "Systems": ("Sys",),
    "Solutions": ("Sol.", "Solns"), "Consulting": ("Cons.",), "Holdings": ("Hldgs",), "Transport": ("Transp.",),
    "Communications": ("Comms",), "Laboratories": ("Labs",), "Properties": ("Props",), "Insurance": ("Ins.",),
    "Electrical": ("Elec.",), "Partners": ("Ptnrs",), "Gesellschaft": ("Ges.",), "Maschinenbau": ("Masch.bau",),
    "Dienstleistungen": ("Dienstl.",), "Vertrieb": ("Vertr.",), "Elektronik": ("Elektr.",), "Immobilien": ("Immo",),
    "Ingénierie": ("Ing.",), "Industrie": ("Ind.",), "Transports": ("Transp.",), "Informatique": ("Info.",),
    "Développement": ("Dév.",), "Bâtiment": ("Bât.",), "Distribution": ("Distrib.",), "Participations": ("Part.",),
    "Construcciones": ("Constr.",), "Industrias": ("Ind.",), "Transportes": ("Transp.",), "Ingeniería": ("Ing.",),
    "Distribuciones": ("Distrib.",), "Instalaciones": ("Inst.",), "Tecnologías": ("Tec.",), "Costruzioni": ("Costr.",),
    "Trasporti": ("Trasp.",), "Distribuzione": ("Distr.",), "Tecnologie": ("Tec.",), "Automatisering": ("Autom.",),
    "Installatie": ("Inst.",), "Fastigheter": ("Fast.",), "Konsult": ("Kons.",), "Indústria": ("Ind.",),
    "Comércio": ("Com.",), "Construções": ("Constr.",), "Engenharia": ("Eng.",), "Participações": ("Part.",),
    "Sangyo": ("Sang.",), "Software": ("SW",), "Logistics": ("Log.",), "Medical": ("Med.",), "Finance": ("Fin.",),
}  # fmt: skip
"""How people shorten the words of trades. Written for this bench alone, so that the matcher's own table is put to the
test; about a third of these are not in it."""
