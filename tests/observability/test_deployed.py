"""What is shipped for Prometheus and Grafana speaks of metrics that exist, by labels that they have."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from crypto_signals.domain.vocabulary import AssetClass, EffectKind
from crypto_signals.engine.drift import Drift
from crypto_signals.engine.ports import Delivery, Looked
from crypto_signals.engine.summary import Summary
from crypto_signals.observability.metrics import Metrics

STAMP = dt.datetime(2018, 12, 20, tzinfo=dt.UTC)
DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "crypto-sentinel.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
LEGENDS = [
    (target["expr"], label)
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
    for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", ""))
]


@pytest.fixture(scope="module")
def samples() -> dict[str, set[str]]:
    """Every metric after a run in which a bit of everything happened, with its labels."""
    return of(lived())


def lived() -> CollectorRegistry:
    metrics = Metrics()
    metrics.started("r1")
    with metrics.step("fetch"):
        metrics.looked(Looked("default", "SPY", AssetClass.EQUITY, newest=None, error="x"))
    metrics.looked(Looked("d", "BTC/USD", AssetClass.CRYPTO, newest=STAMP, signals=1, shadow_signals=2))
    metrics.delivered(Delivery("console", EffectKind.ANNOUNCE, "done", "BTC/USD", "id", 1))
    drift = [Drift("hammer", "long", "crypto", "1Day", 40, 0.2, 0.4, 900.0)]
    summary = Summary(breakers={"alpaca": "open"}, drift=drift).as_dict()
    metrics.finished(summary | {"errors": [{"service": "market"}]}, 0, 1.0)
    return metrics.registry


def of(registry: CollectorRegistry) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_named_exists_with_its_labels(samples: dict[str, set[str]], expression: str) -> None:
    """A rule about a metric that is not there would never fire, and nobody would know."""
    named = re.findall(r"(sentinel_\w+)(?:{(\w+)=)?", expression)
    assert named
    for name, label in named:
        assert name in samples
        assert not label or label in samples[name]


@pytest.mark.parametrize(("expression", "label"), LEGENDS)
def test_every_legend_speaks_of_a_label_that_exists(
    samples: dict[str, set[str]], expression: str, label: str
) -> None:
    """Else every line of a panel has the same name."""
    assert any(label in samples[name] for name in re.findall(r"sentinel_\w+", expression))


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Its severity, what happened, and what a person does about it; labels in its texts are its metric's."""
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "action"}


def test_every_metric_of_state_is_shown_or_alerted_on(samples: dict[str, set[str]]) -> None:
    """A gauge that nobody looks at is not worth keeping."""
    shown = " ".join(EXPRESSIONS)
    assert [name for name in samples if "_bucket" not in name and name not in shown] == []


def test_no_panel_overlaps_another() -> None:
    """Grafana would move them about."""
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
