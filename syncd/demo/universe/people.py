"""Everybody in the universe: the vendor's users and portal owners, the partners and their staff, decision makers.

All of them are invented; first and last names are drawn from the lists below. Addresses end in `.example`, which
belongs to nobody (RFC 2606).
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.demo.universe.write import Ids, Row, hs_time

VENDOR = "Fennimore Software"
VENDOR_DOMAIN = "fennimore.example"

_FIRST = """
    Aisha Alan Alice Amara Andrew Anita Anna Arun Beatrice Ben Bridget Callum Carla Carys Chloe Claire Colin
    Daniel Deepa Derek Diana Dominic Edith Elena Emeka Emma Erin Farah Fergus Fiona Gareth George Grace Hamish
    Hannah Harriet Imran Iris Isla Jack Jasmine Joel Joyce Karim Katie Keith Kiran Laura Leo Liam Lorna Lucy
    Maeve Malik Marcus Maria Martin Megan Mohsin Naomi Neil Nia Nina Oliver Olu Owen Paula Peter Priya Rachel
    Ravi Rhys Rosa Ruth Samir Sarah Sean Sophie Tariq Thomas Tunde Uma Victor Wendy Yasmin Zoe
"""
_LAST = """
    Abbott Adeyemi Ahmed Allardyce Appleby Ashdown Attwell Bainbridge Barlow Beaumont Bhatt Birkett Blackwood
    Brannigan Brook Burgess Calloway Chaudhry Clegg Colquhoun Corrigan Coulter Crabtree Dacosta Dalgleish Darby
    Denholm Dhillon Dunmore Eastwick Egerton Fairfax Farrow Fenwick Firth Garside Gilchrist Goodall Greaves
    Haldane Hargreave Hassan Heywood Holroyd Hussain Iyer Jessop Kavanagh Kellett Kerridge Khan Kilbride Lacey
    Lambourne Lockwood Lumley Macrae Marchbank Mehta Mellor Moffat Nairn Nesbitt Nwosu Oakden Okafor Osgood
    Pargeter Patel Penhaligon Pickering Quigley Radcliffe Rahman Redfern Rutherford Sandhu Selby Shackleton
    Sinclair Stoddart Tattersall Thackeray Tregenza Underhill Vickers Wainwright Whitlock Wolstenholme Yardley
"""
FIRST, LAST = tuple(_FIRST.split()), tuple(_LAST.split())
TITLES = (
    "CIO", "CTO", "CFO", "COO", "Head of IT", "IT Director", "Head of Procurement", "Finance Director",
    "Head of Operations", "Programme Director", "Head of Information Security", "Digital Transformation Lead",
)  # fmt: skip
REGIONS = ("London", "South East", "South West", "Midlands", "North West", "North East", "Scotland", "Wales")
PARTNERS = (
    ("Wychwood Integrators", "wychwood-integrators.example"),
    ("Pellmore IT Services", "pellmore.example"),
    ("Stonethwaite Systems", "stonethwaite.example"),
    ("Larkrise Digital", "larkrise.example"),
    ("Copperfen Technologies", "copperfen.example"),
    ("Quillhaven Consulting", "quillhaven.example"),
    ("Marrowdale Networks", "marrowdale.example"),
    ("Thistlegate Cloud", "thistlegate.example"),
    ("Ottermere Solutions", "ottermere.example"),
    ("Bramblewick Data", "bramblewick.example"),
    ("Hollin & Stroud Resellers", "hollinstroud.example"),
    ("Kestrel Fold Partners", "kestrelfold.example"),
)
SUSPENDED = "P07"
REPS, MANAGERS, LEAVERS = 40, 12, 6


@dataclass(frozen=True, slots=True)
class Partner:
    """A reseller with the people who file for it and the channel manager who looks after it."""

    id: str
    name: str
    domain: str
    contacts: tuple[str, ...]
    manager: str
    """The channel manager's Salesforce user id."""
    owner: str
    """The same person's owner id in the portal."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The vendor's people by what they do; ids of Salesforce users."""

    reps: tuple[str, ...]
    managers: tuple[str, ...]
    leavers: tuple[str, ...]
    integration: str
    users: tuple[Row, ...]
    owners: tuple[Row, ...]


class Names:
    """Draws names; `fresh` never draws the same one twice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: set[tuple[str, str]] = set()

    def fresh(self) -> tuple[str, str]:
        while (name := (self._rng.choice(FIRST), self._rng.choice(LAST))) in self._used:
            pass
        self._used.add(name)
        return name

    def decision_makers(self) -> str:
        """One to three people with their titles, as the portal's form has them: `Jane Doe, CIO; John Roe, CFO`."""
        titles = self._rng.sample(TITLES, self._rng.choice((1, 2, 2, 3)))
        return "; ".join(f"{self._rng.choice(FIRST)} {self._rng.choice(LAST)}, {title}" for title in titles)


def staff(rng: random.Random, ids: Ids, names: Names) -> Staff:
    """Direct reps, channel managers, people who left (and still own accounts), and the portal's integration user."""
    reps = [_user(ids, names, rng.choice(("Account Executive", "Senior Account Executive"))) for _ in range(REPS)]
    managers = [_user(ids, names, "Channel Manager") for _ in range(MANAGERS)]
    leavers = [_user(ids, names, "Account Executive", active=False) for _ in range(LEAVERS)]
    integration = _integration(ids)
    return Staff(
        reps=tuple(row["Id"] for row in reps),
        managers=tuple(row["Id"] for row in managers),
        leavers=tuple(row["Id"] for row in leavers),
        integration=integration["Id"],
        users=(*reps, *managers, *leavers, integration),
        owners=_owners(ids, managers, leavers[0]),
    )


def partners(rng: random.Random, names: Names, people: Staff) -> tuple[Partner, ...]:
    """Twelve resellers, P01 to P12, each with three or four people who file and its own channel manager."""
    return tuple(
        Partner(
            id=f"P{number:02d}",
            name=name,
            domain=domain,
            contacts=tuple(_email(*names.fresh(), domain) for _ in range(rng.choice((3, 4)))),
            manager=people.managers[number - 1],
            owner=people.owners[number - 1]["id"],
        )
        for number, (name, domain) in enumerate(PARTNERS, start=1)
    )


def partner_rows(
    rng: random.Random, ids: Ids, people: Staff, resellers: tuple[Partner, ...], now: datetime
) -> list[Row]:
    emails = {row["Id"]: row["Email"] for row in people.users}
    rows = []
    for partner in resellers:
        agreed = now - timedelta(days=rng.randint(400, 2400))
        created = agreed + timedelta(days=rng.randint(1, 20), seconds=rng.randint(0, 80_000))
        changed = created + (now - created) * rng.random()
        rows.append(
            {
                "hs_object_id": ids.hubspot(30_200_100_000),
                "partner_id": partner.id,
                "partner_name": partner.name,
                "status": "suspended" if partner.id == SUSPENDED else "active",
                "tier": rng.choice(("Gold", "Silver", "Silver", "Registered")),
                "agreement_date": agreed.date().isoformat(),
                "region": rng.choice(REGIONS),
                "channel_manager_email": emails[partner.manager],
                "createdate": hs_time(created),
                "hs_lastmodifieddate": hs_time(changed),
            }
        )
    return rows


def _user(ids: Ids, names: Names, title: str, active: bool = True) -> Row:
    first, last = names.fresh()
    email = _email(first, last, VENDOR_DOMAIN)
    return {
        "Id": ids.salesforce("005"),
        "Username": email,
        "Name": f"{first} {last}",
        "FirstName": first,
        "LastName": last,
        "Email": email,
        "IsActive": "true" if active else "false",
        "UserType": "Standard",
        "Title": title,
    }


def _integration(ids: Ids) -> Row:
    email = f"prm.integration@{VENDOR_DOMAIN}"
    return {
        "Id": ids.salesforce("005"),
        "Username": email,
        "Name": "PRM Integration",
        "FirstName": "PRM",
        "LastName": "Integration",
        "Email": email,
        "IsActive": "true",
        "UserType": "Standard",
        "Title": "Integration",
    }


def _owners(ids: Ids, managers: list[Row], leaver: Row) -> tuple[Row, ...]:
    """The channel managers are the owners in the portal; one archived owner is somebody who left."""
    return tuple(
        {
            "id": ids.hubspot(61_400_000),
            "email": user["Email"],
            "firstName": user["FirstName"],
            "lastName": user["LastName"],
            "userId": ids.hubspot(7_310_000),
            "type": "PERSON",
            "archived": "true" if user is leaver else "false",
        }
        for user in (*managers, leaver)
    )


def _email(first: str, last: str, domain: str) -> str:
    return f"{first}.{last}@{domain}".lower()
