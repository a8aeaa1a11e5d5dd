"""The schedules that ship: each names a flow that is there, and takes what the flow takes."""

import inspect

from wellspring.flows import serving
from wellspring.flows.dataset import dataset


def test_every_declared_deployment_is_a_flow_with_its_schedule_and_its_limit() -> None:
    found = {each.name: each for each in serving.declared("smoke", "elsewhere")}

    assert {"corpus-nightly", "dataset-weekly", "dataset", "quality-hourly", "retry-failed"} <= set(found)
    assert all(each.parameters["profile"] == "smoke" for each in found.values())
    assert all(each.parameters["store"] == "elsewhere" for each in found.values())
    assert found["dataset"].schedules == []
    assert all(each.schedules for name, each in found.items() if name != "dataset")
    assert all(each.concurrency_limit == 1 for each in found.values())


def test_parameters_are_what_the_prefect_form_asks_for() -> None:
    taken = set(inspect.signature(dataset.fn).parameters)

    assert all(set(each.parameters) <= taken for each in serving.declared("smoke", "ws") if each.flow_name == "dataset")
