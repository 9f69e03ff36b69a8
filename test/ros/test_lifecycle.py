"""The nodes under a lifecycle manager."""

import pytest
from aliked_ros.msg import Features
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import Image
from soak.scene import Scene

EXECUTABLES = {
    "extractor_node": {},
    "tracker_node": {"camera_transform": "optical"},
    "overlay_node": {},
    "recorder_node": {},
    "player_node": {"dataset": "synthetic"},
}
CYCLE = {
    "CONFIGURE": State.PRIMARY_STATE_INACTIVE,
    "ACTIVATE": State.PRIMARY_STATE_ACTIVE,
    "DEACTIVATE": State.PRIMARY_STATE_INACTIVE,
    "CLEANUP": State.PRIMARY_STATE_UNCONFIGURED,
}


@pytest.fixture
def manage(probe):
    """Return what a lifecycle manager does with a node: a transition, and the state after it."""

    def manage(node, transition):
        request = ChangeState.Request()
        request.transition.id = getattr(Transition, f"TRANSITION_{transition}")
        success = probe.call(ChangeState, f"/{node}/change_state", request).success
        state = probe.call(GetState, f"/{node}/get_state", GetState.Request()).current_state.id
        return success, state

    return manage


@pytest.mark.parametrize("executable", EXECUTABLES)
def test_every_node_goes_through_its_life_and_ends_cleanly(
    executable, processes, manage, network_parameters, tmp_path
):
    parameters = dict(EXECUTABLES[executable])
    if executable == "extractor_node":
        parameters |= network_parameters
    if executable == "recorder_node":
        parameters["output_dir"] = tmp_path / "out"
    processes.start(executable, autostart=False, **parameters)
    node = "aliked_" + executable.removesuffix("_node")
    # Out of turn: refused, and nothing ends.
    assert manage(node, "ACTIVATE") == (False, State.PRIMARY_STATE_UNCONFIGURED)
    for transition, state in [*CYCLE.items(), *CYCLE.items()]:
        assert manage(node, transition) == (True, state), transition
    assert processes.interrupt(executable) == 0
    assert "Traceback" not in processes.log(executable)


def test_an_extractor_that_was_cleaned_up_takes_new_parameters_and_works_again(
    processes, probe, manage, network_parameters
):
    probe.listen(Features, "features")
    images = probe.publisher(Image, "image_raw")
    processes.start("extractor_node", **network_parameters)
    scene = Scene()

    def features():
        probe.wait_until(images.get_subscription_count, "the extractor to listen")
        before = len(probe.heard["features"])

        def has_answered():
            scene.go_on()
            images.publish(scene.image())
            return len(probe.heard["features"]) > before

        probe.wait_until(has_answered, "features", poll_s=0.3)
        return probe.heard["features"][-1]

    def set_model(model):
        value = ParameterValue(type=4, string_value=model)
        request = SetParameters.Request(
            parameters=[
                Parameter(name="extractor.model", value=value),
                Parameter(
                    name="extractor.weights", value=ParameterValue(type=4, string_value="seed:0")
                ),
            ]
        )
        name = "/aliked_extractor/set_parameters"
        return probe.call(SetParameters, name, request).results

    assert features().model == "aliked-t16"
    (refused, _) = set_model("aliked-n16")
    assert not refused.successful
    assert "takes effect only when the node is configured: ros2 lifecycle set" in refused.reason
    for transition in ("DEACTIVATE", "CLEANUP"):
        assert manage("aliked_extractor", transition)[0]
    assert all(result.successful for result in set_model("aliked-n16"))
    for transition in ("CONFIGURE", "ACTIVATE"):
        assert manage("aliked_extractor", transition)[0]
    assert features().model == "aliked-n16"


def test_a_tracker_without_the_weights_of_its_matcher_is_not_configured_and_takes_another(
    processes, probe, manage
):
    processes.start(
        "tracker_node",
        autostart=False,
        camera_transform="optical",
        matcher__kind="lightglue",
        matcher__weights="absent.pth",
    )
    refused = (False, State.PRIMARY_STATE_UNCONFIGURED)
    assert manage("aliked_tracker", "CONFIGURE") == refused
    assert "matcher.weights is 'absent.pth'" in processes.log("tracker_node")
    value = ParameterValue(type=4, string_value="nearest")
    request = SetParameters.Request(parameters=[Parameter(name="matcher.kind", value=value)])
    name = "/aliked_tracker/set_parameters"
    assert probe.call(SetParameters, name, request).results[0].successful
    assert manage("aliked_tracker", "CONFIGURE") == (True, State.PRIMARY_STATE_INACTIVE)
