import traceback
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from shop.config import ConfigError
from shop.keys import PAYMENT_API_KEY_FILE, SIGNING_KEY_FILE, load_keys

from .support import write_secret_files


class KeysTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.body, self.payment = write_secret_files(self.directory)

    def test_the_same_files_sign_alike_and_other_files_do_not(self) -> None:
        first, again = load_keys(self.directory), load_keys(self.directory)
        write_secret_files(self.directory)
        other = load_keys(self.directory)
        self.assertEqual(first.sign_cart(b"x"), again.sign_cart(b"x"))
        self.assertNotEqual(first.sign_cart(b"x"), other.sign_cart(b"x"))
        self.assertNotEqual(first.sign_payment(b"x"), other.sign_payment(b"x"))

    def test_windows_line_ends_do_not_change_the_keys(self) -> None:
        before = load_keys(self.directory)
        for name in (SIGNING_KEY_FILE, PAYMENT_API_KEY_FILE):
            path = self.directory / name
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        self.assertEqual(load_keys(self.directory), before)

    def test_the_keys_show_nothing_of_themselves(self) -> None:
        shown = repr(load_keys(self.directory)) + str(load_keys(self.directory))
        self.assertEqual(shown, "Keys()Keys()")

    def test_a_broken_secret_is_explained_without_showing_it(self) -> None:
        for name, content, reason in (
            (SIGNING_KEY_FILE, self.body, "is not framed by"),
            (SIGNING_KEY_FILE, self._framed("!" + self.body), "not base64"),
            (SIGNING_KEY_FILE, self._framed(self.body[:8]), "fewer than 32 bytes"),
            (PAYMENT_API_KEY_FILE, self.payment[:9] + "\n", "fewer than 32 bytes"),
            (PAYMENT_API_KEY_FILE, None, "mount the Secret there"),
        ):
            with self.subTest(name=name, reason=reason):
                write_secret_files(self.directory)
                path = self.directory / name
                path.unlink() if content is None else path.write_text(content)
                with self.assertRaises(ConfigError) as caught:
                    load_keys(self.directory)
                shown = "".join(traceback.format_exception(caught.exception))
                self.assertIn(reason, shown)
                self.assertIn(str(path), shown)
                self.assertNotIn(self.body[:8], shown)
                self.assertNotIn(self.payment[:9], shown)

    @staticmethod
    def _framed(body: str) -> str:
        return f"-----BEGIN SHOP SIGNING KEY-----\n{body}\n-----END SHOP SIGNING KEY-----\n"


if __name__ == "__main__":
    unittest.main()
