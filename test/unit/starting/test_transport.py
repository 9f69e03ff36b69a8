import pytest

from aliked_ros.starting.transport import has_profile, profile_variable

NEW, OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


@pytest.fixture
def environment(tmp_path, request):
    (tmp_path / "ros" / "share" / request.param).mkdir(parents=True)
    return {"AMENT_PREFIX_PATH": f"{tmp_path}/overlay:{tmp_path}/ros"}


@pytest.mark.parametrize(
    ("environment", "name"), [("fastrtps", OLD), ("fastdds", NEW)], indirect=["environment"]
)
def test_the_profile_is_named_once_as_the_fast_dds_that_is_here_reads_it(environment, name):
    assert profile_variable(environment) == name
    assert not has_profile(environment)
    assert has_profile({**environment, name: "mine.xml"})


@pytest.mark.parametrize("environment", ["fastdds"], indirect=True)
def test_fast_dds_3_gets_no_second_profile_where_the_old_name_is_set(environment):
    assert has_profile({**environment, OLD: "mine.xml"})


@pytest.mark.parametrize("environment", ["fastrtps"], indirect=True)
def test_fast_dds_2_does_not_read_the_new_name(environment):
    assert not has_profile({**environment, NEW: "mine.xml"})


def test_without_ros_there_is_a_name_too():
    assert profile_variable({}) == OLD
