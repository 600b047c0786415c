import unittest
from pathlib import Path

from shop.config import Config, ConfigError


class ConfigTest(unittest.TestCase):
    def test_an_empty_environment_is_enough_to_start(self) -> None:
        config = Config.from_environ({})
        self.assertEqual(config.port, 8080)
        self.assertIsNone(config.secrets_dir)
        self.assertTrue(config.pod)

    def test_settings_come_from_the_environment(self) -> None:
        config = Config.from_environ({"SHOP_PORT": "9000", "SHOP_SECRETS_DIR": "/etc/shop", "POD_NAME": "shop-1"})
        self.assertEqual((config.port, config.secrets_dir, config.pod), (9000, Path("/etc/shop"), "shop-1"))

    def test_an_unusable_setting_is_named_with_its_value_and_what_is_accepted(self) -> None:
        for name, value, accepted in (
            ("SHOP_PORT", "http", "a whole number from 0 to 65535"),
            ("SHOP_PORT", "65536", "a whole number from 0 to 65535"),
            ("SHOP_PORT", "80.5", "a whole number"),
            ("SHOP_DRAIN_SECONDS", "soon", "a number from 0 to 60"),
            ("SHOP_DRAIN_SECONDS", "nan", "a number from 0 to 60"),
            ("SHOP_FINISH_SECONDS", "-1", "a number from 0 to 300"),
            ("SHOP_LOG_LEVEL", "loud", "debug, info, warning, error"),
        ):
            with self.subTest(name=name, value=value), self.assertRaises(ConfigError) as caught:
                Config.from_environ({name: value})
            self.assertIn(f"{name}='{value}'", str(caught.exception))
            self.assertIn(accepted, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
