import base64
import json
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from shop.cart import MAX_AGE_SECONDS, Cart, CartError, seal, unseal
from shop.content import CATALOGUE

from .support import loaded_keys

NOW = 1_000_000.0


class CartTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.keys = loaded_keys(Path(directory.name))
        self.cart = Cart({}).with_item("assam", 2).with_item("sencha", 1)

    def test_the_total_is_the_sum_of_the_prices(self) -> None:
        self.assertEqual(self.cart.total, 2 * CATALOGUE["assam"].price + CATALOGUE["sencha"].price)

    def test_quantity_zero_takes_a_product_out(self) -> None:
        self.assertEqual(self.cart.with_item("assam", 0).items, {"sencha": 1})

    def test_what_is_not_sold_or_not_a_quantity_is_refused(self) -> None:
        for code, quantity in (("gin", 1), (None, 1), (["assam"], 1), ("assam", -1), ("assam", 100), ("assam", True)):
            with self.subTest(code=code, quantity=quantity), self.assertRaises(CartError):
                self.cart.with_item(code, quantity)

    def test_a_sealed_cart_opens_again_until_it_expires(self) -> None:
        token = seal(self.cart, self.keys, NOW)
        self.assertEqual(unseal(token, self.keys, NOW + MAX_AGE_SECONDS), self.cart)
        with self.assertRaisesRegex(CartError, "expired"):
            unseal(token, self.keys, NOW + MAX_AGE_SECONDS + 1)

    def test_a_changed_cart_does_not_open(self) -> None:
        payload, signature = seal(self.cart, self.keys, NOW).split(".")
        fields = json.loads(base64.urlsafe_b64decode(payload + "=="))
        fields["items"]["assam"] = 99
        forged = base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()
        with self.assertRaisesRegex(CartError, "not signed by this shop"):
            unseal(f"{forged}.{signature}", self.keys, NOW)

    def test_a_cart_of_another_key_does_not_open(self) -> None:
        with TemporaryDirectory() as directory:
            other = loaded_keys(Path(directory))
        with self.assertRaisesRegex(CartError, "not signed by this shop"):
            unseal(seal(self.cart, other, NOW), self.keys, NOW)

    def test_a_payment_signature_does_not_open_a_cart(self) -> None:
        payload = seal(self.cart, self.keys, NOW).split(".")[0]
        data = base64.urlsafe_b64decode(payload + "==")
        signature = base64.urlsafe_b64encode(self.keys.sign_payment(data)).rstrip(b"=").decode()
        with self.assertRaisesRegex(CartError, "not signed by this shop"):
            unseal(f"{payload}.{signature}", self.keys, NOW)

    def test_what_is_no_token_is_refused_as_such(self) -> None:
        for token in (None, 7, "", ".", "a", "a.b.c", "é.é", "a b.c", "====.===="):
            with self.subTest(token=token), self.assertRaises(CartError):
                unseal(token, self.keys, NOW)

    def test_a_product_that_left_the_catalogue_is_not_sold_from_an_old_cart(self) -> None:
        with self.assertRaisesRegex(CartError, "no longer sold"):
            unseal(seal(Cart({"oolong": 1}), self.keys, NOW), self.keys, NOW)


if __name__ == "__main__":
    unittest.main()
