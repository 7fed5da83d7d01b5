"""The false-alarm budget, simulated: 25 features, windows of a day, at most one alarm in 30 days."""

from __future__ import annotations

import numpy as np
import pytest

from tests.detectors.healthy import FEATURES, RUN_LENGTH, WORLDS, World, alarms, delay

WITHIN = {world.name: 1.0 for world in WORLDS} | {"AR(1) 0.8": 4.0}
CHANGES = (  # what changes, by how much and in spread, and the windows that it may take
    ("mean +0.05 sd", 0.05, 1.0, 8),
    ("mean +0.1 sd", 0.1, 1.0, 2),
    ("mean +0.2 sd", 0.2, 1.0, 1),
    ("mean +0.5 sd", 0.5, 1.0, 1),
    ("variance x1.1", 0.0, 1.1**0.5, 15),
)


def rate(world: World, *, families: int, reference: int, windows: int) -> float:
    """Alarms in 30 windows of a model, on average."""
    begun = [alarms(world, seed, reference=reference, windows=windows) for seed in range(families)]
    return sum(begun) / (families * windows) * RUN_LENGTH


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[2], WORLDS[4]], ids=lambda world: world.name)
def test_a_healthy_model_keeps_the_budget(world: World) -> None:
    assert rate(world, families=3, reference=30, windows=60) <= 1.5


@pytest.mark.slow
@pytest.mark.parametrize("reference", [30, 60, 90])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_healthy_models_keep_the_budget(world: World, reference: int) -> None:
    found = rate(world, families=20, reference=reference, windows=120)
    print(  # noqa: T201 - the figures are the point of the slow run
        f"{FEATURES} features, {reference} reference windows, {world.name}: {found:.2f} alarms in 30 windows"
    )
    assert found <= WITHIN[world.name]


@pytest.mark.parametrize(("name", "shift", "scale", "most"), CHANGES, ids=[change[0] for change in CHANGES])
def test_a_changed_feature_is_found_in_time(name: str, shift: float, scale: float, most: int) -> None:
    waited = [delay(shift, scale, seed) for seed in range(3)]
    assert np.median(waited) <= most, name


@pytest.mark.slow
def test_the_table_of_delays() -> None:
    for wander in (0.0, 0.1):
        for name, shift, scale, most in CHANGES:
            waited = [delay(shift, scale, seed, wander=wander) for seed in range(30)]
            middle, late = np.median(waited), np.quantile(waited, 0.9)
            print(f"wander {wander}: {name}: {middle:.0f} windows, 90 % within {late:.0f}")  # noqa: T201
            assert wander or middle <= most
