"""Where the demo's calls go: an own table of country codes (ITU-T E.164) and, for the busiest, mobile prefixes."""

from __future__ import annotations

from dataclasses import dataclass

# group | code of each destination and its name, ";" between
_TABLE = """
Norden|45 Denmark;47 Norway;298 Faroe Islands;299 Greenland;354 Iceland;358 Finland
Europa|30 Greece;31 Netherlands;32 Belgium;33 France;34 Spain;36 Hungary;39 Italy;40 Romania;41 Switzerland;43 Austria;\
44 United Kingdom;48 Poland;49 Germany;350 Gibraltar;351 Portugal;352 Luxembourg;353 Ireland;356 Malta;357 Cyprus;\
359 Bulgaria;370 Lithuania;371 Latvia;372 Estonia;376 Andorra;377 Monaco;378 San Marino;385 Croatia;386 Slovenia;\
420 Czechia;421 Slovakia;423 Liechtenstein
Världen 1|1 United States and Canada;52 Mexico;60 Malaysia;61 Australia;64 New Zealand;65 Singapore;66 Thailand;\
81 Japan;82 South Korea;86 China;90 Turkey;852 Hong Kong;853 Macao;886 Taiwan;972 Israel;\
1787 Puerto Rico;1939 Puerto Rico
Världen 2|7 Russia;20 Egypt;27 South Africa;51 Peru;54 Argentina;55 Brazil;56 Chile;57 Colombia;58 Venezuela;\
62 Indonesia;63 Philippines;84 Vietnam;91 India;92 Pakistan;94 Sri Lanka;98 Iran;212 Morocco;213 Algeria;216 Tunisia;\
355 Albania;373 Moldova;374 Armenia;375 Belarus;380 Ukraine;381 Serbia;382 Montenegro;383 Kosovo;\
387 Bosnia and Herzegovina;389 North Macedonia;501 Belize;502 Guatemala;503 El Salvador;504 Honduras;505 Nicaragua;\
506 Costa Rica;507 Panama;591 Bolivia;593 Ecuador;595 Paraguay;598 Uruguay;673 Brunei;855 Cambodia;856 Laos;\
880 Bangladesh;961 Lebanon;962 Jordan;964 Iraq;965 Kuwait;966 Saudi Arabia;968 Oman;970 Palestine;\
971 United Arab Emirates;973 Bahrain;974 Qatar;976 Mongolia;977 Nepal;992 Tajikistan;993 Turkmenistan;994 Azerbaijan;\
995 Georgia;996 Kyrgyzstan;998 Uzbekistan;1242 Bahamas;1246 Barbados;1264 Anguilla;1268 Antigua and Barbuda;\
1284 British Virgin Islands;1340 US Virgin Islands;1345 Cayman Islands;1441 Bermuda;1473 Grenada;\
1649 Turks and Caicos Islands;1658 Jamaica;1664 Montserrat;1670 Northern Mariana Islands;1671 Guam;\
1684 American Samoa;1721 Sint Maarten;1758 Saint Lucia;1767 Dominica;1784 Saint Vincent and the Grenadines;\
1809 Dominican Republic;1829 Dominican Republic;1849 Dominican Republic;1868 Trinidad and Tobago;\
1869 Saint Kitts and Nevis;1876 Jamaica
Världen 3|53 Cuba;93 Afghanistan;95 Myanmar;211 South Sudan;218 Libya;220 Gambia;221 Senegal;222 Mauritania;223 Mali;\
224 Guinea;225 Côte d'Ivoire;226 Burkina Faso;227 Niger;228 Togo;229 Benin;230 Mauritius;231 Liberia;232 Sierra Leone;\
233 Ghana;234 Nigeria;235 Chad;236 Central African Republic;237 Cameroon;238 Cape Verde;239 São Tomé and Príncipe;\
240 Equatorial Guinea;241 Gabon;242 Congo;243 DR Congo;244 Angola;245 Guinea-Bissau;246 Diego Garcia;248 Seychelles;\
249 Sudan;250 Rwanda;251 Ethiopia;252 Somalia;253 Djibouti;254 Kenya;255 Tanzania;256 Uganda;257 Burundi;\
258 Mozambique;260 Zambia;261 Madagascar;262 Réunion;263 Zimbabwe;264 Namibia;265 Malawi;266 Lesotho;267 Botswana;\
268 Eswatini;269 Comoros;291 Eritrea;297 Aruba;509 Haiti;590 Guadeloupe;592 Guyana;594 French Guiana;596 Martinique;\
597 Suriname;599 Curaçao;850 North Korea;960 Maldives;963 Syria;967 Yemen;975 Bhutan
Öar och satellit|247 Ascension;290 Saint Helena;500 Falkland Islands;508 Saint Pierre and Miquelon;670 Timor-Leste;\
672 Norfolk Island;674 Nauru;675 Papua New Guinea;676 Tonga;677 Solomon Islands;678 Vanuatu;679 Fiji;680 Palau;\
681 Wallis and Futuna;682 Cook Islands;683 Niue;685 Samoa;686 Kiribati;687 New Caledonia;688 Tuvalu;\
689 French Polynesia;690 Tokelau;691 Micronesia;692 Marshall Islands;870 Inmarsat;8816 Iridium;8818 Globalstar
"""

# country -> prefixes of its mobile numbers, for the countries most called
_MOBILE = {
    "Denmark": "452 4530 4531 4540 4541 4542 4550 4551 4552 4553 4560 4561 4571 4581 4591 4592 4593",
    "Norway": "474 479 4759",
    "Iceland": "3546 3547 3548",
    "Finland": "3584 35850",
    "Greece": "3069",
    "Netherlands": "316",
    "Belgium": "324",
    "France": "336 337",
    "Spain": "346 347",
    "Hungary": "3620 3630 3670",
    "Italy": "393",
    "Romania": "407",
    "Switzerland": "4176 4177 4178 4179",
    "Austria": "436",
    "United Kingdom": "4471 4473 4474 4475 4477 4478 4479",
    "Poland": "4845 4850 4851 4853 4857 4860 4866 4869 4872 4873 4878 4879 4888",
    "Germany": "4915 4916 4917",
    "Portugal": "3519",
    "Ireland": "3538",
    "Lithuania": "3706",
    "Latvia": "3712",
    "Estonia": "3725",
    "Croatia": "3859",
    "Czechia": "4206 4207",
    "Mexico": "521",
    "Australia": "614",
    "Thailand": "666 668 669",
    "Japan": "8170 8180 8190",
    "South Korea": "8210",
    "China": "8613 8615 8617 8618 8619",
    "Turkey": "905",
    "Israel": "9725",
    "Russia": "79",
    "Egypt": "201",
    "South Africa": "276 277 278",
    "Brazil": "551196 551197 551198 551199",
    "India": "916 917 918 919",
    "Pakistan": "923",
    "Iran": "989",
    "Morocco": "2126 2127",
    "Ukraine": "38050 38063 38066 38067 38068 38073 38093 38095 38096 38097 38098 38099",
    "Bosnia and Herzegovina": "3876",
    "Serbia": "3816",
    "Iraq": "9647",
    "Somalia": "25261 25262 25263 25290",
    "Ethiopia": "2519",
    "Kenya": "2547",
}

# name, prefixes, groups; the short numbers stand with the digits that are dialled
_SWEDEN = (
    ("SE fast", "46", "Sverige"),
    ("SE mobil", "4670 4672 4673 4676 4679", "Sverige"),
    ("SE 010", "4610", "Sverige"),
    ("SE frisamtal", "4620 46200", "Fria nummer"),
    ("SE 077", "46771 46774 46775 46776 46777", "Sverige"),
    ("SE betaltjänst", "46900 46939 46944", "Betaltjänster"),
    ("SE upplysning", "118", "Betaltjänster"),
    ("SE nödnummer", "112", "Fria nummer"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A destination of the demo: its name, its prefixes and its one group."""

    name: str
    prefixes: tuple[str, ...]
    group: str


def places() -> tuple[Place, ...]:
    """Return every destination, Sweden's first, then the world's by group and code; mobile beside fixed."""
    found = [Place(name, tuple(prefixes.split()), group) for name, prefixes, group in _SWEDEN]
    for line in _TABLE.strip().splitlines():
        group, _, entries = line.partition("|")
        codes: dict[str, list[str]] = {}
        for entry in entries.split(";"):
            code, _, name = entry.strip().partition(" ")
            codes.setdefault(name, []).append(code)
        for name, prefixes in codes.items():
            found.append(Place(name, tuple(prefixes), group))
            if name in _MOBILE:
                found.append(Place(f"{name} mobil", tuple(_MOBILE[name].split()), group))
    return tuple(found)
