# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Which codes count as what: those that the tests use, or the published lists of a directory."""

import csv

NON_ASPIRIN = ("B01AC04", "B01AC05", "B01AC07", "B01AC22", "B01AC23", "B01AC24")
ASPIRIN = ("B01AC06", "B01AC56", "N02BA01")
#: By what an ATC code begins with.
MEDICINES = {
    "nsaid": ("M01A",), "ppi": ("A02BA", "A02BC", "M01AE52", "B01AC56"),
    "anticoagulant": ("B01AA", "B01AE07", "B01AF"), "aspirin": ASPIRIN,
    "other antiplatelet": NON_ASPIRIN, "antiplatelet": ASPIRIN + NON_ASPIRIN,
    "beta-blocker": ("C07AA", "C07AG", "S01ED01"), "beta-agonist": ("R03AC12", "R03AC13"),
    "corticosteroid": ("R03BA", "R03AK06", "R03AK07"), "ace": ("C09",),
    "diuretic": ("C03C", "C03D", "C03E"), "methotrexate": ("L01BA01", "L04AX03"),
    "lithium": ("N05AN01",), "amiodarone": ("C01BD01",)}
EGFR = {"33914-3", "62238-1", "80274001"}
#: A panel of urea and electrolytes; the audit knows it as electrolytes, in SNOMED CT alone.
PANEL = {"24321-2", "51990-0", "24323-8", "1000971000000107"}
#: By whole codes.
CODES = {
    "ulcer or bleed": {"13200003", "397825006", "74474003"}, "asthma": {"195967001", "233678006"},
    "asthma resolved": {"162660004"}, "heart failure": {"84114007", "42343007"}, "egfr": EGFR,
    "renal": {"2160-0", "1000731000000107"} | EGFR,
    "electrolytes": {"2823-3", "1000971000000107"}, "blood count": {"718-7", "26604007"},
    "liver": {"1742-6", "24323-8"}, "lithium level": {"14334-7"}, "thyroid": {"3016-3"}}
#: The files of the published lists, by what they are called here.
PUBLISHED = {
    "nsaid": ["nsaid"], "ppi": ["ppi"], "anticoagulant": ["anticoag"], "aspirin": ["aspirin"],
    "other antiplatelet": ["non_asp_antiplate"], "antiplatelet": ["antiplat"],
    "beta-blocker": ["nsbb"], "ace": ["acei"], "diuretic": ["diur"], "methotrexate": ["met"],
    "lithium": ["lith"], "amiodarone": ["amio"], "ulcer or bleed": ["pep", "gi_bleed"],
    "asthma": ["ast"], "asthma resolved": ["ast_res"], "heart failure": ["hf"],
    "egfr": ["egfr"], "renal": ["renal"], "electrolytes": ["electro"], "blood count": ["fbc"],
    "liver": ["lft"], "lithium level": ["lith_lev"], "thyroid": ["tft"]}


class TestLists:
    """The codes of the tests' own events."""

    panel = PANEL

    def has(self, name, code):
        """Whether a medicine's code is listed."""
        return code.startswith(MEDICINES[name])

    def codes(self, name):
        """The codes of diagnoses or results."""
        return CODES[name]


class PublishedLists:
    """The codes of the published files, with which nothing is a beta-agonist's."""

    panel = PANEL

    def __init__(self, folder):
        self.listed = {name: set().union(*(self.read(folder / f"pincer-{file}.csv")
                                           for file in files))
                       for name, files in PUBLISHED.items()}

    @staticmethod
    def read(path):
        """The codes of a file, whatever its column is called."""
        with open(path, encoding="utf-8-sig", newline="") as file:
            return {row.get("id") or row["code"] for row in csv.DictReader(file)}

    def has(self, name, code):
        """Whether a medicine's code is listed."""
        return code in self.listed.get(name, ())

    def codes(self, name):
        """The codes of diagnoses or results."""
        return self.listed[name]
