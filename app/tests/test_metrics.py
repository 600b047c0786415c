import unittest

from shop.metrics import BUCKETS, Metrics


class MetricsTest(unittest.TestCase):
    def test_requests_are_counted_by_method_path_and_code(self) -> None:
        lines = self._after(("GET", "/", 200, 0.01), ("GET", "/", 200, 0.01), ("POST", "/cart", 400, 0.01))
        self.assertIn('http_requests_total{method="GET",path="/",code="200"} 2', lines)
        self.assertIn('http_requests_total{method="POST",path="/cart",code="400"} 1', lines)

    def test_buckets_are_cumulative_and_end_with_the_count(self) -> None:
        lines = self._after(("GET", "/", 200, 0.001), ("GET", "/", 200, 0.3), ("GET", "/", 200, 60.0))
        counts = [
            float(line.rpartition(" ")[2]) for line in lines if line.startswith("http_request_duration_seconds_bucket")
        ]
        self.assertEqual(len(counts), len(BUCKETS) + 1)
        self.assertEqual(counts, sorted(counts))
        self.assertIn('http_request_duration_seconds_bucket{path="/",le="0.001"} 1', lines)
        self.assertIn('http_request_duration_seconds_bucket{path="/",le="0.5"} 2', lines)
        self.assertIn('http_request_duration_seconds_bucket{path="/",le="+Inf"} 3', lines)
        self.assertIn('http_request_duration_seconds_count{path="/"} 3', lines)
        self.assertIn('http_request_duration_seconds_sum{path="/"} 60.301', lines)

    def test_requests_being_answered_are_in_flight(self) -> None:
        metrics = Metrics({})
        metrics.request_started()
        metrics.request_started()
        metrics.request_finished("GET", "/", 200, 0.01)
        self.assertIn("http_requests_in_flight 1\n", metrics.render(ready=True))

    def test_every_sample_follows_the_help_and_type_of_its_family(self) -> None:
        described: set[str] = set()
        for line in self._after(("GET", "/", 200, 0.01)):
            if line.startswith("# TYPE "):
                described.add(line.split()[2])
            elif not line.startswith("#"):
                name = line.partition("{")[0].partition(" ")[0]
                family = {name, *(name.removesuffix(end) for end in ("_bucket", "_sum", "_count"))}
                self.assertTrue(family & described, line)

    def test_label_values_are_escaped(self) -> None:
        self.assertIn(r'shop_build_info{version="a\"b\\c\nd"} 1', Metrics({"version": 'a"b\\c\nd'}).render(ready=True))

    def test_readiness_is_a_gauge(self) -> None:
        self.assertIn("shop_ready 0\n", Metrics({}).render(ready=False))
        self.assertIn("shop_ready 1\n", Metrics({}).render(ready=True))

    @staticmethod
    def _after(*requests: tuple[str, str, int, float]) -> list[str]:
        metrics = Metrics({"version": "1"})
        for method, path, code, seconds in requests:
            metrics.request_started()
            metrics.request_finished(method, path, code, seconds)
        return metrics.render(ready=True).splitlines()


if __name__ == "__main__":
    unittest.main()
