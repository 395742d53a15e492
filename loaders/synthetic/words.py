"""Invented names, so that simulated people sound like people and are nobody."""

from __future__ import annotations

from typing import Final

_GIVEN_NAMES: Final = """
Adela Alden Amara Anselm Ardith Arlo Astrid Basil Beatrix Benedict Bettina Blaise Briony Bruno Callum Carys
Cecily Clement Cora Cosima Cyril Dagny Damaris Darian Delphine Desmond Dora Edmund Effie Eldon Elspeth Emeric
Enid Esme Eustace Fabian Farrah Felix Fern Flora Gareth Gemma Gideon Greta Gwendolyn Hadley Hattie Hector
Hester Hollis Ida Ignatius Imogen Ines Ingrid Isolde Ivo Jarvis Jemima Jonas Juno Kasper Keira Kermit Lars
Leonie Linus Lorna Lucian Mabel Magnus Marcella Maude Merrick Minerva Nadia Nestor Nola Odette Olwen Oscar
Otis Ottilie Pascal Petra Phoebe Piers Quentin Quilla Ramona Rasmus Rhoda Roland Rosalind Rufus Sabine Selma
Silas Sigrid Stellan Sybil Tabitha Tamsin Thaddeus Theodora Tobias Ulric Una Ursula Valentin Vera Viola Wanda
Wilbur Willa Xenia Yorick Yvette Zelda Zeno
"""
_FAMILY_NAMES: Final = """
Abernook Alderwick Amberton Ashgrove Babbington Balsamo Barrowby Beckhurst Bellamore Birchall Blackmere
Bramwell Briarley Brookhaven Calderon-Vale Candlewick Carrowmore Chesterly Cindersby Clearwater Coppergate
Cravenhall Crossfield Dalewood Dapplegrim Deepdale Delacourt Dovecote Drumlin Dunmarrow Eastbrook Elderfield
Emberley Everhart Fairweather Fallowfield Farthingale Fennimore Ferncastle Firthwood Foxborough Frostwick
Gableton Galloway-Reed Gladwyn Glenhaven Goldcroft Greenholt Greymoor Halliwell Hartsong Havelock Hawksmere
Heatherby Highbridge Hollowell Honeycutt Ironwood Jessamine Juniper Kestrelton Kingsbarrow Lambourne Larkspur
Laurelton Lindenberg Lockridge Longacre Lovegrove Mallowby Maplethorpe Marchbanks Meadowcroft Merriwick
Millbrook Mistral Moonby Mossgrave Nettlefold Nightingdale Northgate Oakhanger Oldcastle Orchard-Lane
Otterburn Palegrave Pemberly Pennywhistle Pinecroft Plumstead Quarrington Quillfeather Ravensby Redfern
Riverton Rookwood Rosewarne Rushmere Saffronby Sandalwood Seagrave Shepherdson Silverlock Snowdrop Southwell
Sparrowhawk Springthorpe Starling Stonebridge Summerhill Swiftwater Tanglewood Thistleton Thornbury Tidewell
Timberlake Turnstone Umberfield Underhill Valebrook Vandermoor Wainscott Waverton Weatherall Westerby Whitlock
Wildgoose Willowby Windermoor Winterbourne Woodruff Wrensfield Yarrowby Yewdale
"""
GIVEN: Final = tuple(_GIVEN_NAMES.split())
FAMILY: Final = tuple(_FAMILY_NAMES.split())
VEHICLES: Final = (
    "Aurora 3 Sedan",
    "Aurora 5 Wagon",
    "Cascade Hybrid",
    "Comet Hatch",
    "Drifter Pickup",
    "Juniper SUV",
    "Meridian SUV",
    "Nomad 4x4",
    "Pioneer Van",
    "Solstice EV",
)
MAILBOXES: Final = ("example.com", "example.net", "example.org")


def person_name(number: int) -> str:
    """The name of person `number`; numbers below `len(GIVEN) * len(FAMILY)` all differ, later ones gain an initial."""
    number, given = divmod(number, len(GIVEN))
    number, family = divmod(number, len(FAMILY))
    initial = f"{chr(ord('A') + (number - 1) % 26)}. " if number else ""
    return f"{GIVEN[given]} {initial}{FAMILY[family]}"
