"""What the shop says and sells. Change GREETING to see a new version roll out."""

from typing import NamedTuple

GREETING = "Good tea, sent the day you order it."


class Product(NamedTuple):
    name: str
    price: int  # in the currency's minor unit, cents for example


CATALOGUE: dict[str, Product] = {
    "assam": Product("Assam, second flush, 100 g", 890),
    "sencha": Product("Sencha, first harvest, 80 g", 1450),
    "rooibos": Product("Rooibos, loose leaf, 100 g", 620),
}
