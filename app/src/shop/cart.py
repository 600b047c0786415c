"""A cart that lives with the customer: a signed token, so that any replica can go on where another left off."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from shop.content import CATALOGUE
from shop.keys import Keys

MAX_AGE_SECONDS = 24 * 3600
MAX_QUANTITY = 99


class CartError(ValueError):
    """A cart or an order line that can't be accepted: the customer's mistake, told to the customer."""


@dataclass(frozen=True)
class Cart:
    items: Mapping[str, int]  # product code to quantity

    @property
    def total(self) -> int:
        """In the currency's minor unit."""
        return sum(CATALOGUE[code].price * quantity for code, quantity in self.items.items())

    def with_item(self, code: object, quantity: object) -> "Cart":
        """Sets one product's quantity; 0 removes it. Raises CartError for what the shop doesn't sell."""
        if not isinstance(code, str) or code not in CATALOGUE:
            raise CartError("item is not in the catalogue")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= MAX_QUANTITY:
            raise CartError(f"quantity is not a whole number from 0 to {MAX_QUANTITY}")
        items = {**self.items, code: quantity}
        return Cart({code: quantity for code, quantity in items.items() if quantity})


def seal(cart: Cart, keys: Keys, now: float) -> str:
    """Token: base64url(JSON payload) "." base64url(HMAC-SHA256 of the payload), both unpadded."""
    payload = json.dumps({"items": cart.items, "iat": int(now)}, sort_keys=True, separators=(",", ":")).encode()
    return f"{_encode(payload)}.{_encode(keys.sign_cart(payload))}"


def unseal(token: object, keys: Keys, now: float) -> Cart:
    """Raises CartError unless the token was sealed with the same key within MAX_AGE_SECONDS."""
    if not isinstance(token, str):
        raise CartError("cart is not a token")
    try:
        payload, signature = (_decode(part) for part in token.split("."))
    except ValueError:
        raise CartError("cart is not a token") from None
    if not hmac.compare_digest(signature, keys.sign_cart(payload)):
        raise CartError("cart was not signed by this shop")
    fields = json.loads(payload)  # signed by us, so it has our form
    if now - fields["iat"] > MAX_AGE_SECONDS:
        raise CartError("cart has expired")
    if not fields["items"].keys() <= CATALOGUE.keys():
        raise CartError("cart holds a product that is no longer sold")
    return Cart(fields["items"])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
