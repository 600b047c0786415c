import hashlib
import hmac
import json
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from shop import content, page
from shop.config import Config
from shop.keys import load_keys
from shop.lifecycle import Lifecycle
from shop.routes import Request

from .support import application, post, write_secret_files


class RoutesTest(unittest.TestCase):
    def setUp(self) -> None:
        with TemporaryDirectory() as directory:
            self.body, self.payment = write_secret_files(Path(directory))
            self.keys = load_keys(Path(directory))
        self.lifecycle = Lifecycle()
        self.shop = application(self.keys, lifecycle=self.lifecycle)

    def test_the_page_shows_the_text_and_what_runs_where(self) -> None:
        response = self.shop.respond(Request("GET", "/"))
        html = response.body.decode()
        self.assertEqual(response.status, 200)
        for text in (content.GREETING, "1.2.3", "3f2c9ab", "shop-7d9f-abcde", "8.90 EUR", "<dd>yes</dd>"):
            self.assertIn(text, html)

    def test_the_page_escapes_what_it_shows(self) -> None:
        config = Config.from_environ({"SHOP_NAME": "T & Co", "SHOP_CURRENCY": "<CHF>"})
        html = page.render(config, "<i>", {"x": content.Product("<b>Tea</b>", 5)}, secret_loaded=False)
        for text in ("<h1>T &amp; Co</h1>", "&lt;i&gt;", "&lt;b&gt;Tea&lt;/b&gt;", "0.05 &lt;CHF&gt;"):
            self.assertIn(text, html)

    def test_nothing_of_the_secrets_is_shown_anywhere(self) -> None:
        digests = [hashlib.sha256(value.encode()).hexdigest()[:8] for value in (self.body, self.payment)]
        for path in ("/", "/version", "/healthz", "/readyz", "/metrics"):
            shown = self.shop.respond(Request("GET", path)).body.decode()
            for value in (self.body[:12], self.payment[:12], *digests):
                self.assertNotIn(value, shown)

    def test_version_is_json(self) -> None:
        response = self.shop.respond(Request("GET", "/version"))
        self.assertEqual(response.content_type, "application/json")
        self.assertEqual(
            json.loads(response.body),
            {"name": "Shop", "version": "1.2.3", "commit": "3f2c9ab", "pod": "shop-7d9f-abcde"},
        )

    def test_liveness_asks_only_whether_the_process_answers(self) -> None:
        for _ in ("starting", "ready", "draining"):
            self.assertEqual(self.shop.respond(Request("GET", "/healthz")).status, 200)
            self.lifecycle.drain() if self.lifecycle.ready else self.lifecycle.start_finished()

    def test_readiness_waits_for_the_start_and_ends_with_the_drain(self) -> None:
        seen = [self._readiness()]
        self.lifecycle.start_finished()
        seen.append(self._readiness())
        self.lifecycle.drain()
        seen.append(self._readiness())
        self.assertEqual(seen, [(503, b"starting\n"), (200, b"ready\n"), (503, b"draining\n")])

    def test_an_unknown_path_is_not_found_and_counts_as_other(self) -> None:
        self.assertEqual(self.shop.respond(Request("GET", "/admin")).status, 404)
        self.assertEqual((self.shop.route("/admin"), self.shop.route("/cart")), ("other", "/cart"))

    def test_a_wrong_method_is_told_which_are_allowed(self) -> None:
        for method, path, allowed in (("POST", "/", "GET, HEAD"), ("GET", "/cart", "POST"), ("HEAD", "/cart", "POST")):
            response = self.shop.respond(Request(method, path))
            self.assertEqual((response.status, response.headers["Allow"]), (405, allowed))

    def test_a_cart_grows_by_its_token_on_any_replica(self) -> None:
        first = json.loads(post(self.shop, "/cart", {"item": "assam", "quantity": 1}).body)
        replica = application(self.keys)
        second = json.loads(post(replica, "/cart", {"cart": first["cart"], "item": "rooibos", "quantity": 3}).body)
        self.assertEqual(second["items"], {"assam": 1, "rooibos": 3})
        self.assertEqual(second["total"], 890 + 3 * 620)

    def test_a_bad_order_is_refused_with_a_reason(self) -> None:
        for body in (b"", b"[]", b"{", b'{"item":"gin","quantity":1}', b'{"cart":"x","item":"assam","quantity":1}'):
            response = self.shop.respond(Request("POST", "/cart", body=body))
            self.assertEqual(response.status, 400, body)
            self.assertTrue(json.loads(response.body)["error"])

    def test_a_payment_with_the_providers_signature_is_accepted(self) -> None:
        status, answer = self._pay(self._cart(), 890)
        self.assertEqual((status, answer["paid"]), (200, 890))

    def test_a_payment_without_the_providers_signature_is_refused(self) -> None:
        for signature in ("", "sha256=00", "sha256=é"):
            response = post(
                self.shop, "/payments", {"cart": self._cart(), "amount": 890}, {"x-payment-signature": signature}
            )
            self.assertEqual(response.status, 401)

    def test_a_payment_of_another_amount_is_a_conflict(self) -> None:
        self.assertEqual(self._pay(self._cart(), 1)[0], 409)

    def test_a_payment_for_a_forged_cart_is_refused(self) -> None:
        self.assertEqual(self._pay("forged.token", 890)[0], 400)

    def test_without_secrets_only_what_needs_them_is_unavailable(self) -> None:
        shop = application(None)
        self.assertEqual(post(shop, "/cart", {"item": "assam", "quantity": 1}).status, 503)
        self.assertEqual(post(shop, "/payments", {}).status, 503)
        self.assertIn(b"<dd>no</dd>", shop.respond(Request("GET", "/")).body)

    def _readiness(self) -> tuple[int, bytes]:
        response = self.shop.respond(Request("GET", "/readyz"))
        return response.status, response.body

    def _cart(self) -> str:
        token: str = json.loads(post(self.shop, "/cart", {"item": "assam", "quantity": 1}).body)["cart"]
        return token

    def _pay(self, cart: str, amount: int) -> tuple[int, dict[str, object]]:
        body = json.dumps({"cart": cart, "amount": amount}).encode()
        signature = hmac.new(self.payment.encode(), body, "sha256").hexdigest()
        headers = {"x-payment-signature": f"sha256={signature}"}
        response = self.shop.respond(Request("POST", "/payments", headers, body))
        return response.status, json.loads(response.body)


if __name__ == "__main__":
    unittest.main()
